package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// standby is a packet that is claimed while all request slots are taken, so that its request goes out as soon as one is free: else the time of its claims
// would be the slot's.
//
// There is one at most, and only where nothing else has to be waited for: a full one, without urgent jobs, of an account that is well and has neither a limit
// nor a bound over all replicas. What is more urgent overtakes it. It is given up, and its jobs are released unsent, when the account's state changes, when
// the worker stops, and when its claims get so old that a request would have too little time.
type standby struct {
	request
	lane  int       // its most urgent one
	bulk  bool      // some of its jobs are bulk
	until time.Time // when it is given up
}

// standBy makes the packet that is to stand by, if there can be one now.
func (a *account) standBy(now time.Time) (r request, ok bool) {
	if a.standby != nil || a.taken.Load() || a.spare() || a.limited() || a.Bounded || !a.shelf.full() {
		return request{}, false
	}
	lane, state := a.shelf.top(), a.health.state.Load()
	if lane == laneIndex(job.Urgent) || state.Circuit != Closed || !a.health.takes(now, job.Lanes()[lane]) {
		return request{}, false
	}
	r = newRequest(a.shelf.packet(a.Batch, false), state)
	r.asked, r.good = now, now
	isBulk := func(it *item) bool { return it.delivery.Address.Lane == job.Bulk }
	a.standby = &standby{request: r, lane: lane, bulk: slices.ContainsFunc(r.items, isBulk), until: a.deadline(now).Add(-a.needs())}
	a.taken.Store(true)
	return r, true
}

// fits tells whether the packet that stands by may still be sent when its turn comes.
func (a *account) fits(now time.Time) bool {
	s, state := a.standby, a.health.state.Load()
	return state.Circuit == Closed && state.Generation == s.generation && now.Before(s.until) && (!s.bulk || a.health.saving.Load() == nil)
}

// tooOld fires when the packet is to be given up.
func (s *standby) tooOld() <-chan time.Time {
	if s == nil {
		return nil
	}
	return time.After(time.Until(s.until))
}

// whole fires when there may be another packet to stand by.
func (a *account) whole() <-chan struct{} {
	if a.standby != nil || a.limited() || a.Bounded {
		return nil
	}
	return a.shelf.whole
}

// stepIn gives a slot to the packet that stands by; false where there is none, or more urgent jobs go first.
func (a *account) stepIn(ctx context.Context, leave func()) bool {
	a.evict(time.Now())
	if a.standby == nil || ctx.Err() != nil {
		return false
	}
	if a.shelf.leads() < a.standby.lane {
		return false
	}
	a.give(a.standby.request, leave)
	a.standby = nil
	a.taken.Store(false)
	return true
}

// standDown gives the packet up that stands by, if any. Its place is free when it is released.
func (a *account) standDown() {
	if a.standby != nil {
		close(a.standby.slot)
		a.standby = nil
	}
}

// slot waits for the packet's slot and returns how to leave it; ok is false where it stood by in vain.
func (a *account) slot(r request) (leave func(), ok bool) {
	if leave, ok = <-r.slot; ok {
		return leave, true
	}
	return func() { a.taken.Store(false) }, false
}
