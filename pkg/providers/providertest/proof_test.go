package providertest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// The laws fail here on purpose: no files of failures are kept, and no time is spent on making them small.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "1ms"} {
		if err := flag.Set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

func TestSoundProviderPasses(t *testing.T) { Run(t, memorySubject(nil)) }

// Each of these breaks one promise, and the named law must notice.
func TestBrokenProvidersFail(t *testing.T) {
	everything := func(o providers.Outcome) func(*memoryProvider) {
		return func(p *memoryProvider) {
			p.read = func(_ providers.Reply, msgs []providers.Message) []providers.Result {
				return providers.All(len(msgs), providers.Verdict{Outcome: o}.Result("words"))
			}
		}
	}
	onFate := func(fate providers.Fate, o providers.Outcome) func(*memoryProvider) {
		return func(p *memoryProvider) {
			p.read = func(r providers.Reply, msgs []providers.Message) []providers.Result {
				if r.Fate == fate && (r.Status < 300 || r.Status >= 400) {
					return providers.All(len(msgs), providers.Verdict{Outcome: o}.Result("words"))
				}
				return p.understand(r, msgs)
			}
		}
	}
	onStatus := func(status int, o providers.Outcome) func(*memoryProvider) {
		return func(p *memoryProvider) {
			p.read = func(r providers.Reply, msgs []providers.Message) []providers.Result {
				if r.Status == status {
					return providers.All(len(msgs), providers.Verdict{Outcome: o}.Result("words"))
				}
				return p.understand(r, msgs)
			}
		}
	}
	finish := func(change func([]providers.Message, []providers.Result) []providers.Result) func(*memoryProvider) {
		return func(p *memoryProvider) { p.finish = change }
	}
	onRefusal := func(change func(*providers.Refusal, providers.Reply)) func(*memoryProvider) {
		return func(p *memoryProvider) {
			p.refuse = func(r providers.Reply) error {
				refusal := r.Result(providers.Secret(p.password)).Refusal()
				change(refusal, r)
				return refusal
			}
		}
	}
	onReceipts := func(change func([]providers.Receipt) []providers.Receipt) func(*memoryProvider) {
		return func(p *memoryProvider) { p.tell = change }
	}
	const asked, told = "questions: every fault has its outcome", "receipts mean what they say"
	const faults, order, words = "every fault has its outcome", "one result a message, in order", "nothing secret is told"
	for name, tc := range map[string]struct {
		broken func(*memoryProvider)
		law    string
	}{
		"all is well, always":                {everything(providers.Submitted), faults},
		"nobody ever knows":                  {everything(providers.Ambiguous), order},
		"what may be sent is called unsent":  {onFate(providers.MaybeSent, providers.Unavailable), faults},
		"what is unsent is called ambiguous": {onFate(providers.NotSent, providers.Ambiguous), faults},
		"a broken wire is called unsent":     {onFate(providers.MaybeSent, providers.Unavailable), "what was not read was not sent"},
		"a cut request is called unsent":     {onFate(providers.MaybeSent, providers.Unavailable), "cancelling ends a request"},
		"a 500 is called unsent":             {onStatus(500, providers.Unavailable), faults},
		"a 502 is called a refusal":          {onStatus(502, providers.Misconfigured), faults},
		"a 429 is called ambiguous":          {onStatus(429, providers.Ambiguous), faults},
		"a 429 loses its Retry-After":        {onStatus(429, providers.Throttled), faults},
		"a 307 is called ambiguous":          {onStatus(307, providers.Ambiguous), "redirects are not followed"},
		"results in reverse": {finish(func(_ []providers.Message, rs []providers.Result) []providers.Result {
			slices.Reverse(rs)
			return rs
		}), order},
		"a result too few": {finish(func(_ []providers.Message, rs []providers.Result) []providers.Result { return rs[1:] }), order},
		"a result too many": {finish(func(_ []providers.Message, rs []providers.Result) []providers.Result {
			return append(rs, rs[0])
		}), order},
		"a refusal without code": {finish(func(_ []providers.Message, rs []providers.Result) []providers.Result {
			for i := range rs {
				rs[i].Code = ""
			}
			return rs
		}), "refusals mean what they say"},
		"the wrong refusal": {finish(func(_ []providers.Message, rs []providers.Result) []providers.Result {
			for i := range rs {
				if rs[i].Code == providers.InvalidRecipient {
					rs[i].Code = providers.InvalidSender
				}
			}
			return rs
		}), "refusals mean what they say"},
		"tells the password": {finish(func(_ []providers.Message, rs []providers.Result) []providers.Result {
			for i := range rs {
				if rs[i].Message != "" {
					rs[i].Message += " " + memoryPassword
				}
			}
			return rs
		}), words},
		"tells what came": {func(p *memoryProvider) {
			p.read = func(r providers.Reply, msgs []providers.Message) []providers.Result {
				rs := p.understand(r, msgs)
				for i := range rs {
					if rs[i].Message != "" {
						rs[i].Message = string(r.Body)
					}
				}
				return rs
			}
		}, words},
		"forgets the texts": {func(p *memoryProvider) {
			p.read = func(r providers.Reply, msgs []providers.Message) []providers.Result {
				return providers.All(len(msgs), r.Result(providers.Secret(p.password)))
			}
		}, words},
		"sends again where nothing came": {func(p *memoryProvider) {
			p.post = func(ctx context.Context, path, ct string, body []byte) providers.Reply {
				r := p.endpoint.Post(ctx, path, ct, body)
				if r.Fate == providers.MaybeSent {
					return p.endpoint.Post(ctx, path, ct, body)
				}
				return r
			}
		}, faults},
		"takes rows by position": {func(p *memoryProvider) {
			p.read = func(r providers.Reply, msgs []providers.Message) []providers.Result {
				lines := strings.Split(string(r.Body), "\n")
				if r.Fate != providers.Answered || r.Status != 200 || lines[0] != "ok" || len(lines) <= len(msgs) {
					return providers.All(len(msgs), r.Result(p.secrets(msgs)...))
				}
				rs := make([]providers.Result, len(msgs))
				for i := range msgs {
					_, status, _ := strings.Cut(lines[i+1], "\t")
					rs[i] = p.phrases.Result(status, p.secrets(msgs)...)
				}
				return rs
			}
		}, faults},
		"panics at odd replies": {func(p *memoryProvider) {
			p.read = func(r providers.Reply, msgs []providers.Message) []providers.Result {
				if r.Fate == providers.Answered && !bytes.HasPrefix(r.Body, []byte("ok")) {
					panic("odd")
				}
				return p.understand(r, msgs)
			}
		}, "any bytes may come back"},
		"knows no context": {func(p *memoryProvider) {
			p.post = func(_ context.Context, path, ct string, body []byte) providers.Reply {
				return p.endpoint.Post(context.Background(), path, ct, body)
			}
		}, "a context that ended sends nothing"},
		"keeps a goroutine": {func(p *memoryProvider) {
			p.post = func(ctx context.Context, path, ct string, body []byte) providers.Reply {
				go time.Sleep(time.Minute)
				return p.endpoint.Post(ctx, path, ct, body)
			}
		}, "no goroutine stays behind"},
		"reads to the end":      {own(func(p *memoryProvider, c *http.Client) { c.CheckRedirect = nil }), "a reply without end is not read to its end"},
		"follows redirects":     {own(func(p *memoryProvider, c *http.Client) { c.CheckRedirect = nil }), "redirects are not followed"},
		"guesses what was sent": {own(func(*memoryProvider, *http.Client) {}), "what was not read was not sent"},

		"a question knows no outcome":       {onRefusal(func(r *providers.Refusal, _ providers.Reply) { r.Outcome = providers.Ambiguous }), asked},
		"a question loses its Retry-After":  {onRefusal(func(r *providers.Refusal, _ providers.Reply) { r.RetryAfter = 0 }), asked},
		"a question's error is no refusal":  {func(p *memoryProvider) { p.refuse = func(providers.Reply) error { return errBroken } }, asked},
		"a question fails without a word":   {func(p *memoryProvider) { p.refuse = func(providers.Reply) error { return nil } }, asked},
		"a question tells the password":     {onRefusal(func(r *providers.Refusal, _ providers.Reply) { r.Message += " " + memoryPassword }), "questions: nothing secret is told"},
		"a question tells what came":        {onRefusal(func(r *providers.Refusal, reply providers.Reply) { r.Message += string(reply.Body) }), "questions: nothing secret is told"},
		"a question guesses what was asked": {own(func(*memoryProvider, *http.Client) {}), "questions: what was not read was not asked"},
		"a question knows no context": {func(p *memoryProvider) {
			p.post = func(_ context.Context, path, ct string, body []byte) providers.Reply {
				return p.endpoint.Post(context.Background(), path, ct, body)
			}
		}, "questions: cancelling ends them"},
		"a question asks again": {func(p *memoryProvider) {
			p.post = func(ctx context.Context, path, ct string, body []byte) providers.Reply {
				if r := p.endpoint.Post(ctx, path, ct, body); r.Status < 500 {
					return r
				}
				return p.endpoint.Post(ctx, path, ct, body)
			}
		}, asked},
		"a question panics at odd replies": {onRefusal(func(_ *providers.Refusal, r providers.Reply) {
			if r.Fate == providers.Answered {
				panic("odd")
			}
		}), "questions: any bytes may come back"},
		"all is delivered, always": {onReceipts(func(rs []providers.Receipt) []providers.Receipt {
			for i := range rs {
				rs[i].State = providers.Delivered
			}
			return rs
		}), told},
		"a receipt is lost":     {onReceipts(func(rs []providers.Receipt) []providers.Receipt { return rs[:max(0, len(rs)-1)] }), told},
		"a receipt comes twice": {onReceipts(func(rs []providers.Receipt) []providers.Receipt { return append(rs, rs...) }), told},
		"a receipt about somebody else": {onReceipts(func(rs []providers.Receipt) []providers.Receipt {
			for i := range rs {
				rs[i].ClientID = "X"
			}
			return rs
		}), told},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(laws(), func(l law) bool { return l.name == tc.law })
			require.GreaterOrEqual(t, i, 0, "no law is called %q", tc.law)
			failures := try(t, laws()[i], memorySubject(tc.broken))
			require.NotEmpty(t, failures, "the law %q doesn't notice", tc.law)
			t.Log(firstLine(failures[0]))
		})
	}
}

// What is said of a provider must be right as well.
func TestBadDescriptionsFail(t *testing.T) {
	for name, change := range map[string]func(*Subject){
		"no name":            func(s *Subject) { s.Kind.Name = "" },
		"no channel":         func(s *Subject) { s.Kind.Traits.Channels = nil },
		"no batch":           func(s *Subject) { s.Kind.Traits.DefaultBatch = 0 },
		"batch over limit":   func(s *Subject) { s.Kind.Traits.DefaultBatch = 21 },
		"no request at all":  func(s *Subject) { s.Kind.Traits.DefaultInFlight = 0 },
		"packet keys differ": func(s *Subject) { s.Kind.Traits.PacketKey = func(m providers.Message) string { return m.To } },
		"valid when empty": func(s *Subject) {
			s.Kind.Settings = func() providers.Settings { return &memorySettings{Password: "x"} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := memorySubject(nil)
			change(&s)
			require.NotEmpty(t, try(t, laws()[0], s))
		})
	}
}

// What the traits say of receipts must be right as well.
func TestBadAbilitiesFail(t *testing.T) {
	i := slices.IndexFunc(laws(), func(l law) bool { return l.name == "abilities are as the traits say" })
	for name, change := range map[string]func(*Subject){
		"asks nobody":     func(s *Subject) { s.Kind.Traits.MaxAsk = 0 },
		"reads nothing":   func(s *Subject) { s.Kind.Traits.MaxRead = 0 },
		"reports nothing": func(s *Subject) { s.Kind.Traits.ReportsDelivery = false },
		"no states":       func(s *Subject) { s.States = nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := memorySubject(nil)
			change(&s)
			require.NotEmpty(t, try(t, laws()[i], s))
		})
	}
}

// own gives a provider an HTTP of its own, naive where ours is careful.
func own(change func(*memoryProvider, *http.Client)) func(*memoryProvider) {
	return func(p *memoryProvider) {
		client := *p.endpoint.Client
		change(p, &client)
		p.post = func(ctx context.Context, path, ct string, body []byte) providers.Reply {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint.URL.JoinPath(path).String(), bytes.NewReader(body))
			if err != nil {
				return providers.Reply{Fate: providers.NotSent, Err: err}
			}
			resp, err := client.Do(req)
			if err != nil {
				return providers.Reply{Fate: providers.NotSent, Err: errBroken}
			}
			defer resp.Body.Close() //nolint:errcheck // read whole
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				return providers.Reply{Fate: providers.MaybeSent, Err: errBroken}
			}
			return providers.Reply{Fate: providers.Answered, Status: resp.StatusCode, Body: b}
		}
	}
}

// try runs a law against a subject and returns what it found wrong.
func try(t *testing.T, l law, s Subject) []string {
	t.Helper()
	r := &recorder{name: t.Name(), ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		defer r.cleanup()
		l.check(r, s)
	}()
	<-done
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures
}

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "Error:") || strings.HasPrefix(line, "Messages:") {
			return line
		}
	}
	return s
}

// recorder is a test that keeps its failures to itself.
type recorder struct {
	name string
	ctx  context.Context

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) cleanup() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fail()                    { r.Errorf("failed") }
func (r *recorder) Error(args ...any)        { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any)        { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Skip(args ...any)         { r.Fatalf("skipped: %s", fmt.Sprint(args...)) }
func (r *recorder) Skipf(f string, a ...any) { r.Fatalf("skipped: "+f, a...) }
func (r *recorder) SkipNow()                 { r.Fatalf("skipped") }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Name() string             { return r.name }
func (r *recorder) Helper()                  {}
func (r *recorder) Log(...any)               {}
func (r *recorder) Logf(string, ...any)      {}
