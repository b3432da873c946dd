package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/ratelimit"
)

// limits is the limiter as the pipeline sees it: by account. It implements [dispatch.Limiter].
type limits struct {
	limiter ratelimit.Limiter
	slots   ratelimit.Slots
	rates   map[string][]ratelimit.Limit
	bounds  map[string]bound
}

// bound is how many requests of an account may be under way over all replicas, and how long one lasts at most.
type bound struct {
	max  int
	hold time.Duration
}

var _ dispatch.Limiter = (*limits)(nil)

func newLimits(accounts []config.Account, lease time.Duration, limiter ratelimit.Limiter, slots ratelimit.Slots) *limits {
	l := &limits{limiter: limiter, slots: slots, rates: map[string][]ratelimit.Limit{}, bounds: map[string]bound{}}
	for _, a := range accounts {
		if a.Limit.Limited() {
			l.rates[a.Name] = []ratelimit.Limit{{Key: a.Name, Rate: a.Limit.PerSecond, Burst: a.Limit.Burst}}
		}
		// A slot is held while a packet is made, too; it outlives any request by far, and no killed replica by long.
		l.bounds[a.Name] = bound{max: a.InFlightTotal, hold: lease + a.Timeout}
	}
	return l
}

// Reserve implements [dispatch.Limiter].
func (l *limits) Reserve(ctx context.Context, account string, n int, maxWait time.Duration) (time.Duration, bool, error) {
	r, err := l.limiter.Reserve(ctx, l.rates[account], n, maxWait)
	return r.Wait, r.OK, err
}

// Refund implements [dispatch.Limiter].
func (l *limits) Refund(ctx context.Context, account string, n int) error {
	return l.limiter.Refund(ctx, l.rates[account], n)
}

// empty takes a whole burst of each account, at any price. After a loss of Redis's data it isn't known how many tokens were used just before: so that
// no window sees more than it may, none count as left.
func (l *limits) empty(ctx context.Context) error {
	for _, rates := range l.rates {
		for _, r := range rates {
			full := time.Duration(float64(r.Burst) / r.Rate * float64(time.Second))
			if _, err := l.limiter.Reserve(ctx, rates, r.Burst, full); err != nil {
				return fmt.Errorf("take the tokens that may have been used: %w", err)
			}
		}
	}
	return nil
}

// Block implements [dispatch.Limiter].
func (l *limits) Block(ctx context.Context, account string, d time.Duration) error {
	return l.limiter.Block(ctx, account, d)
}

// Enter implements [dispatch.Limiter].
func (l *limits) Enter(ctx context.Context, account string) (leave func(), ok bool, err error) {
	b := l.bounds[account]
	slot, ok, err := l.slots.Acquire(ctx, account, b.max, b.hold)
	if err != nil || !ok {
		return nil, false, err
	}
	return func() {
		// A slot whose return is lost falls free by itself.
		_ = l.slots.Release(context.WithoutCancel(ctx), slot)
	}, true, nil
}
