package dispatch

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// An account that asks to slow down is left alone for as long as it says, by all workers, whether or not it has a rate; that burns nothing. A short time
// its jobs wait in hand, a longer one they are told so or go elsewhere.
func TestThrottled(t *testing.T) {
	for _, after := range []time.Duration{0, time.Minute} {
		for _, accounts := range [][]string{{"a"}, {"a", "b"}} {
			t.Run(fmt.Sprint(after, accounts), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					r := slow
					r.RetryAfter = after
					a := newMoody(w, "a", r)
					a.delay = 20 * time.Millisecond
					cfg := testConfig(w, accounts...)
					cfg.Accounts[0].InFlight, cfg.Accounts[0].Batch = 1, 1
					stops := []func() error{start(t, cfg, worker{world: w})}
					begun := time.Now()
					w.publish(job.Urgent, "otp", "shop", sms("j"))
					w.publish(job.Urgent, "otp", "shop", sms("next")) // behind the other one, on the shelf
					time.Sleep(2 * lookEvery)
					require.Equal(t, 1, a.requests(), "nothing more is asked of it")
					stops = append(stops, start(t, cfg, worker{world: w})) // it learns of the block before it begins
					a.is(well)
					time.Sleep(5 * time.Minute)
					for _, stop := range stops {
						require.NoError(t, stop())
					}
					require.Zero(t, w.left())
					block := max(after, blockFor)
					retrying := w.first("j", job.Retrying)
					require.Equal(t, job.Throttled, retrying.Error.Code)
					require.False(t, retrying.RetryAt.Before(begun.Add(block).Truncate(time.Millisecond)))
					require.Equal(t, []job.State{job.Retrying, job.Submitted}, w.states("j"))
					require.Equal(t, 1, w.last("j").Attempt)
					e := w.last("next")
					require.Equal(t, 1, e.Attempt)
					switch {
					case after > restAtMost && len(accounts) > 1:
						require.Equal(t, "b", e.Account)
						require.Less(t, e.At.Sub(begun), time.Second)
					case after > restAtMost:
						require.Equal(t, []job.State{job.Waiting, job.Submitted}, w.states("next"))
						require.Equal(t, job.Throttled, w.first("next", job.Waiting).Error.Code)
						fallthrough
					default:
						require.Equal(t, "a", e.Account)
						require.InDelta(t, block.Seconds(), e.At.Sub(begun).Seconds(), restAtMost.Seconds()+1)
					}
				})
			})
		}
	}
}

// A closed destination is about one message: it moves that job alone.
func TestClosedDestinationMovesOneJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{answer: func(m providers.Message) (providers.Result, bool) {
			if m.Text == "hello j3" {
				return providers.Result{Outcome: providers.ClosedDestination, Code: providers.CodeClosedDestination}, false
			}
			return well, true
		}}
		cfg := testConfig(w, "a", "b")
		stop := start(t, cfg, worker{world: w})
		for i := range 50 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		time.Sleep(time.Second)
		require.Equal(t, Closed, w.see(t, "a").Circuit)
		require.NoError(t, stop())
		for i := range 50 {
			want := "a"
			if i == 3 {
				want = "b"
			}
			require.Equal(t, want, w.last(fmt.Sprint("j", i)).Account)
		}
	})
}
