package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

const news = "DISPATCH_JOBS_BULK"

// importing is the command line that imports a file.
func importing(file string, more ...string) []string {
	return append([]string{"import", file, "--route", "news", "--lane", "bulk", "--tenant", "shop"}, more...)
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestImportCSV(t *testing.T) {
	h := newHouse(t)
	file := writeFile(t, "clients.csv", "\xef\xbb\xbfid,to,text,channel,sender,send_at,metadata.order\r\n"+
		"a,8 (961) 224-22-43,\"Hello,\r\n\"\"you\"\"\",,,,42\r\n"+
		"b,12,Bad phone,,,,\r\n"+
		"\r\n"+
		"c,+79612242244,Hi,viber,Other,2026-11-22T23:00:00+03:00,\r\n"+
		"d,+79612242245\r\n"+
		"e,+79612242246,Bad \"quote,,,,\r\n"+
		"f,+79612242247,Bad \xff text,,,,\r\n"+
		"g,+79612242248,Bad time,,,tomorrow,\r\n"+
		"h,+79612242249,Last,,,,")
	code, stdout, stderr := publisher(t, h.URL(), "", importing(file, "--sender", "MyShop")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "lines refused: 5")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 6)
	require.Regexp(t, `^line 4: to: `, lines[0])
	require.Equal(t, "line 7: has not as many columns as the header, 7", lines[1])
	require.Regexp(t, `^line 8: is not CSV, in line 8: `, lines[2])
	require.Equal(t, "line 9: text: is not valid UTF-8", lines[3])
	require.Regexp(t, `^line 10: send_at: must be a time in RFC 3339`, lines[4])
	require.Equal(t, "3 published, 0 already there, 5 refused", lines[5])

	stored := h.stored(t, news)
	require.Len(t, stored, 3)
	require.JSONEq(t, `{"id":"a","channel":"sms","to":"+79612242243","sender":"MyShop","text":"Hello,\n\"you\"","metadata":{"order":"42"}}`, string(stored[0].Data))
	require.JSONEq(t, `{"id":"c","channel":"viber","to":"+79612242244","sender":"Other","text":"Hi","send_at":"2026-11-22T20:00:00Z"}`, string(stored[1].Data))
	require.Equal(t, "dispatch.jobs.bulk.news.shop", stored[2].Subject)
	require.Equal(t, job.MsgID("shop", "h", stored[2].Data), stored[2].Header.Get("Nats-Msg-Id"))
}

func TestImportNDJSON(t *testing.T) {
	h := newHouse(t)
	text := `{"id":"a","channel":"viber","to":"+79612242243","text":"x","sender":"Other"}

 {  }
{"id":"b","to":"+79612242243","text":"x"}
{"to":"+79612242243","text":"x","to":"+79612242244"}
{"ID":"c","to":"+79612242243","text":"x"}
{"id":null,"to":"+79612242243","text":"x"}
{"id":"big","to":"+79612242243","text":"` + strings.Repeat("x", 200_000) + `"}
[1]
{"id":"p","channel":"push","audience":{"collection":"users","query":{"city":"Kazan"}},"push":{"gcm":{"data":{"a":1}}}}
{"to":"+79612242243","text":"\ud83d"}
{"to":"+79612242243","text":"no id"}`
	code, stdout, stderr := publisher(t, h.URL(), text, importing("-", "--sender", "MyShop", "--output", "json")...)
	require.Equal(t, exitFailed, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var numbers []int
	for _, line := range lines[:len(lines)-1] {
		var refusal struct {
			Line    int
			Problem string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &refusal))
		require.NotEmpty(t, refusal.Problem)
		numbers = append(numbers, refusal.Line)
	}
	require.Equal(t, []int{3, 5, 6, 7, 8, 9, 11}, numbers, stdout)
	require.JSONEq(t, `{"published":4,"duplicates":0,"refused":7,"complete":true}`, lines[len(lines)-1])
	stored := h.stored(t, news)
	require.Len(t, stored, 4)
	require.JSONEq(t, `{"id":"a","channel":"viber","to":"+79612242243","text":"x","sender":"Other"}`, string(stored[0].Data))
	require.JSONEq(t, `{"id":"b","channel":"sms","to":"+79612242243","text":"x","sender":"MyShop"}`, string(stored[1].Data))
	require.Contains(t, string(stored[2].Data), `"query":{"city":"Kazan"}`)
	require.Regexp(t, `"id":"line-[0-9a-f]{32}"`, string(stored[3].Data))
}

func TestImportAgainPublishesNothingTwice(t *testing.T) {
	h := newHouse(t)
	first := writeFile(t, "a.csv", "to,text\n+79612242243,one\n+79612242244,two\n")
	code, stdout, stderr := publisher(t, h.URL(), "", importing(first)...)
	require.Equal(t, exitDone, code, stderr)
	require.Equal(t, "2 published, 0 already there, 0 refused\n", stdout)
	// corrected, sorted otherwise, spelt otherwise, in another format: the same jobs
	second := writeFile(t, "b.ndjson", `{"text":"three","to":"+79612242245"}
{"to":"8 961 224-22-44","text":"two","channel":"sms"}
{"to":"+79612242243","text":"\u006fne"}
`)
	code, stdout, stderr = publisher(t, h.URL(), "", importing(second)...)
	require.Equal(t, exitDone, code, stderr)
	require.Equal(t, "1 published, 2 already there, 0 refused\n", stdout)
	require.Len(t, h.stored(t, news), 3)
}

func TestImportOfWhatNobodyUnderstands(t *testing.T) {
	for _, c := range []struct {
		text string
		code int
		want string
	}{
		{"", exitUsage, "the file is empty"},
		{"to,text,colour\n", exitUsage, `column 3, "colour", is no field of a job: allowed are id, channel`},
		{"to,text,metadata.\n", exitUsage, `column 3`},
		{"to,text,push\n", exitUsage, `column 3`},
		{"to,text,to\n", exitUsage, `column 3, "to", is there twice`},
		{"to,id\n", exitUsage, `there is no column "text"`},
		{"to;text\n", exitUsage, "commas are needed"},
		{"to,\"te\"xt\n", exitUsage, "the header can't be read"},
		{"\xff\xfet\x00o\x00", exitFailed, "UTF-16"},
	} {
		code, stdout, stderr := publisher(t, "nats://127.0.0.1:1", c.text, importing("-", "--format", "csv")...)
		require.Equal(t, c.code, code, stderr)
		require.Contains(t, stderr, c.want)
		require.Empty(t, stdout)
	}
	code, _, stderr := publisher(t, "nats://127.0.0.1:1", "", importing("/nowhere/x.csv")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "/nowhere/x.csv")
}

func TestImportStopsAtAQuoteLeftOpen(t *testing.T) {
	h := newHouse(t)
	text := "to,text\n+79612242243,fine\n+79612242243,\"" + strings.Repeat("open\n", maxRecord/4)
	code, stdout, stderr := publisher(t, h.URL(), text, importing("-", "--format", "csv", "--output", "json")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "after line 2: the record doesn't end within 4 MiB: a quote was left open")
	require.JSONEq(t, `{"published":1,"duplicates":0,"refused":0,"complete":false}`, stdout)
}

func TestImportToARouteThatNobodyServes(t *testing.T) {
	h := newHouse(t)
	code, stdout, stderr := publisher(t, h.URL(), jobLines(0, 100), "import", "-", "--route", "nope")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "every line before line 1 is stored or refused")
	require.Contains(t, stderr, "no worker serves route nope")
	require.Equal(t, "0 published, 0 already there, 0 refused\n", stdout)
}

// jobLines are jobs in NDJSON with the ids from to to-1.
func jobLines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, `{"id":"%d","to":"+79612242243","text":"Hello"}`+"\n", n)
	}
	return b.String()
}

func TestImportWaitsForRoomInTheStream(t *testing.T) {
	h := newHouse(t)
	const most, jobs = 50, 1000
	s, err := h.js.Stream(t.Context(), news)
	require.NoError(t, err)
	config := s.CachedInfo().Config
	config.MaxMsgs = most
	s, err = h.js.UpdateStream(t.Context(), config)
	require.NoError(t, err)

	run := start(t.Context(), h.URL(), strings.NewReader(jobLines(0, jobs)), importing("-")...)
	run.stderr.waitFor(t, "the stream takes no more for now")
	seen := drain(t, s, jobs)
	require.Equal(t, exitDone, run.wait(), run.stderr)
	require.Equal(t, "1000 published, 0 already there, 0 refused\n", run.stdout.String())
	require.Len(t, seen, jobs)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

// drain takes jobs off a stream's route news until it has seen so many ids, and tells how often each came.
func drain(t *testing.T, s jetstream.Stream, jobs int) map[string]int {
	t.Helper()
	consumer, err := s.Consumer(t.Context(), "news")
	require.NoError(t, err)
	seen := make(map[string]int)
	for len(seen) < jobs {
		batch, err := consumer.Fetch(100, jetstream.FetchMaxWait(100*time.Millisecond))
		require.NoError(t, err)
		for m := range batch.Messages() {
			j, err := job.Decode(m.Data(), "")
			require.NoError(t, err)
			seen[j.ID]++
			require.NoError(t, m.DoubleAck(t.Context()))
		}
	}
	return seen
}

func TestImportGoesOnWhenTheServerIsBack(t *testing.T) {
	h := newHouse(t)
	in, file := io.Pipe()
	run := start(t.Context(), h.URL(), in, importing("-")...)
	_, err := io.WriteString(file, jobLines(0, 500)+"nonsense\n")
	require.NoError(t, err)
	run.stdout.waitFor(t, "line 501:")
	h.Stop()
	go func() {
		_, _ = io.WriteString(file, jobLines(500, 1000)) // the pipe is closed only with the test
		_ = file.Close()
	}()
	run.stderr.waitFor(t, "NATS doesn't answer")
	h.Restart()
	require.Equal(t, exitFailed, run.wait())
	require.Contains(t, run.stdout.String(), "1000 published, 0 already there, 1 refused\n")
	ids := make(map[string]int)
	require.Eventually(t, func() bool { return h.js.Conn().IsConnected() }, time.Minute, 10*time.Millisecond)
	for _, m := range h.stored(t, news) {
		j, err := job.Decode(m.Data, "")
		require.NoError(t, err)
		ids[j.ID]++
	}
	require.Len(t, ids, 1000)
}

func TestImportStopsWhenTold(t *testing.T) {
	h := newHouse(t)
	in, file := io.Pipe() // is never closed: the reader hangs as on a terminal
	defer func() { _ = file.Close() }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	run := start(ctx, h.URL(), in, importing("-")...)
	_, err := io.WriteString(file, jobLines(0, 10)+"nonsense\n")
	require.NoError(t, err)
	run.stdout.waitFor(t, "line 11:")
	stop()
	require.Equal(t, exitFailed, run.wait())
	require.Contains(t, run.stderr.String(), "stopped, every line before line 12 is stored or refused; run the same command again to go on")
	require.Contains(t, run.stdout.String(), "10 published, 0 already there, 1 refused")
	require.Len(t, h.stored(t, news), 10)
}
