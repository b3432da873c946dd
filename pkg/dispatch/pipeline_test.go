package dispatch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// testConfig has one route, otp, over the given accounts.
func testConfig(w *world, accounts ...string) Config {
	cfg := Config{PhoneRegion: "RU", Dedupe: 72 * time.Hour, AckWait: testAckWait, Lease: testLease, Drain: 25 * time.Second}
	for _, name := range accounts {
		p := w.accounts[name]
		if p == nil {
			p = &fakeProvider{}
			w.accounts[name] = p
		}
		p.copies, p.burns = map[[32]byte]int{}, map[[32]byte]int{}
		cfg.Accounts = append(cfg.Accounts, Account{Name: name, ProviderName: "fake", Provider: p,
			Traits:   providers.Traits{Channels: []providers.Channel{providers.SMS}, Dedupes: p.dedupes, ReportsDelivery: true},
			InFlight: 4, Batch: 200, Timeout: 10 * time.Second, Recheck: 30 * time.Second})
	}
	cfg.Routes = []Route{{Name: "otp", Accounts: accounts, Retry: Retry{Attempts: 3, Initial: time.Second, Max: time.Minute}}}
	return cfg
}

// start runs a worker and returns how to stop it.
func start(t *testing.T, cfg Config, w worker) (stop func() error) {
	t.Helper()
	return startWith(t, cfg, w.ports())
}

// startWith is start with other ports.
func startWith(t *testing.T, cfg Config, ports Ports) (stop func() error) {
	t.Helper()
	_, stop = launch(t, cfg, ports)
	return stop
}

// launch is startWith for who needs the pipeline itself.
func launch(t *testing.T, cfg Config, ports Ports) (p *Pipeline, stop func() error) {
	t.Helper()
	p, err := New(cfg, ports, zap.NewNop())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	return p, func() error { cancel(); return <-done }
}

func (w worker) ports() Ports {
	return Ports{Sources: w.sources, Claims: w, Limiter: w, Health: w, Outlet: w}
}

func (w worker) sources(lane job.Lane, route string) Source { return fakeSource{w, lane, route} }

func sms(id string) string {
	return fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+79612242243","text":"hello %s"}`, id, id)
}

// states is what was told about a job, in order.
func (w *world) states(id string) []job.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []job.State
	for _, e := range w.events {
		if e.Job == id {
			out = append(out, e.State)
		}
	}
	return out
}

func (w *world) last(id string) Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var last Event
	for _, e := range w.events {
		if e.Job == id {
			last = e
		}
	}
	return last
}

// left is how many messages are neither acknowledged nor on their way.
func (w *world) left() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if !m.gone {
			n++
		}
	}
	return n
}

func TestJobsAreSubmittedOnceAndAcked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a")
		for i := range 1000 {
			w.publish(job.Lanes()[i%3], "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		stop := start(t, cfg, worker{world: w})
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Zero(t, w.left())
		require.Len(t, w.accounts["a"].copies, 1000)
		for i := range 1000 {
			require.Equal(t, []job.State{job.Submitted}, w.states(fmt.Sprint("j", i)))
		}
		e := w.last("j0")
		require.Equal(t, 1, e.Sequence)
		require.Equal(t, 1, e.Attempt)
		require.Equal(t, "a", e.Account)
		require.False(t, e.Final)
	})
}

func TestEndings(t *testing.T) {
	answer := func(r providers.Result) func(providers.Message) (providers.Result, bool) {
		return func(providers.Message) (providers.Result, bool) { return r, r.Outcome == providers.Submitted }
	}
	unavailable := providers.Result{Outcome: providers.Unavailable, Code: providers.CodeUnavailable, Message: "refused"}
	cases := []struct {
		name   string
		body   string
		answer func(providers.Message) (providers.Result, bool)
		policy OnUnknown
		want   []job.State
		code   job.Code
		final  bool
		dead   int
	}{
		{name: "not a job", body: `{"id":"x","channel":"fax"}`, want: []job.State{job.Rejected}, code: job.InvalidJob, final: true},
		{name: "bad phone", body: `{"id":"x","channel":"sms","to":"12","text":"t"}`, want: []job.State{job.Rejected}, code: job.InvalidRecipient, final: true},
		{name: "no account for the channel", body: `{"id":"x","channel":"viber","to":"+79612242243","text":"t"}`, want: []job.State{job.Rejected}, code: job.InvalidJob, final: true},
		{name: "expired", body: `{"id":"x","channel":"sms","to":"+79612242243","text":"t","expires_at":"1999-01-01T00:00:00Z"}`, want: []job.State{job.Expired}, code: job.CodeExpired, final: true},
		{name: "scheduled", body: `{"id":"x","channel":"sms","to":"+79612242243","text":"t","send_at":"2000-01-01T00:30:00Z"}`, want: []job.State{job.Scheduled, job.Submitted}},
		{name: "rejected", body: sms("x"), answer: answer(providers.Result{Outcome: providers.Rejected, Code: providers.BlockedRecipient}), want: []job.State{job.Rejected}, code: job.BlockedRecipient, final: true},
		{name: "unavailable to the end", body: sms("x"), answer: answer(unavailable), want: []job.State{job.Retrying, job.Retrying, job.Failed}, code: job.Unavailable, final: true, dead: 1},
		{name: "ambiguous, hold", body: sms("x"), answer: answer(providers.Result{Code: providers.CodeAmbiguous}), want: []job.State{job.Unknown}, code: job.Ambiguous, final: true, dead: 1},
		{name: "ambiguous, resend", body: sms("x"), answer: answer(providers.Result{Code: providers.CodeAmbiguous}), policy: Resend, want: []job.State{job.Retrying, job.Retrying, job.Unknown}, code: job.Ambiguous, final: true, dead: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.accounts["a"] = &fakeProvider{answer: c.answer}
				cfg := testConfig(w, "a")
				cfg.Routes[0].OnUnknown = c.policy
				stop := start(t, cfg, worker{world: w})
				w.publish(job.Normal, "otp", "shop", c.body)
				time.Sleep(2 * time.Hour)
				require.NoError(t, stop())
				require.Equal(t, c.want, w.states("x"))
				e := w.last("x")
				require.Equal(t, c.final, e.Final)
				if c.code == "" {
					require.Nil(t, e.Error)
				} else {
					require.Equal(t, c.code, e.Error.Code)
				}
				require.Zero(t, w.left())
				require.Len(t, w.dead, c.dead)
			})
		})
	}
}
