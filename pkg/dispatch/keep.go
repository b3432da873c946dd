package dispatch

import (
	"context"
	"sync"
	"time"
)

// keeper reports jobs in progress to the server that are in hand for longer than half the server's ack wait, so that it
// doesn't deliver them again. It holds them in the order of their last sign of life, so a tick looks only at the old ones.
type keeper struct {
	mu   sync.Mutex
	root keep // of a ring; root.next is the oldest
}

// keep is the place of one delivery among those in hand.
type keep struct {
	prev, next *keep
	handle     Handle
	beat       time.Time
}

func newKeeper() *keeper {
	k := &keeper{}
	k.root.prev, k.root.next = &k.root, &k.root
	return k
}

// add takes a delivery in; its place must stay where it is until it is removed.
func (k *keeper) add(e *keep, h Handle, now time.Time) {
	e.handle, e.beat = h, now
	k.mu.Lock()
	k.append(e)
	k.mu.Unlock()
}

func (k *keeper) remove(e *keep) {
	k.mu.Lock()
	k.unlink(e)
	k.mu.Unlock()
}

func (k *keeper) append(e *keep) {
	e.prev, e.next = k.root.prev, &k.root
	e.prev.next, e.next.prev = e, e
}

func (k *keeper) unlink(e *keep) {
	if e.next == nil {
		return
	}
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// old moves those whose last sign of life is not after since to the end, as of now, and returns them.
func (k *keeper) old(since, now time.Time) []Handle {
	k.mu.Lock()
	defer k.mu.Unlock()
	var hs []Handle
	for e := k.root.next; e != &k.root && !e.beat.After(since); e = k.root.next {
		k.unlink(e)
		e.beat = now
		k.append(e)
		hs = append(hs, e.handle)
	}
	return hs
}

// run reports until ctx ends.
func (k *keeper) run(ctx context.Context, ackWait time.Duration) {
	tick := time.NewTicker(ackWait / 8)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, h := range k.old(now.Add(-ackWait/2), now) {
				_ = h.InProgress() // a lost one leads to a redelivery, which the claim recognises
			}
		}
	}
}
