package dispatch

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// at is when the job's first event was told.
func (w *world) at(id string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Job == id {
			return e.At
		}
	}
	return time.Time{}
}

// urgentWithin publishes ten urgent jobs, one every 10 ms, and sees that each is told of within a time.
func (w *world) urgentWithin(t *testing.T, within time.Duration) {
	sent := map[string]time.Time{}
	for i := range 10 {
		time.Sleep(10 * time.Millisecond)
		id := fmt.Sprint("u", i)
		sent[id] = time.Now()
		w.publish(job.Urgent, "otp", "shop", sms(id))
	}
	time.Sleep(time.Second)
	for id, at := range sent {
		require.False(t, w.at(id).IsZero(), id)
		require.LessOrEqual(t, w.at(id).Sub(at), within, id)
	}
}

// An urgent job beside a bulk backlog waits for a slot and its own request, never for the backlog; bulk keeps moving.
func TestUrgentOvertakesBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "a")
		for i := range 3000 {
			w.publish(job.Bulk, "otp", "shop", sms(fmt.Sprint("b", i)))
		}
		stop := start(t, cfg, worker{world: w})
		w.urgentWithin(t, 41*time.Millisecond)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Zero(t, w.left())
		require.LessOrEqual(t, w.accounts["a"].most, 4)
	})
}

// slowForBulk is an outlet that takes its time for packets of bulk.
type slowForBulk struct{ worker }

func (s slowForBulk) Publish(ctx context.Context, events []Event) error {
	if len(events) > 0 && events[len(events)-1].Lane == job.Bulk {
		time.Sleep(40 * time.Millisecond)
	}
	return s.worker.Publish(ctx, events)
}

// Where settling is what bounds bulk, an urgent job waits for a slot and its request all the same: it is settled in a place of its own, and before the
// jobs of bulk that came along in its packet.
func TestUrgentIsSettledBesideBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "a")
		cfg.Accounts[0].InFlight = 8
		for i := range 5000 {
			w.publish(job.Bulk, "otp", "shop", sms(fmt.Sprint("b", i)))
		}
		ports := worker{world: w}.ports()
		ports.Outlet = slowForBulk{worker{world: w}}
		stop := startWith(t, cfg, ports)
		w.urgentWithin(t, 61*time.Millisecond)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Zero(t, w.left())
	})
}

// Under backlog packets are full, though nothing lingers.
func TestPacketsAreFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "a")
		for i := range 3_000 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		stop := start(t, cfg, worker{world: w})
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Len(t, w.accounts["a"].packets, 15)
	})
}

// One route's hanging account delays no other route, and holds no more jobs than its queues do.
func TestIsolationAndBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["slow"] = &fakeProvider{delay: time.Hour}
		w.accounts["fast"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "slow", "fast")
		retry := cfg.Routes[0].Retry
		cfg.Routes = []Route{{Name: "stuck", Accounts: []string{"slow"}, Retry: retry}, {Name: "otp", Accounts: []string{"fast"}, Retry: retry}}
		for i := range 3_000 {
			w.publish(job.Normal, "stuck", "shop", sms(fmt.Sprint("s", i)))
		}
		stop := start(t, cfg, worker{world: w})
		time.Sleep(5 * time.Second)
		begun := time.Now()
		w.publish(job.Normal, "otp", "shop", sms("j"))
		time.Sleep(time.Second)
		require.LessOrEqual(t, w.at("j").Sub(begun), 25*time.Millisecond)
		delivered := 0
		w.mu.Lock()
		for _, m := range w.messages {
			delivered += min(m.delivered, 1)
		}
		w.mu.Unlock()
		require.LessOrEqual(t, delivered, (4+1+2)*200+1+1, "four packets under way, one that stands by, two in the lane, a job at the door")
		cfg.Drain = time.Second
		_ = stop() // the hanging ones are cut off
	})
}

// An account without funds pauses: its jobs are told once that they wait, burn nothing, and go when it is asked again.
func TestPausedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var broke atomic.Bool
		broke.Store(true)
		w.accounts["a"] = &fakeProvider{answer: func(providers.Message) (providers.Result, bool) {
			if broke.Load() {
				return providers.Result{Outcome: providers.InsufficientFunds, Code: providers.CodeInsufficientFunds, Message: "not enough balance"}, false
			}
			return providers.Result{Outcome: providers.Submitted}, true
		}}
		cfg := testConfig(w, "a")
		for i := range 5 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		stop := start(t, cfg, worker{world: w})
		time.Sleep(10 * time.Minute)
		broke.Store(false)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.LessOrEqual(t, len(w.accounts["a"].packets), 10*60/30*5+5, "it is asked again at its pace alone")
		for i := range 5 {
			id := fmt.Sprint("j", i)
			require.Equal(t, []job.State{job.Waiting, job.Submitted}, w.states(id))
			require.Equal(t, 1, w.last(id).Attempt)
		}
		require.Zero(t, w.left())
	})
}

// What one account can't do the next one does, in the same round.
func TestNextAccount(t *testing.T) {
	for _, r := range []providers.Result{
		{Outcome: providers.Unavailable, Code: providers.CodeUnavailable},
		{Outcome: providers.ClosedDestination, Code: providers.CodeClosedDestination},
		{Outcome: providers.Unauthorized, Code: providers.CodeUnauthorized},
	} {
		t.Run(r.Outcome.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.accounts["a"] = &fakeProvider{answer: func(providers.Message) (providers.Result, bool) { return r, false }}
				cfg := testConfig(w, "a", "b")
				w.publish(job.Urgent, "otp", "shop", sms("j"))
				stop := start(t, cfg, worker{world: w})
				time.Sleep(time.Second)
				require.NoError(t, stop())
				require.Equal(t, []job.State{job.Submitted}, w.states("j"))
				require.Equal(t, "b", w.last("j").Account)
				require.Equal(t, 1, w.last("j").Attempt)
			})
		})
	}
}

// A stop gives back what isn't begun and finishes what is: nothing is sent twice or counted as an attempt.
func TestStopUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: 20 * time.Millisecond}
		cfg := testConfig(w, "a")
		for i := range 2000 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		for range 5 {
			stop := start(t, cfg, worker{world: w})
			time.Sleep(30 * time.Millisecond)
			begun := time.Now()
			require.NoError(t, stop())
			require.LessOrEqual(t, time.Since(begun), 50*time.Millisecond)
		}
		stop := start(t, cfg, worker{world: w})
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		for i := range 2000 {
			id := fmt.Sprint("j", i)
			require.Equal(t, []job.State{job.Submitted}, w.states(id))
			require.Equal(t, 1, w.last(id).Attempt)
		}
		for _, n := range w.accounts["a"].copies {
			require.Equal(t, 1, n)
		}
	})
}

// A panic in a provider's client harms nothing but the outcome of its packet.
func TestPanickingProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a")
		cfg.Accounts[0].Provider = panicking{}
		w.publish(job.Normal, "otp", "shop", sms("j"))
		stop := start(t, cfg, worker{world: w})
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, []job.State{job.Unknown}, w.states("j"))
	})
}

type panicking struct{}

func (panicking) Send(context.Context, []providers.Message) []providers.Result { panic("oh") }
