package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
)

// guard is the claims of a worker that outlive a loss of their data: a call that meets one waits until they are rebuilt, by this worker or
// another, and then goes on. Meanwhile the worker isn't ready, and nothing is sent.
type guard struct {
	dispatch.Claims
	// rebuild has the records rebuilt, or sees that they are whole. It is called again after an error.
	rebuild func(ctx context.Context) error
	report  func(error) // what keeps the claims from being ready; nil: nothing does
	log     *zap.Logger

	away atomic.Bool // the records can't be asked, or aren't whole

	mu   sync.Mutex
	over chan struct{} // closed once the rebuilding under way is over; nil: none is
	life context.Context
}

// lookEvery is how often a worker looks whether the records are whole: it may hold claims whose requests take long, and must restore them before
// the rebuilding is over.
const lookEvery = 500 * time.Millisecond

// watch looks whether the records are whole until ctx ends, and waits until they are where they aren't. What can't be told now is told later.
func (g *guard) watch(ctx context.Context, look func(context.Context) (bool, error)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		whole, err := look(ctx)
		g.away.Store(err != nil || !whole)
		if err == nil && !whole {
			_ = g.whole(ctx) // its error is ctx's end, or the guard's
		}
	}
}

// newGuard returns the guard of a worker that lives until stop is called. It must be made whole before it is used.
func newGuard(claims dispatch.Claims, rebuild func(context.Context) error, report func(error), log *zap.Logger) (*guard, func()) {
	life, end := context.WithCancel(context.Background())
	g := &guard{Claims: claims, rebuild: rebuild, report: report, log: log, life: life}
	return g, func() {
		end()
		g.mu.Lock()
		over := g.over
		g.mu.Unlock()
		if over != nil {
			<-over
		}
	}
}

// Claim implements [dispatch.Claims].
func (g *guard) Claim(ctx context.Context, reqs []dispatch.ClaimRequest) ([]dispatch.Claim, error) {
	return guarded(ctx, g, func() ([]dispatch.Claim, error) { return g.Claims.Claim(ctx, reqs) })
}

// Record implements [dispatch.Claims].
func (g *guard) Record(ctx context.Context, updates []dispatch.Update) ([]bool, error) {
	return guarded(ctx, g, func() ([]bool, error) { return g.Claims.Record(ctx, updates) })
}

// Confirm implements [dispatch.Claims].
func (g *guard) Confirm(ctx context.Context, updates []dispatch.Update) error {
	_, err := guarded(ctx, g, func() (struct{}, error) { return struct{}{}, g.Claims.Confirm(ctx, updates) })
	return err
}

// guarded repeats a call of the claims that met a loss, once they are whole again.
func guarded[T any](ctx context.Context, g *guard, call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if !errors.Is(err, dispatch.ErrClaimsLost) {
			return v, err
		}
		if ended := g.whole(ctx); ended != nil {
			return v, fmt.Errorf("%w: %w", err, ended)
		}
	}
}

// whole waits until the records are whole. All who wait, wait for the same rebuilding, which goes on when they don't any more: the worker
// stays unready until it is done. The error is that ctx, or the guard, ended.
func (g *guard) whole(ctx context.Context) error {
	g.mu.Lock()
	if g.over == nil {
		g.over = make(chan struct{})
		go g.run()
	}
	over := g.over
	g.mu.Unlock()
	select {
	case <-over:
		return g.life.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *guard) run() {
	start := time.Now()
	g.report(errors.New("the records aren't known to be whole"))
	done := await(g.life, func() error { return g.rebuild(g.life) }, func(err error) {
		g.report(err)
		g.log.Warn("claims", zap.Error(err))
	})
	if done {
		g.report(nil)
		g.log.Info("the claims' records are whole", zap.Duration("took", time.Since(start)))
	}
	g.mu.Lock()
	close(g.over)
	g.over = nil
	g.mu.Unlock()
}
