package ratelimit

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Local is a [Limiter] and [Slots] for one process, in memory. It behaves as [Redis] does.
type Local struct {
	now func() int64 // µs

	mu      sync.Mutex
	buckets map[string]*used
	blocks  map[string]int64 // until when
	turns   map[string]turns
	slots   map[string]map[string]int64 // key, id, until when
	ids     int
	sweepAt int
}

// used is a bucket with the limit that it was last used under.
type used struct {
	bucket
	limit Limit
}

// NewLocal returns limits and slots that nobody has used yet.
func NewLocal() *Local {
	start := time.Now()
	return newLocal(func() int64 { return 1 + time.Since(start).Microseconds() })
}

func newLocal(now func() int64) *Local {
	return &Local{now: now, buckets: map[string]*used{}, blocks: map[string]int64{}, turns: map[string]turns{}, slots: map[string]map[string]int64{}, sweepAt: 64}
}

// Reserve implements [Limiter].
func (l *Local) Reserve(ctx context.Context, limits []Limit, n int, maxWait time.Duration, turn Turn) (Reservation, error) {
	if err := check(limits, n); err != nil {
		return Reservation{}, err
	}
	if err := turn.check(); err != nil {
		return Reservation{}, err
	}
	if err := ctx.Err(); err != nil {
		return Reservation{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	good, blocked := now, false
	for _, limit := range limits {
		if b := l.buckets[limit.Key]; b != nil {
			good = max(good, b.good(limit, n, now))
		}
		if till := l.blocks[limit.Key]; till > now {
			good, blocked = max(good, till), true
		}
	}
	r := Reservation{OK: true, Wait: span(good - now)}
	if wait := good - now - micros(maxWait); wait > 0 {
		r = Reservation{Wait: span(wait), Blocked: blocked}
	}
	after := good
	if r.OK {
		l.sweep(now)
		for _, limit := range limits {
			b := l.buckets[limit.Key]
			if b == nil {
				b = &used{}
				l.buckets[limit.Key] = b
			}
			b.limit = limit
			b.take(limit, n, good)
			after = max(after, b.good(limit, n, good))
		}
	}
	if turn.Caller != "" {
		r.Turn = span(l.turn(limits, n, now, after, micros(maxWait)/2, turn, !r.OK || turn.More) - now)
	}
	return r, nil
}

// turn ends the caller's turns and gives it a new one where it wants that: not before now, as much as lead before the tokens are good.
func (l *Local) turn(limits []Limit, n int, now, good, lead int64, t Turn, wanted bool) int64 {
	at := now
	lists := make([]turns, len(limits))
	for i, limit := range limits {
		lists[i] = l.turns[limit.Key].others(t.Caller, now, lead)
		if wanted {
			at = max(at, lists[i].free(limit, n, max(now, good-lead)))
		}
	}
	for i, limit := range limits {
		if wanted {
			lists[i] = lists[i].with(turn{at, n, t.Caller})
		}
		if len(lists[i]) == 0 {
			delete(l.turns, limit.Key)
		} else {
			l.turns[limit.Key] = lists[i]
		}
	}
	return at
}

// Refund implements [Limiter].
func (l *Local) Refund(ctx context.Context, limits []Limit, n int) error {
	if err := check(limits, n); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, limit := range limits {
		if b := l.buckets[limit.Key]; b != nil {
			b.giveBack(limit, n, l.now())
		}
	}
	return nil
}

// Block implements [Limiter].
func (l *Local) Block(ctx context.Context, key string, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks[key] = max(l.blocks[key], l.now()+micros(d))
	return nil
}

// sweep forgets what is as good as new, each time that the number of buckets has doubled.
func (l *Local) sweep(now int64) {
	if l.size() < l.sweepAt {
		return
	}
	for key, b := range l.buckets {
		if b.idle(b.limit, now) {
			delete(l.buckets, key)
		}
	}
	for key, till := range l.blocks {
		if till <= now {
			delete(l.blocks, key)
		}
	}
	for key, ts := range l.turns {
		if now-ts[len(ts)-1].at >= window {
			delete(l.turns, key)
		}
	}
	l.sweepAt = 2*l.size() + 64
}

func (l *Local) size() int { return len(l.buckets) + len(l.blocks) + len(l.turns) }

// Acquire implements [Slots].
func (l *Local) Acquire(ctx context.Context, key string, most int, hold time.Duration) (Slot, bool, error) {
	if err := checkSlots(key, most, hold); err != nil {
		return Slot{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return Slot{}, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	taken := l.slots[key]
	for id, till := range taken {
		if till <= now {
			delete(taken, id)
		}
	}
	if len(taken) >= most {
		return Slot{}, false, nil
	}
	if taken == nil {
		taken = map[string]int64{}
		l.slots[key] = taken
	}
	l.ids++
	slot := Slot{Key: key, ID: strconv.Itoa(l.ids)}
	taken[slot.ID] = now + micros(hold)
	return slot, true, nil
}

// Release implements [Slots].
func (l *Local) Release(ctx context.Context, slot Slot) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.slots[slot.Key], slot.ID)
	if len(l.slots[slot.Key]) == 0 {
		delete(l.slots, slot.Key)
	}
	return nil
}
