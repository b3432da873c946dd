package dispatch

import (
	"context"
	"sync"
	"time"
)

// keeper reports jobs in progress to the server that are in hand for longer than half the server's ack wait, so that it
// doesn't deliver them again. It holds them in the order of their last sign of life, so a tick looks only at the old ones.
type keeper struct {
	begun time.Time
	mu    sync.Mutex
	root  item // of a ring; its next one is the oldest
}

// keep is an item's place among those in hand.
type keep struct {
	prev, next *item
	beat       time.Duration // since the keeper began
}

func newKeeper() *keeper {
	k := &keeper{begun: time.Now()}
	k.root.held.prev, k.root.held.next = &k.root, &k.root
	return k
}

// add takes an item in, until it is removed.
func (k *keeper) add(it *item, now time.Time) {
	it.held.beat = now.Sub(k.begun)
	k.mu.Lock()
	k.append(it)
	k.mu.Unlock()
}

func (k *keeper) remove(it *item) {
	k.mu.Lock()
	k.unlink(it)
	k.mu.Unlock()
}

func (k *keeper) append(it *item) {
	e := &it.held
	e.prev, e.next = k.root.held.prev, &k.root
	e.prev.held.next, e.next.held.prev = it, it
}

func (k *keeper) unlink(it *item) {
	e := &it.held
	if e.next == nil {
		return
	}
	e.prev.held.next, e.next.held.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// old moves those whose last sign of life is not after since to the end, as of now, and returns them.
func (k *keeper) old(since, now time.Time) []Handle {
	k.mu.Lock()
	defer k.mu.Unlock()
	var hs []Handle
	for it := k.root.held.next; it != &k.root && it.held.beat <= since.Sub(k.begun); it = k.root.held.next {
		k.unlink(it)
		it.held.beat = now.Sub(k.begun)
		k.append(it)
		hs = append(hs, it.delivery.Handle)
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
