package dispatch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// shutForBulk is an outlet that stores no event of bulk until it is opened.
type shutForBulk struct {
	worker
	open chan struct{}
}

func (s shutForBulk) Publish(ctx context.Context, events []Event) error {
	if events[0].Lane == job.Bulk {
		<-s.open
	}
	return s.worker.Publish(ctx, events)
}

// While packets of a lane wait to be settled no more of them are made, however many request slots are free. A more urgent job takes one of those.
func TestNoPacketForACrowdedLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.accounts["a"] = &fakeProvider{delay: 5 * time.Millisecond}
		cfg := testConfig(w, "a")
		cfg.Accounts[0].InFlight, cfg.Accounts[0].Batch = 16, 1
		ports, open := worker{world: w}.ports(), make(chan struct{})
		ports.Outlet = shutForBulk{worker{world: w}, open}
		stop := startWith(t, cfg, ports)
		for i := range 20 {
			w.publish(job.Bulk, "otp", "shop", sms(fmt.Sprint("b", i)))
			time.Sleep(100 * time.Millisecond)
		}
		require.Len(t, w.accounts["a"].sizes(), 8+crowd, "as many as are settled at once, and those that wait")
		w.publish(job.Urgent, "otp", "shop", sms("u"))
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []job.State{job.Submitted}, w.states("u"))
		close(open)
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Zero(t, w.left())
		require.Len(t, w.accounts["a"].sizes(), 21)
	})
}
