package dispatch

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// moody is a provider that gives the same result to everything until it is told another one.
type moody struct {
	fakeProvider
	mood atomic.Pointer[providers.Result]
}

var (
	well    = providers.Result{Outcome: providers.Submitted}
	refused = providers.Result{Outcome: providers.Unavailable, Code: providers.CodeUnavailable, Message: "connection refused"}
	broke   = providers.Result{Outcome: providers.InsufficientFunds, Code: providers.CodeInsufficientFunds, Message: "not enough balance"}
	slow    = providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, Message: "too many"}
	silence = providers.Result{Code: providers.CodeAmbiguous, Message: "timeout"}
)

func newMoody(w *world, account string, mood providers.Result) *moody {
	m := &moody{}
	m.is(mood)
	m.answer = func(providers.Message) (providers.Result, bool) {
		r := *m.mood.Load()
		return r, r.Outcome == providers.Submitted
	}
	w.accounts[account] = &m.fakeProvider
	return m
}

func (m *moody) is(r providers.Result) { m.mood.Store(&r) }

func (m *moody) requests() int { return len(m.sizes()) }

// first is the job's first event of the state.
func (w *world) first(id string, s job.State) Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Job == id && e.State == s {
			return e
		}
	}
	return Event{}
}

// With every account of a route down its jobs wait in the stream, burn nothing, are told so once, and go when one is back. All workers together make one
// probe at a time, of one message.
func TestAllAccountsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b := newMoody(w, "a", refused), newMoody(w, "b", refused)
		cfg := testConfig(w, "a", "b")
		cfg.Routes[0].Retry.Attempts = 2
		stops := []func() error{start(t, cfg, worker{world: w}), start(t, cfg, worker{world: w}), start(t, cfg, worker{world: w})}
		for i := range 5 { // they open the breakers
			w.publish(job.Urgent, "otp", "shop", sms(fmt.Sprint("first", i)))
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		for i := range 1000 {
			w.publish(job.Lanes()[i%3], "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		before := a.requests() + b.requests()
		time.Sleep(time.Hour)
		probes := a.requests() + b.requests() - before
		require.LessOrEqual(t, probes, 2*3600/10+2, "one probe of each account in each time that it is open")
		require.GreaterOrEqual(t, probes, 2*3600/20)
		for _, n := range append(a.sizes()[before:], b.sizes()[before:]...) {
			require.Equal(t, 1, n)
		}
		require.LessOrEqual(t, w.delivered(), 1100, "they wait in the stream")
		b.is(well)
		back := time.Now()
		time.Sleep(time.Minute)
		for _, stop := range stops {
			require.NoError(t, stop())
		}
		require.Zero(t, w.left())
		for i := range 1000 {
			id := fmt.Sprint("j", i)
			e := w.last(id)
			require.Equal(t, job.Submitted, e.State)
			require.Equal(t, 1, e.Attempt, "waiting burns nothing")
			require.LessOrEqual(t, e.At.Sub(back), 10*time.Second+2*lookEvery+time.Second, "at most a time of being open, and what it takes to see it")
			states := w.states(id)
			require.LessOrEqual(t, len(states), 2, "told once")
			if len(states) == 2 {
				require.Equal(t, job.Waiting, states[0])
				require.Equal(t, job.Unavailable, w.first(id, job.Waiting).Error.Code)
			}
		}
	})
}

// delivered is how many messages were ever handed to a worker.
func (w *world) delivered() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		n += min(m.delivered, 1)
	}
	return n
}

// New jobs leave through the second account at once when the first is dead, and through the first again when it is back.
func TestDeadFirstAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a := newMoody(w, "a", refused)
		w.accounts["b"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "a", "b")
		stop := start(t, cfg, worker{world: w})
		published := map[string]time.Time{}
		send := func(name string) {
			for i := range 600 {
				id := fmt.Sprint(name, i)
				published[id] = time.Now()
				w.publish(job.Lanes()[i%3], "otp", "shop", sms(id))
				time.Sleep(50 * time.Millisecond)
			}
		}
		send("dead")
		require.Equal(t, Open, w.see(t, "a").Circuit)
		require.LessOrEqual(t, a.requests(), 10, "some failures, and a few probes")
		a.is(well)
		time.Sleep(12 * time.Second)
		send("back")
		require.NoError(t, stop())
		for id, at := range published {
			require.Equal(t, []job.State{job.Submitted}, w.states(id))
			require.Equal(t, 1, w.last(id).Attempt)
			require.LessOrEqual(t, w.last(id).At.Sub(at), 100*time.Millisecond, id)
		}
		require.Equal(t, "b", w.last("dead599").Account)
		require.Equal(t, "a", w.last("back599").Account)
	})
}

// see is the account's state as all see it.
func (w *world) see(t *testing.T, account string) AccountState {
	s, err := worker{world: w}.States(t.Context(), []string{account})
	require.NoError(t, err)
	return s[0]
}

// A hanging first account holds up its route until its breaker opens, a few timeouts, and other routes not at all.
func TestHangingFirstAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: time.Hour}
		w.accounts["b"] = &fakeProvider{delay: 20 * time.Millisecond}
		w.accounts["c"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "a", "b", "c")
		cfg.Routes = []Route{{Name: "otp", Accounts: []string{"a", "b"}, Retry: cfg.Routes[0].Retry}, {Name: "other", Accounts: []string{"c"}, Retry: cfg.Routes[0].Retry}}
		stop := start(t, cfg, worker{world: w})
		var otp, other []string
		published := map[string]time.Time{}
		for i := range 1200 {
			id := fmt.Sprint("j", i)
			published[id] = time.Now()
			if i%2 == 0 {
				otp = append(otp, id)
				w.publish(job.Urgent, "otp", "shop", sms(id))
			} else {
				other = append(other, id)
				w.publish(job.Urgent, "other", "shop", sms(id))
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		for _, id := range other {
			require.LessOrEqual(t, w.at(id).Sub(published[id]), 25*time.Millisecond, "delayed by nobody")
		}
		unknown, late := 0, 0
		for _, id := range otp {
			e := w.last(id)
			if e.State == job.Unknown {
				unknown++
				continue
			}
			require.Equal(t, "b", e.Account)
			if e.At.Sub(published[id]) > time.Second {
				late++
				require.LessOrEqual(t, published[id].Sub(published["j0"]), 2*10*time.Second+time.Second, "before the breaker opened")
				require.LessOrEqual(t, e.At.Sub(published[id]), 2*10*time.Second+time.Second)
			}
		}
		require.LessOrEqual(t, unknown, 420, "what was under way")
		t.Logf("%d of %d unknown, %d late", unknown, len(otp), late)
	})
}

// A lack of funds that one worker meets pauses the account for all, and each asks again only in its turn.
func TestPauseIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a := newMoody(w, "a", broke)
		cfg := testConfig(w, "a")
		w.publish(job.Normal, "otp", "shop", sms("j0"))
		stops := []func() error{start(t, cfg, worker{world: w}), start(t, cfg, worker{world: w})}
		time.Sleep(time.Second)
		s := w.see(t, "a")
		require.Equal(t, Paused, s.Circuit)
		require.Equal(t, job.InsufficientFunds, s.Cause)
		require.Equal(t, "not enough balance", s.Words)
		for i := range 100 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("k", i)))
		}
		time.Sleep(10 * time.Minute)
		require.LessOrEqual(t, a.requests(), 10*60/30+2, "asked again at its pace, by one of them")
		a.is(well)
		time.Sleep(32 * time.Second)
		for _, stop := range stops {
			require.NoError(t, stop())
		}
		require.Zero(t, w.left())
		require.Equal(t, []job.State{job.Waiting, job.Submitted}, w.states("j0"))
		require.Equal(t, 1, w.last("j0").Attempt)
	})
}

// An account that fails every now and then isn't left alone; one that answers probes and fails at once after them is, for longer each time.
func TestNoFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var asked atomic.Int64
		var flap atomic.Bool
		last := time.Now()
		w.accounts["a"] = &fakeProvider{answer: func(providers.Message) (providers.Result, bool) {
			rested := time.Since(last) > 5*time.Second
			last = time.Now()
			if flap.Load() && !rested || !flap.Load() && asked.Add(1)%2 == 0 {
				return refused, false
			}
			return well, true
		}}
		cfg := testConfig(w, "a", "b")
		stop := start(t, cfg, worker{world: w})
		for i := range 100 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
			time.Sleep(100 * time.Millisecond)
			require.Equal(t, Closed, w.see(t, "a").Circuit)
		}
		flap.Store(true)
		var openings []time.Duration // how long each was to last
		before := w.see(t, "a").Circuit
		for i := range 1200 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("k", i)))
			time.Sleep(500 * time.Millisecond)
			s := w.see(t, "a")
			if s.Circuit == Open && before != Open {
				openings = append(openings, time.Until(s.Until).Round(5*time.Second))
			}
			before = s.Circuit
		}
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		want := []time.Duration{10, 20, 40, 80, 160, 160, 160}
		for i := range openings {
			require.Equal(t, want[i]*time.Second, openings[i], "%v", openings)
		}
		require.GreaterOrEqual(t, len(openings), 5)
		require.Zero(t, w.left())
		for i := range 1200 {
			require.Equal(t, job.Submitted, w.last(fmt.Sprint("k", i)).State)
		}
	})
}

// A worker that dies with the probe holds up the account no longer than the probe is its to make.
func TestProbeOfADeadWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		newMoody(w, "a", well)
		cfg := testConfig(w, "a")
		dead := worker{world: w}
		_, err := dead.Report(t.Context(), "a", AccountReport{Finding: Refused, Cause: job.Unauthorized, For: time.Second})
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, ticket, err := dead.Probe(t.Context(), "a", 15*time.Second)
		require.NoError(t, err)
		require.NotEmpty(t, ticket)
		begun := time.Now()
		stop := start(t, cfg, worker{world: w})
		w.publish(job.Normal, "otp", "shop", sms("j"))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Equal(t, job.Submitted, w.last("j").State)
		require.InDelta(t, 15, w.last("j").At.Sub(begun).Seconds(), 1)
	})
}

// Who asks is told each account's state, before and after the worker learnt anything.
func TestAccountsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a", "b")
		ports := worker{world: w}
		p, err := New(cfg, Ports{Sources: ports.sources, Claims: ports, Limiter: ports, Health: ports, Outlet: ports}, zap.NewNop())
		require.NoError(t, err)
		require.Equal(t, map[string]AccountState{"a": {Circuit: Closed}, "b": {Circuit: Closed}}, p.Accounts())
		s, err := ports.Report(t.Context(), "a", AccountReport{Finding: Refused, Cause: job.Unauthorized, Words: "who?", For: time.Hour})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(time.Second)
		require.Equal(t, map[string]AccountState{"a": s, "b": {Circuit: Closed}}, p.Accounts())
		cancel()
		require.NoError(t, <-done)
	})
}
