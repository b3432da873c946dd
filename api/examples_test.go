package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

const examples = "../examples"

// inside finds the JSON objects that begin with the member, such as {"id": or {"job":.
func inside(t *testing.T, text, member string) [][]byte {
	t.Helper()
	var found [][]byte
	for _, place := range regexp.MustCompile(`\{\s*"`+member+`"\s*:\s*"`).FindAllStringIndex(text, -1) {
		var raw json.RawMessage
		require.NoError(t, json.NewDecoder(strings.NewReader(text[place[0]:])).Decode(&raw), "%.80s", text[place[0]:])
		found = append(found, raw)
	}
	return found
}

// The jobs and events that examples and documents show are jobs and events.
func TestShownDocuments(t *testing.T) {
	jobs, events := compile(t, "job.schema.json"), compile(t, "event.schema.json")
	files := []string{"../README.md", "asyncapi.yaml"}
	require.NoError(t, filepath.WalkDir(examples, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	shown := map[string]int{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, text := range inside(t, string(data), "id") {
			require.NoError(t, check(jobs, text), "%s: %s", file, text)
			_, err := job.Decode(text, "RU")
			require.NoError(t, err, "%s: %s", file, text)
			shown[file]++
		}
		for _, text := range inside(t, string(data), "job") {
			require.NoError(t, check(events, text), "%s: %s", file, text)
			shown[file]++
		}
	}
	require.GreaterOrEqual(t, shown["../README.md"], 4)
	require.Equal(t, 1, shown[filepath.Join(examples, "shell/publish.sh")])
	require.Equal(t, 1, shown[filepath.Join(examples, "python/publish.py")])
}

// What can't be run here is read, at least, by what would run it.
func TestScriptsAreSound(t *testing.T) {
	scripts := map[string][]string{
		"shell/*.sh":  {"bash", "-n"},
		"python/*.py": {"python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"},
	}
	for pattern, command := range scripts {
		names, err := filepath.Glob(filepath.Join(examples, pattern))
		require.NoError(t, err)
		require.Len(t, names, 2)
		if _, err := exec.LookPath(command[0]); err != nil {
			t.Logf("no %s here: %s unread", command[0], pattern)
			continue
		}
		for _, name := range names {
			out, err := exec.Command(command[0], append(command[1:], name)...).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
	}
}

// The examples in Go do what they say, against a real worker, and everything that the worker tells fits the documents.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts processes")
	}
	w := newWorld(t)
	stop, lines := w.start("consume", "-nats", w.url)

	out, err := w.publish()
	require.NoError(t, err, out)
	require.Regexp(t, `^stored: DISPATCH_JOBS_URGENT:\d+\n$`, out)
	again, err := w.publish()
	require.NoError(t, err, again)
	require.Equal(t, strings.Replace(out, "stored", "stored before, nothing to do", 1), again)
	none, err := w.publish("-route", "nobody")
	require.Error(t, err)
	require.Equal(t, "no stream responds: is there a route nobody? Nothing is stored\n", none)
	require.Equal(t, "ord-42 submitted", w.await(lines, `^\S+ shop/(.*)`))

	// An event that comes twice is told once.
	status, err := w.js.Stream(t.Context(), "DISPATCH_STATUS")
	require.NoError(t, err)
	m, err := status.GetLastMsgForSubject(t.Context(), "dispatch.status.shop.otp.submitted")
	require.NoError(t, err)
	m.Header.Del("Nats-Msg-Id")
	_, err = w.js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
	require.NoError(t, err)
	_, err = w.publish("-id", "ord-43")
	require.NoError(t, err)
	require.Equal(t, "ord-43 submitted", w.await(lines, `^\S+ shop/(.*)`))

	// One that was acknowledged doesn't come to the next consumer of the name; what was told meanwhile does.
	stop()
	_, err = w.publish("-id", "ord-44")
	require.NoError(t, err)
	_, err = w.js.Publish(t.Context(), "dispatch.jobs.urgent.otp.shop", []byte(`{}`))
	require.NoError(t, err)
	_, lines = w.start("consume", "-nats", w.url)
	told := []string{w.await(lines, `^\S+ shop/(.*)`), w.await(lines, `^\S+ shop/(.*)`)}
	require.Contains(t, told, "ord-44 submitted")
	require.Regexp(t, `DISPATCH_JOBS_URGENT:\d+ rejected \(final\) invalid_job`, strings.Join(told, "\n"))

	t.Run("shell", w.shell)
	events := compile(t, "event.schema.json")
	headers, _, _ := headersOf(t, "event")
	require.Greater(t, fit(t, status, events, headers), 30)
}

// shell runs the shell examples, where there is a nats CLI.
func (w *world) shell(t *testing.T) {
	if _, err := exec.LookPath("nats"); err != nil {
		t.Skip("no nats CLI in PATH")
	}
	script := func(name string) string {
		path, err := filepath.Abs(filepath.Join(examples, "shell", name))
		require.NoError(t, err)
		return path
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command(script("publish.sh"), args...)
		cmd.Env = append(os.Environ(), "NATS_URL="+w.url)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("otp", "mall")
	require.NoError(t, err, out)
	require.Contains(t, out, "stored: ")
	out, err = run("otp", "mall")
	require.NoError(t, err, out)
	require.Contains(t, out, "stored before")
	out, err = run("nobody", "mall")
	require.Error(t, err)
	require.Contains(t, out, "no stream responds")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	follow := exec.CommandContext(ctx, script("consume.sh"), "mall")
	follow.Env = append(os.Environ(), "NATS_URL="+w.url)
	follow.WaitDelay = time.Second // the nats CLI that it runs ends by itself
	lines, err := follow.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, follow.Start())
	line, err := bufio.NewReader(lines).ReadString('\n')
	cancel()
	require.Error(t, follow.Wait(), "it goes on until it is ended")
	require.NoError(t, err)
	require.Contains(t, line, `"job":"ord-42"`)
}

// fit holds each message of a stream to the schemas of its data and its headers, and counts them.
func fit(t *testing.T, stream jetstream.Stream, data, headers *jsonschema.Schema) int {
	t.Helper()
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		require.NoError(t, check(data, m.Data), "%s", m.Data)
		if m.Header.Get("Nats-Msg-Id") != "" { // but for the repeat above
			require.NoError(t, headers.Validate(flat(t, m.Header)))
		}
	}
	return int(info.State.Msgs)
}
