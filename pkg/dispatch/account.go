package dispatch

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// ahead is how long before they are good tokens may be reserved by jobs that aren't urgent: enough to use the rate without gaps,
// and the longest that an urgent job can be kept waiting by them.
const ahead = 5 * time.Millisecond

// urgentAhead is the same for urgent jobs, which nothing overtakes.
const urgentAhead = 20 * time.Millisecond

// account is an account at work: one loop makes packets and gets tokens for them, and a goroutine for each takes it
// through the rest of its way.
type account struct {
	Account
	shelf    *shelf
	health   *health
	slots    chan struct{} // a token for each request under way
	settling chan struct{} // a token for each packet being settled
	tight    bool          // the limiter had no tokens to spare last time: don't ask for more than is needed
	line     *line
	log      *zap.Logger
}

func newAccount(cfg Account, l *line) *account {
	a := &account{
		Account:  cfg,
		health:   newHealth(),
		slots:    make(chan struct{}, cfg.InFlight),
		settling: make(chan struct{}, max(2, cfg.InFlight/4)),
		line:     l,
		log:      l.log.With(zap.String("account", cfg.Name)),
	}
	a.shelf = newShelf(a)
	return a
}

// run sends packets until ctx ends, then gives back what wasn't sent and waits for what was.
func (a *account) run(ctx context.Context) {
	var packets sync.WaitGroup
	defer packets.Wait()
	defer func() { a.line.giveBack(a.shelf.clear()) }()
	for {
		select {
		case a.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		leave, err := a.enter(ctx)
		if err != nil {
			return
		}
		items, good, err := a.next(ctx)
		if err != nil {
			leave()
			return
		}
		packets.Go(func() { a.way(ctx, items, good, leave) })
	}
}

// way is the way of one packet.
func (a *account) way(ctx context.Context, items []*item, good time.Time, leave func()) {
	if sleep(ctx, time.Until(good)) != nil {
		leave()
		a.refund(len(items))
		a.line.giveBack(items)
		return
	}
	sent, ends, deadline := a.claim(items)
	if len(sent) > 0 && time.Since(good) > stale {
		// The tokens are of a time long past: to use them now would exceed the rate.
		ends = append(ends, a.sendLater(sent)...)
		sent = nil
	} else {
		a.refund(len(items) - len(sent))
	}
	if len(sent) > 0 {
		ends = append(a.decide(sent, a.send(sent, deadline)), ends...)
	}
	a.settling <- struct{}{}
	leave()
	a.line.settle(ends)
	<-a.settling
}

// enter takes one of the account's request slots over all replicas, waiting for it, and returns how to leave it and the worker's own.
func (a *account) enter(ctx context.Context) (leave func(), err error) {
	own := func() { <-a.slots }
	if !a.Bounded {
		return own, nil
	}
	pace := untilStored()
	for {
		leave, ok, err := a.line.limiter.Enter(ctx, a.Name)
		if ok && err == nil {
			return func() { leave(); own() }, nil
		}
		if err != nil {
			a.log.Warn("no answer about the request slots, nothing is sent", zap.Error(err))
		} else {
			pace.Reset()
		}
		if err := sleep(ctx, pace.NextBackOff()); err != nil {
			own()
			return nil, err
		}
	}
}

// next returns the next packet and when its tokens are good. While there are none, a more urgent job may come and go first.
func (a *account) next(ctx context.Context) ([]*item, time.Time, error) {
	pace := untilStored()
	for {
		if err := a.shelf.fill(ctx); err != nil {
			return nil, time.Time{}, err
		}
		if _, _, _, paused := a.health.paused(time.Now()); paused {
			a.line.replace(a.shelf.clear())
			continue
		}
		items := a.shelf.packet(!a.tight)
		if !a.Limited {
			return items, time.Now(), nil
		}
		lane := laneIndex(items[0].delivery.Address.Lane)
		mayWait := ahead
		if lane == 0 {
			mayWait = urgentAhead
		}
		wait, ok, err := a.line.limiter.Reserve(ctx, a.Name, len(items), mayWait)
		switch {
		case err != nil:
			a.log.Warn("no answer from the limiter, nothing is sent", zap.Error(err))
			wait = pace.NextBackOff()
		case ok:
			a.tight = wait > 0
			return items, time.Now().Add(wait), nil
		}
		a.shelf.putBack(items)
		if !a.tight && err == nil {
			a.tight = true // it was a packet topped up: ask for the most urgent ones alone
			continue
		}
		if err := a.shelf.rest(ctx, wait, lane); err != nil {
			return nil, time.Time{}, err
		}
	}
}

// refund gives back tokens that weren't used. Lost ones only leave a gap in the rate.
func (a *account) refund(n int) {
	if n == 0 || !a.Limited {
		return
	}
	if err := a.line.limiter.Refund(a.line.hard, a.Name, n); err != nil {
		a.log.Debug("tokens not refunded", zap.Int("tokens", n), zap.Error(err))
	}
}
