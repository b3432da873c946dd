package dispatch

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// slowClaims answer late.
type slowClaims struct {
	Claims
	delay atomic.Int64
	asked atomic.Int64
}

func (c *slowClaims) Claim(ctx context.Context, reqs []ClaimRequest) ([]Claim, error) {
	c.asked.Add(1)
	time.Sleep(time.Duration(c.delay.Load()))
	return c.Claims.Claim(ctx, reqs)
}

// A claim that took long is used where the request still has its time, and costs no attempt where it hasn't: a request cut short would be ambiguous.
func TestSlowClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a")
		w.accounts["a"].delay = 5 * time.Second
		claims := &slowClaims{Claims: worker{world: w}}
		p, err := New(cfg, Ports{Sources: func(l job.Lane, r string) Source { return fakeSource{worker{world: w}, l, r} },
			Claims: claims, Limiter: worker{world: w}, Health: worker{world: w}, Outlet: worker{world: w}}, zap.NewNop())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()

		claims.delay.Store(int64(time.Second))
		w.publish(job.Normal, "otp", "shop", sms("slow"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, []job.State{job.Submitted}, w.states("slow"))
		require.EqualValues(t, 1, claims.asked.Load(), "a claim is not thrown away for being late")

		claims.delay.Store(int64(cfg.Lease - 7*time.Second))
		w.publish(job.Normal, "otp", "shop", sms("late"))
		time.Sleep(time.Minute)
		require.Empty(t, w.states("late"))
		claims.delay.Store(0)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []job.State{job.Submitted}, w.states("late"))
		w.mu.Lock()
		require.Equal(t, 1, w.events[len(w.events)-1].Attempt)
		w.mu.Unlock()
		cancel()
		require.NoError(t, <-done)
	})
}
