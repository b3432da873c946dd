package dispatch

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// While an account saves funds its bulk waits in the stream, told so once where it was in hand, and other lanes go on; later bulk goes, and has burnt nothing.
func TestBulkWaitsForFunds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: time.Second}
		cfg := testConfig(w, "a")
		cfg.Accounts[0].Batch, cfg.Accounts[0].InFlight = 10, 1
		p, stop := launch(t, cfg, worker{world: w}.ports())
		for i := range 200 {
			w.publish(job.Bulk, "otp", "shop", sms(fmt.Sprint("b", i)))
		}
		time.Sleep(1500 * time.Millisecond)
		p.SaveFunds("a", "little is left")
		time.Sleep(5 * time.Second)
		sent := func() (n int) {
			for i := range 200 {
				if w.last(fmt.Sprint("b", i)).State == job.Submitted {
					n++
				}
			}
			return n
		}
		before, delivered := sent(), w.delivered()
		require.Less(t, before, 50, "what was on its way, no more")
		for i := range 60 {
			for _, lane := range []job.Lane{job.Urgent, job.Normal} {
				w.publish(lane, "otp", "shop", sms(fmt.Sprint(lane, i)))
			}
			time.Sleep(2 * time.Second) // the urgent one's request, and the normal one's
		}
		time.Sleep(5 * time.Second)
		require.Equal(t, before, sent(), "no bulk goes")
		require.Equal(t, delivered+120, w.delivered(), "the rest of it stays in the stream")
		for i := range 60 {
			for _, lane := range []job.Lane{job.Urgent, job.Normal} {
				require.Equal(t, []job.State{job.Submitted}, w.states(fmt.Sprint(lane, i)))
			}
		}
		p.SaveFunds("a", "")
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Zero(t, w.left())
		waited := 0
		for i := range 200 {
			id := fmt.Sprint("b", i)
			require.Equal(t, job.Submitted, w.last(id).State)
			require.Equal(t, 1, w.last(id).Attempt)
			if states := w.states(id); len(states) > 1 {
				waited++
				require.Equal(t, []job.State{job.Waiting, job.Submitted}, states)
				require.Equal(t, &job.Reason{Code: job.InsufficientFunds, Message: "little is left"}, w.first(id, job.Waiting).Error)
			}
		}
		require.Positive(t, waited)
	})
}

// Bulk goes to the next account meanwhile, and waits only where that one has none to spare either.
func TestBulkOfTheNextAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a", "b")
		p, stop := launch(t, cfg, worker{world: w}.ports())
		send := func(name string) {
			time.Sleep(time.Second)
			w.publish(job.Bulk, "otp", "shop", sms(name+"-bulk"))
			w.publish(job.Urgent, "otp", "shop", sms(name+"-urgent"))
			time.Sleep(10 * time.Second)
		}
		p.SaveFunds("a", "little is left")
		send("one")
		require.Equal(t, "b", w.last("one-bulk").Account)
		require.Equal(t, "a", w.last("one-urgent").Account)
		p.SaveFunds("b", "little is left there, too")
		send("two")
		require.Empty(t, w.states("two-bulk"), "it is in the stream")
		require.Equal(t, "a", w.last("two-urgent").Account)
		p.SaveFunds("b", "")
		p.SaveFunds("a", "")
		time.Sleep(10 * time.Second)
		require.Equal(t, []job.State{job.Submitted}, w.states("two-bulk"))
		require.NoError(t, stop())
	})
}
