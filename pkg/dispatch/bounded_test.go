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
)

// counted has one request slot over all, and counts how many are taken.
type counted struct {
	worker
	taken *atomic.Int64
}

func (c counted) Enter(context.Context, string) (func(), bool, error) {
	if !c.taken.CompareAndSwap(0, 1) {
		return nil, false, nil
	}
	return func() { c.taken.Add(-1) }, true, nil
}

// A slot over all replicas is a request's: a worker that has no job, or waits for tokens or for its account, keeps it from nobody; nor can it fall free before the
// request begins.
func TestNoSlotWithoutAPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: 100 * time.Millisecond}
		cfg := testConfig(w, "a")
		cfg.Accounts[0].Bounded, cfg.Accounts[0].Rate, cfg.Accounts[0].Burst = true, 10, 10
		c := counted{worker{world: w}, new(atomic.Int64)}
		ports := Ports{Sources: c.sources, Claims: c, Limiter: c, Health: c, Outlet: c}
		stops := []func() error{startWith(t, cfg, ports), startWith(t, cfg, ports), startWith(t, cfg, ports)}
		idle := func(why string) {
			t.Helper()
			synctest.Wait()
			require.Zero(t, c.taken.Load(), why)
		}
		time.Sleep(time.Minute)
		idle("nobody has a job")

		w.mu.Lock()
		w.waits = []int{-3_600_000} // there are no tokens for an hour
		w.mu.Unlock()
		w.publish(job.Normal, "otp", "shop", sms("first"))
		time.Sleep(time.Minute)
		idle("nobody has tokens")
		require.Empty(t, w.states("first"))

		w.mu.Lock()
		w.waits = nil
		w.mu.Unlock()
		time.Sleep(2 * time.Hour)
		for i := range 20 {
			w.publish(job.Urgent, "otp", "shop", sms(fmt.Sprint(i)))
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 1, c.taken.Load(), "a request is under way")
		time.Sleep(10 * time.Second)
		idle("all is done")
		for _, stop := range stops {
			require.NoError(t, stop())
		}
		require.Zero(t, w.left())
		require.Equal(t, []job.State{job.Submitted}, w.states("first"))
	})
}
