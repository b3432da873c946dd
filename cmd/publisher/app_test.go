package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// screen is an output that a test may read while the program writes it.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func newScreen() *screen { return &screen{grew: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.grew <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor waits until the screen shows words.
func (s *screen) waitFor(t *testing.T, words string) {
	t.Helper()
	for !strings.Contains(s.String(), words) {
		select {
		case <-s.grew:
		case <-t.Context().Done():
			require.FailNow(t, "never shown", "%q in:\n%s", words, s)
		}
	}
}

// session is one run of the program.
type session struct {
	stdout, stderr *screen
	code           chan int
}

func (s *session) wait() int { return <-s.code }

// start runs the program on the side, with NATS at url.
func start(ctx context.Context, url string, stdin io.Reader, args ...string) *session {
	s := &session{stdout: newScreen(), stderr: newScreen(), code: make(chan int, 1)}
	env := func(name string) string {
		if name == "NATS_URL" {
			return url
		}
		return ""
	}
	a := app{stdin: stdin, stdout: s.stdout, stderr: s.stderr, env: env}
	go func() { s.code <- a.run(ctx, args) }()
	return s
}

// publisher runs the program to its end.
func publisher(t *testing.T, url, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	s := start(t.Context(), url, strings.NewReader(stdin), args...)
	code = s.wait()
	return code, s.stdout.String(), s.stderr.String()
}

func TestWrongUse(t *testing.T) {
	send := []string{"send", "--route", "otp", "--to", "+79612242243", "--text", "x"}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "a command is missing"},
		{"no such command", []string{"sned"}, "unknown command"},
		{"no such flag", []string{"watch", "--colour"}, "unknown flag"},
		{"an argument too many", []string{"watch", "otp"}, "unknown command \"otp\""},
		{"output", []string{"watch", "--output", "xml"}, "--output"},
		{"prefix", []string{"watch", "--prefix", "a.*"}, "--prefix"},
		{"url", []string{"watch", "--nats", "nats://u:hush@[::1"}, "server 1 is not a URL"},
		{"send without its flags", []string{"send"}, `"route", "text", "to" not set`},
		{"send to a bad route", []string{"send", "--route", "O.P", "--to", "1", "--text", "x"}, "--route must match"},
		{"send for a bad tenant", append(send, "--tenant", "*"), "--tenant must match"},
		{"send in a bad lane", append(send, "--lane", "fast"), "--lane must be"},
		{"send in a bad region", append(send, "--region", "Russia"), "--region must be"},
		{"send at a bad time", append(send, "--at", "tomorrow"), "--at must be a time"},
		{"send a while ago", append(send, "--at", "+-5m"), "--at: a duration"},
		{"send till a bad time", append(send, "--expires", "+soon"), "--expires: a duration"},
		{"send with bad metadata", append(send, "--metadata", "order"), "KEY=VALUE"},
		{"send without patience", append(send, "--timeout", "0s"), "--timeout"},
		{"watch a bad state", []string{"watch", "--state", "sent"}, "--state must be one of scheduled, waiting"},
		{"watch a bad tenant", []string{"watch", "--tenant", "A"}, "--tenant"},
		{"watch a bad route", []string{"watch", "--route", ">"}, "--route"},
		{"trace nothing", []string{"trace"}, "accepts 1 arg"},
		{"trace an empty id", []string{"trace", ""}, "the ID is empty"},
		{"import nothing", []string{"import", "--route", "otp"}, "accepts 1 arg"},
		{"import without a route", []string{"import", "-"}, `"route" not set`},
		{"import an unknown format", []string{"import", "-", "--route", "otp", "--format", "xml"}, "--format must be"},
		{"dead without a command", []string{"dead"}, "list, show, replay or purge"},
		{"dead, no such command", []string{"dead", "bury"}, "unknown command"},
		{"dead list of a bad tenant", []string{"dead", "list", "--tenant", "*"}, "--tenant must match"},
		{"dead list of a bad account", []string{"dead", "list", "--account", "A"}, "--account must match"},
		{"dead list of an unknown code", []string{"dead", "list", "--code", "oops"}, "--code must be one of invalid_job"},
		{"dead list since a bad time", []string{"dead", "list", "--since", "yesterday"}, "--since must be a duration"},
		{"dead list since the future", []string{"dead", "list", "--since", "-2h"}, "--since must be a duration"},
		{"dead list of too few", []string{"dead", "list", "--limit", "-1"}, "--limit"},
		{"dead list of one", []string{"dead", "list", "42"}, "unknown command"},
		{"dead show of nothing", []string{"dead", "show", ""}, "WHICH is empty"},
		{"dead show of an odd number", []string{"dead", "show", "007"}, "--job"},
		{"dead replay at a bad rate", []string{"dead", "replay", "--rate", "-1"}, "--rate"},
		{"dead purge of all", []string{"dead", "purge"}, "--all"},
		{"audit without grace", []string{"audit", "--grace", "-1s"}, "--grace"},
		{"audit since a bad time", []string{"audit", "--since", "2"}, "--since must be"},
		{"audit since never", []string{"audit", "--since", ""}, "--since must be"},
		{"audit of a bad tenant", []string{"audit", "--tenant", "*"}, "--tenant"},
		{"audit of a bad route", []string{"audit", "--route", "*"}, "--route"},
		{"estimate nothing", []string{"estimate"}, "either --text or a FILE"},
		{"estimate two things", []string{"estimate", "a.csv", "--text", "x"}, "either --text or a FILE"},
		{"estimate at a bad price", []string{"estimate", "--text", "x", "--price", "1e3"}, "--price must be"},
		{"estimate without a price", []string{"estimate", "--text", "x", "--currency", "RUB"}, "--currency needs a --price"},
		{"estimate in a bad region", []string{"estimate", "--text", "x", "--region", "x"}, "--region"},
		{"estimate an unknown extension", []string{"estimate", "jobs.txt"}, "--format is needed"},
		{"a certificate without its key", []string{"watch", "--cert", "x.pem"}, "--cert and --key"},
		{"a bad inbox prefix", []string{"watch", "--inbox-prefix", "a.>"}, "--inbox-prefix"},
		{"import an unknown extension", []string{"import", "jobs.txt", "--route", "otp"}, "--format is needed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := publisher(t, "nats://127.0.0.1:1", "", c.args...)
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, c.want)
			require.Contains(t, stderr, "--help")
			require.NotContains(t, stderr, "hush")
			require.Empty(t, stdout)
		})
	}
}

func TestHelpOnEveryLevelHasExamples(t *testing.T) {
	for _, args := range [][]string{{}, {"send"}, {"import"}, {"watch"}, {"trace"}, {"audit"}, {"estimate"},
		{"dead"}, {"dead", "list"}, {"dead", "show"}, {"dead", "replay"}, {"dead", "purge"}} {
		code, stdout, stderr := publisher(t, "", "", append(args, "--help")...)
		require.Equal(t, exitDone, code)
		require.Contains(t, stdout, "Examples:\n  publisher ")
		require.Contains(t, stdout, "--nats URL")
		require.Empty(t, stderr)
	}
}

func TestNobodyAtTheAddress(t *testing.T) {
	for _, args := range [][]string{
		{"watch"}, {"trace", "x"}, {"import", "-", "--route", "otp"}, {"audit"},
		{"dead", "list"}, {"dead", "show"}, {"dead", "replay"}, {"dead", "purge", "--all"},
		{"send", "--route", "otp", "--to", "+79612242243", "--text", "x"},
	} {
		code, stdout, stderr := publisher(t, "nats://user:hush@127.0.0.1:1", "", args...)
		require.Equal(t, exitFailed, code)
		require.Contains(t, stderr, "cannot connect to NATS at nats://127.0.0.1:1")
		require.NotContains(t, stderr, "hush")
		require.Empty(t, stdout)
	}
	code, _, stderr := publisher(t, "", "", "watch", "--creds", "/nowhere/x.creds")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "/nowhere/x.creds")
}
