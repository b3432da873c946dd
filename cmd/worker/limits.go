package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/ratelimit"
)

// limits is the limiter as the pipeline sees it: by account. It implements [dispatch.Limiter].
type limits struct {
	limiter ratelimit.Limiter
	slots   ratelimit.Slots
	id      string                                        // of this worker, unique
	rates   map[string]*atomic.Pointer[[]ratelimit.Limit] // of the accounts that have one; an operator may change it
	bounds  map[string]bound
}

// bound is how many requests of an account may be under way over all replicas, and how long one lasts at most.
type bound struct {
	max  int
	hold time.Duration
}

var _ dispatch.Limiter = (*limits)(nil)

func newLimits(accounts []config.Account, lease time.Duration, limiter ratelimit.Limiter, slots ratelimit.Slots) *limits {
	l := &limits{limiter: limiter, slots: slots, id: rand.Text(), rates: map[string]*atomic.Pointer[[]ratelimit.Limit]{}, bounds: map[string]bound{}}
	for _, a := range accounts {
		if a.Limit.Limited() {
			l.rates[a.Name] = new(atomic.Pointer[[]ratelimit.Limit])
			l.set(a.Name, a.Limit)
		}
		// A slot is held while a packet is made, too; it outlives any request by far, and no killed replica by long.
		l.bounds[a.Name] = bound{max: a.InFlightTotal, hold: lease + a.Timeout}
	}
	return l
}

// set changes the limit of an account that has one. Where workers differ for a moment, each counts by its own: no window sees more than the
// higher of their limits allows.
func (l *limits) set(account string, limit config.Limit) {
	l.rates[account].Store(&[]ratelimit.Limit{{Key: account, Rate: limit.PerSecond, Burst: limit.Burst}})
}

// rate is the limit in force; nil: the account has none.
func (l *limits) rate(account string) []ratelimit.Limit {
	if p := l.rates[account]; p != nil {
		return *p.Load()
	}
	return nil
}

// inForce is the limit in force of an account that has one.
func (l *limits) inForce(account string) config.Limit {
	r := l.rate(account)[0]
	return config.Limit{PerSecond: r.Rate, Burst: r.Burst}
}

// bind lets the accounts know which limits are in force.
func (l *limits) bind(accounts []dispatch.Account) {
	for i := range accounts {
		if name := accounts[i].Name; l.rates[name] != nil {
			accounts[i].Limit = func() (float64, int) {
				limit := l.inForce(name)
				return limit.PerSecond, limit.Burst
			}
		}
	}
}

// Reserve implements [dispatch.Limiter].
func (l *limits) Reserve(ctx context.Context, account string, n int, maxWait time.Duration, turn dispatch.Turn) (dispatch.Tokens, error) {
	t := ratelimit.Turn{More: turn == dispatch.Again}
	if turn != dispatch.NoTurn {
		t.Caller = l.id
	}
	r, err := l.limiter.Reserve(ctx, l.rate(account), n, maxWait, t)
	return dispatch.Tokens{OK: r.OK && err == nil, Wait: r.Wait, Turn: r.Turn}, err
}

// Refund implements [dispatch.Limiter].
func (l *limits) Refund(ctx context.Context, account string, n int) error {
	return l.limiter.Refund(ctx, l.rate(account), n)
}

// empty takes a whole burst of each account, at any price. After a loss of Redis's data it isn't known how many tokens were used just before: so that
// no window sees more than it may, none count as left.
func (l *limits) empty(ctx context.Context) error {
	for account := range l.rates {
		limit := l.inForce(account)
		full := time.Duration(float64(limit.Burst) / limit.PerSecond * float64(time.Second))
		if _, err := l.limiter.Reserve(ctx, l.rate(account), limit.Burst, full, ratelimit.Turn{}); err != nil {
			return fmt.Errorf("take the tokens that may have been used: %w", err)
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
