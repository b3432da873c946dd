package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// account is an account at work: one loop makes packets and gets tokens for them, and a goroutine for each takes it
// through the rest of its way.
type account struct {
	Account
	shelf    *shelf
	health   *health
	slots    chan struct{} // a token for each request under way
	standby  *standby      // nil: none; the loop's alone
	taken    atomic.Bool   // the place of a packet that stands by, until it has a slot or is released
	settling *settling
	tight    bool          // the limiter had no tokens to spare last time: don't ask for more than is needed
	turn     time.Time     // when the limiter is to be asked again for jobs that aren't urgent
	turnRate float64       // in force when that was said
	distance time.Duration // from the answer to it
	took     atomic.Int64  // ns, of the last packet until its request was over
	claiming atomic.Int64  // ns, from asking for tokens until a packet is claimed, at most of late
	line     *line
	log      *zap.Logger
}

func newAccount(cfg Account, l *line, h *health) *account {
	a := &account{
		Account:  cfg,
		health:   h,
		slots:    make(chan struct{}, cfg.InFlight),
		settling: newSettling(max(4, cfg.InFlight/2)),
		line:     l,
		log:      l.log.With(zap.String("account", cfg.Name)),
	}
	a.claiming.Store(int64(aheadMost / 2)) // the first ones may take long
	a.shelf = newShelf(a)
	return a
}

// spare tells whether another packet can be under way at once: then what is less urgent needs no room in this one.
func (a *account) spare() bool { return len(a.slots) < cap(a.slots) }

// request is a packet on its way.
type request struct {
	items      []*item
	asked      time.Time   // when the limiter was
	good       time.Time   // when its tokens are
	generation int64       // of the account's state that it is made under
	ticket     string      // of the probe that it is; empty: it is none
	slot       chan func() // brings how to leave its slot, once it has one; closed: it gets none
}

func newRequest(items []*item, s *AccountState) request {
	return request{items: items, generation: s.Generation, slot: make(chan func(), 1)}
}

// run sends packets until ctx ends, then gives back what wasn't sent and waits for what was.
func (a *account) run(ctx context.Context) {
	var packets sync.WaitGroup
	defer packets.Wait()
	defer func() { a.line.giveBack(a.shelf.clear()) }()
	defer a.standDown()
	begin := func(r request) { packets.Go(func() { a.way(ctx, r) }) }
	for {
		changed := a.health.changes.changed()
		a.evict(time.Now())
		if r, ok := a.standBy(time.Now()); ok {
			begin(r)
		}
		select {
		case a.slots <- struct{}{}:
		case <-a.standby.tooOld():
			continue
		case <-a.whole():
			continue
		case <-changed:
			continue
		case <-ctx.Done():
			return
		}
		own := func() { <-a.slots }
		if a.stepIn(ctx, own) {
			continue
		}
		r, leave, err := a.next(ctx)
		if err != nil {
			own()
			return
		}
		a.give(r, func() { leave(); own() })
		begin(r)
	}
}

// give gives a packet its slot.
func (a *account) give(r request, leave func()) {
	begun := time.Now()
	r.slot <- func() { a.took.Store(int64(time.Since(begun))); leave() }
}

// put gives the account a job, if there is room.
func (a *account) put(it *item, now time.Time) bool {
	if !a.shelf.put(it) {
		return false
	}
	a.health.given(now, it.delivery.Address.Lane)
	return true
}

// evict finds other places for the jobs that the account isn't to send now; true where there were some on the shelf, or it is shut.
func (a *account) evict(now time.Time) bool {
	if a.standby != nil && !a.fits(now) {
		a.standDown()
	}
	if a.health.state.Load().shut(now) {
		a.line.replace(a.shelf.clear())
		return true
	}
	if a.health.saving.Load() == nil {
		return false
	}
	bulk := a.shelf.clearLane(laneIndex(job.Bulk))
	a.line.replace(bulk)
	return len(bulk) > 0
}

// way is the way of one packet. One that stands by waits for its slot when it is claimed, the others have theirs.
func (a *account) way(ctx context.Context, r request) {
	if ctx.Err() != nil {
		leave, _ := a.slot(r)
		leave()
		a.refund(len(r.items))
		a.release(r)
		a.line.giveBack(r.items)
		return
	}
	var ends []ending
	sent, deadline := a.claim(r.items, &ends)
	a.claiming.Store(max(int64(time.Since(r.asked)), a.claiming.Load()*7/8))
	a.refund(len(r.items) - len(sent))
	leave, ok := a.slot(r)
	if len(sent) > 0 && (!ok || !a.inTime(ctx, r, len(sent), deadline)) {
		a.sendLater(sent, &ends)
		sent = nil
	}
	claimed := len(sent)
	sent = unexpired(sent, time.Now(), &ends)
	a.refund(claimed - len(sent))
	if len(sent) > 0 {
		ends = append(a.line.ends.take(len(ends)+len(sent)), ends...)
		a.decide(r, sent, a.send(sent, deadline), &ends)
	} else {
		a.release(r)
	}
	a.settle(ends, leave)
	a.line.ends.give(ends)
}

// enter takes one of the account's request slots over all replicas, if one is free, and returns how to leave it.
func (a *account) enter(ctx context.Context) (leave func(), ok bool, err error) {
	if !a.Bounded {
		return func() {}, true, nil
	}
	return a.line.limiter.Enter(ctx, a.Name)
}

// next returns the next packet with its tokens and its slot over all replicas, and how to leave that. While there are none, a more urgent job may come and go
// first. A slot is held while there is a packet and no longer: others need it, and one that is held for long falls free.
func (a *account) next(ctx context.Context) (r request, leave func(), err error) {
	pace, slots := untilStored(), untilStored()
	for {
		if err := a.shelf.fill(ctx); err != nil {
			return r, nil, err
		}
		changed, now, state := a.health.changes.changed(), time.Now(), a.health.state.Load()
		if a.evict(now) {
			continue
		}
		if d := state.rest(now); d > 0 {
			if err := a.shelf.rest(ctx, d, changed, 0); err != nil {
				return r, nil, err
			}
			continue
		}
		if top := a.shelf.top(); top > laneIndex(job.Urgent) && now.Before(a.turn) && a.rate() == a.turnRate {
			if err := a.shelf.rest(ctx, a.soon(a.turn.Sub(now)), changed, top); err != nil {
				return r, nil, err
			}
			continue
		}
		if top := a.shelf.top(); a.settling.crowded(top) {
			if err := a.shelf.rest(ctx, crowdedFor, a.settling.eased, top); err != nil {
				return r, nil, err
			}
			continue
		}
		leave, ok, err := a.enter(ctx)
		if !ok || err != nil {
			if err != nil {
				a.log.Warn("no answer about the request slots, nothing is sent", zap.Error(err))
			} else {
				slots.Reset()
			}
			if err := a.shelf.rest(ctx, slots.NextBackOff(), changed, 0); err != nil {
				return r, nil, err
			}
			continue
		}
		most, due := a.Batch, state.due(now)
		if due {
			most = 1
		}
		topUp := !a.tight && (!a.spare() || a.settling.anyCrowded())
		r = newRequest(a.shelf.packet(most, topUp), state)
		t, err := a.reserve(ctx, &r)
		if t.OK && due {
			if t.OK, err = a.probe(ctx, &r); !t.OK {
				a.refund(len(r.items))
			}
		}
		if t.OK && err == nil {
			a.tight = t.Wait > 0
			return r, leave, nil
		}
		leave()
		lane := laneIndex(r.items[0].delivery.Address.Lane)
		a.shelf.putBack(r.items)
		if err != nil {
			a.log.Warn("no answer from Redis about tokens or a probe, nothing is sent", zap.Error(err))
			t.Wait = pace.NextBackOff()
		} else {
			a.tight = true
			if topUp {
				a.turn = time.Time{} // ask for the most urgent ones alone, at once
				continue
			}
		}
		if err := a.shelf.rest(ctx, a.soon(t.Wait), changed, lane); err != nil {
			return r, nil, err
		}
	}
}
