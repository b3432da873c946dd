package dispatch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/breaker"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// backlog publishes n jobs of a lane and returns their ids.
func (w *world) backlog(lane job.Lane, n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(lane, i))
		w.publish(lane, "otp", "shop", sms(ids[i]))
	}
	return ids
}

// oneSlot is a worker with packets of 10 and one request slot at account a, whose provider takes its time, and another account for what a doesn't take.
type oneSlot struct {
	w      *world
	cfg    Config
	ports  Ports
	claims *slowClaims
}

func newOneSlot(delay time.Duration) *oneSlot {
	o := &oneSlot{w: newWorld()}
	o.w.accounts["a"] = &fakeProvider{delay: delay}
	o.cfg = testConfig(o.w, "a", "b")
	o.cfg.Accounts[0].Batch, o.cfg.Accounts[0].InFlight, o.cfg.Accounts[0].Timeout = 10, 1, 20*time.Second
	o.ports = worker{world: o.w}.ports()
	o.claims = &slowClaims{Claims: o.ports.Claims}
	o.ports.Claims = o.claims
	return o
}

// run begins, and returns 50 ms later.
func (o *oneSlot) run(t *testing.T) (p *Pipeline, stop func() error) {
	p, stop = launch(t, o.cfg, o.ports)
	time.Sleep(50 * time.Millisecond)
	synctest.Wait()
	return p, stop
}

// inPhase is how many records are in a phase.
func (w *world) inPhase(phase Phase) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.records {
		if e.Phase == phase {
			n++
		}
	}
	return n
}

// sentOnce sees that each job went to one recipient's phone once, at its first attempt, and that no more was told of it.
func (w *world) sentOnce(t *testing.T, ids []string) {
	t.Helper()
	copies := 0
	for _, a := range w.accounts {
		for _, n := range a.copies {
			require.Equal(t, 1, n)
			copies++
		}
	}
	require.Equal(t, len(ids), copies)
	for _, id := range ids {
		require.Equal(t, []job.State{job.Submitted}, w.states(id), id)
		require.Equal(t, 1, w.last(id).Attempt, id)
	}
	require.Zero(t, w.left())
}

// Where the provider takes its time its request slots are never empty under a backlog, though claims take theirs.
func TestSlotsAreBusyWhileJobsAreClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(100 * time.Millisecond)
		o.cfg.Accounts[0].InFlight = 4
		o.claims.delay.Store(int64(3 * time.Millisecond))
		o.w.backlog(job.Normal, 4500)
		stop := startWith(t, o.cfg, o.ports)
		time.Sleep(10 * time.Second)
		require.NoError(t, stop())
		arithmetic := 4 * 10 * 10 // slots, requests a second in each, seconds
		require.GreaterOrEqual(t, len(o.w.accounts["a"].sizes()), arithmetic*995/1000)
		require.LessOrEqual(t, o.w.accounts["a"].most, 4)
	})
}

// One packet is claimed while the only slot is taken, and sent when it is free.
func TestStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(100 * time.Millisecond)
		ids := o.w.backlog(job.Normal, 35)
		_, stop := o.run(t)
		require.Equal(t, []int{10}, o.w.accounts["a"].sizes())
		require.Equal(t, 20, o.w.inPhase(Sending), "one, and no more")
		require.EqualValues(t, 2, o.claims.asked.Load())
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, []int{10, 10, 10, 5}, o.w.accounts["a"].sizes())
		require.EqualValues(t, 4, o.claims.asked.Load())
		o.w.sentOnce(t, ids)
	})
}

// Nothing stands by that would have to wait for more than a slot, or that isn't a whole packet.
func TestNothingStandsBy(t *testing.T) {
	for name, c := range map[string]struct {
		lane   job.Lane
		jobs   int
		change func(*Account)
	}{
		"urgent jobs":     {lane: job.Urgent, jobs: 35},
		"no whole packet": {lane: job.Normal, jobs: 19},
		"no whole packet of one key": {lane: job.Normal, jobs: 35, change: func(a *Account) {
			a.Traits.PacketKey = func(m providers.Message) string { return m.Text[len(m.Text)-1:] }
		}},
		"a limit":          {lane: job.Normal, jobs: 35, change: func(a *Account) { a.Rate, a.Burst = 1e6, 1e6 }},
		"a bound over all": {lane: job.Normal, jobs: 35, change: func(a *Account) { a.Bounded = true }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOneSlot(100 * time.Millisecond)
				if c.change != nil {
					c.change(&o.cfg.Accounts[0])
				}
				ids := o.w.backlog(c.lane, c.jobs)
				_, stop := o.run(t)
				require.Len(t, o.w.accounts["a"].sizes(), 1)
				require.EqualValues(t, 1, o.claims.asked.Load())
				time.Sleep(10 * time.Second)
				require.NoError(t, stop())
				o.w.sentOnce(t, ids)
			})
		})
	}
}

// An urgent job gets the next slot, whoever stands by, and a more urgent lane goes before a lesser one. What stands by goes after it.
func TestMoreUrgentJobsOvertakeWhatStandsBy(t *testing.T) {
	for by, over := range map[job.Lane]job.Lane{job.Normal: job.Urgent, job.Bulk: job.Normal} {
		synctest.Test(t, func(t *testing.T) {
			o := newOneSlot(100 * time.Millisecond)
			begun := time.Now()
			ids := o.w.backlog(by, 20)
			_, stop := o.run(t)
			require.Equal(t, 20, o.w.inPhase(Sending))
			o.w.publish(over, "otp", "shop", sms("first"))
			time.Sleep(time.Second)
			require.NoError(t, stop())
			require.Equal(t, []int{10, 1, 10}, o.w.accounts["a"].sizes())
			require.Equal(t, 200*time.Millisecond, o.w.at("first").Sub(begun), "its slot is free after 100")
			require.EqualValues(t, 3, o.claims.asked.Load(), "what stood by keeps its claims")
			o.w.sentOnce(t, append(ids, "first"))
		})
	}
}

// A worker that is told to stop releases what stands by at once, unsent: another one sends it, at the first attempt.
func TestStopReleasesWhatStandsBy(t *testing.T) {
	for _, claims := range []time.Duration{0, 70 * time.Millisecond} { // claimed, and being claimed
		synctest.Test(t, func(t *testing.T) {
			o := newOneSlot(100 * time.Millisecond)
			ids := o.w.backlog(job.Normal, 35)
			o.claims.delay.Store(int64(claims))
			begun := time.Now()
			_, stop := o.run(t)
			time.Sleep(claims)
			require.NoError(t, stop())
			require.Equal(t, claims+100*time.Millisecond, time.Since(begun), "the request that was under way")
			require.Equal(t, []int{10}, o.w.accounts["a"].sizes())
			require.Zero(t, o.w.inPhase(Sending))
			require.Equal(t, 25, o.w.left())
			_, stop = o.run(t)
			time.Sleep(time.Second)
			require.NoError(t, stop())
			o.w.sentOnce(t, ids)
		})
	}
}

// What stands by at an account that is left alone from now on, or takes no bulk any more, is released at once, though the slot is still taken; where its jobs
// don't stay for a moment, they go to the next account.
func TestStandbyOfAnAccountThatIsLeftAlone(t *testing.T) {
	found := func(f breaker.Report) func(*oneSlot, *Pipeline) {
		return func(o *oneSlot, _ *Pipeline) {
			_, _ = o.w.breakers.Report(context.Background(), "a", breaker.Policy{Failures: 1, Open: time.Minute}, f) // by another worker
		}
	}
	for name, c := range map[string]struct {
		lane   job.Lane
		change func(*oneSlot, *Pipeline)
		moved  int
	}{
		"paused":               {job.Normal, found(breaker.Report{Finding: breaker.Refused, Cause: "c", For: time.Minute}), 25},
		"open":                 {job.Normal, found(breaker.Report{Finding: breaker.Failed, Cause: "c"}), 25},
		"blocked for a moment": {job.Normal, found(breaker.Report{Finding: breaker.Blocked, Cause: "c", For: restAtMost}), 0},
		"short of funds":       {job.Bulk, func(_ *oneSlot, p *Pipeline) { p.SaveFunds("a", "little is left") }, 25},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOneSlot(15 * time.Second)
				ids := o.w.backlog(c.lane, 35)
				p, stop := o.run(t)
				require.Equal(t, 20, o.w.inPhase(Sending))
				c.change(o, p)
				time.Sleep(time.Second)
				require.Equal(t, 10, o.w.inPhase(Sending), "the request that is under way")
				require.Len(t, o.w.accounts["b"].copies, c.moved)
				time.Sleep(10 * time.Minute)
				require.NoError(t, stop())
				o.w.sentOnce(t, ids)
			})
		})
	}
}

// A refusal that the request under way brings is known before its slot is free: what stands by isn't sent into it.
func TestStandbyHeedsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(100 * time.Millisecond)
		o.w.accounts["a"].answer = func(providers.Message) (providers.Result, bool) { return broke, false }
		ids := o.w.backlog(job.Normal, 35)
		_, stop := o.run(t)
		require.Equal(t, 20, o.w.inPhase(Sending))
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, []int{10}, o.w.accounts["a"].sizes())
		o.w.sentOnce(t, ids)
	})
}

// Saved funds are no matter to normal jobs that stand by.
func TestNormalJobsStandByWhileBulkIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(100 * time.Millisecond)
		ids := o.w.backlog(job.Normal, 20)
		p, stop := o.run(t)
		p.SaveFunds("a", "little is left")
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, []int{10, 10}, o.w.accounts["a"].sizes())
		require.EqualValues(t, 2, o.claims.asked.Load())
		o.w.sentOnce(t, ids)
	})
}

// Jobs that expire while they stand by aren't sent.
func TestExpiryWhileStandingBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(100 * time.Millisecond)
		at := time.Now().Add(80 * time.Millisecond).UTC().Format(time.RFC3339Nano)
		for i := range 20 {
			o.w.publish(job.Normal, "otp", "shop", strings.Replace(sms(fmt.Sprint("j", i)), "{", fmt.Sprintf(`{"expires_at":%q,`, at), 1))
		}
		_, stop := o.run(t)
		require.Equal(t, 20, o.w.inPhase(Sending))
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, []int{10}, o.w.accounts["a"].sizes())
		require.Zero(t, o.w.left())
		for i := range 20 {
			want := job.Submitted
			if i >= 10 {
				want = job.Expired
			}
			require.Equal(t, []job.State{want}, o.w.states(fmt.Sprint("j", i)))
		}
	})
}

// Claims that get too old for a request are given back while no slot is free, and taken anew.
func TestStandbyGetsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(18 * time.Second)
		ids := o.w.backlog(job.Normal, 20)
		_, stop := o.run(t)
		require.EqualValues(t, 2, o.claims.asked.Load())
		time.Sleep(testLease*4/5 - testLease/2 - 100*time.Millisecond)
		require.EqualValues(t, 2, o.claims.asked.Load())
		time.Sleep(100 * time.Millisecond)
		require.EqualValues(t, 3, o.claims.asked.Load())
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		o.w.sentOnce(t, ids)
	})
}

// Where the claims don't answer, no second packet stands by until the first one is released.
func TestOneStandbyWhileClaimsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneSlot(18 * time.Second)
		ids := o.w.backlog(job.Normal, 10)
		_, stop := o.run(t)
		o.claims.delay.Store(int64(15 * time.Second))
		for i := range 25 {
			ids = append(ids, fmt.Sprint("late", i))
			o.w.publish(job.Normal, "otp", "shop", sms(ids[len(ids)-1]))
		}
		o.w.accounts["a"].delay = 0
		time.Sleep(14 * time.Second)
		require.EqualValues(t, 2, o.claims.asked.Load())
		o.claims.delay.Store(0)
		time.Sleep(2 * time.Minute)
		require.NoError(t, stop())
		o.w.sentOnce(t, ids)
	})
}
