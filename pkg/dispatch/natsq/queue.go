package natsq

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// held is a message that the server sent and no handle has seen.
type held struct {
	msg  *nats.Msg
	from *puller
	at   time.Time // when it came, or its last sign of life
}

// queue is what the pullers of a source hold, in the order in which it came. The pullers bound it.
type queue struct {
	mu    sync.Mutex
	items []held
	head  int
	ready chan struct{} // has a token where there may be an item
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) push(h held) {
	q.mu.Lock()
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	q.items = append(q.items, h)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// pop waits for an item; false: ctx ended. For a single goroutine.
func (q *queue) pop(ctx context.Context) (held, bool) {
	for ctx.Err() == nil {
		if h, ok := q.shift(time.Time{}); ok {
			return h, true
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
		}
	}
	return held{}, false
}

// touch makes all items as new as now, if the oldest came before the time, and returns them then.
func (q *queue) touch(before, now time.Time) []held {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.items) || !q.items[q.head].at.Before(before) {
		return nil
	}
	for i := q.head; i < len(q.items); i++ {
		q.items[i].at = now
	}
	return slices.Clone(q.items[q.head:])
}

// shift takes the oldest item, if it came before the time; the zero time: in any case.
func (q *queue) shift(before time.Time) (held, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.items) || !before.IsZero() && !q.items[q.head].at.Before(before) {
		return held{}, false
	}
	h := q.items[q.head]
	q.items[q.head] = held{}
	q.head++
	if q.head > len(q.items)/2 && q.head > 64 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return h, true
}

// pullAll hands over what pullers put into their queue, until ctx ends or the connection is closed for good, which is [nats.ErrConnectionClosed]. What was
// not handed over then is given back.
func pullAll(ctx context.Context, nc *nats.Conn, q *queue, each func(held), pullers ...*puller) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closed := nc.StatusChanged(nats.CLOSED)
	defer nc.RemoveStatusListener(closed)
	var pulls sync.WaitGroup
	for _, p := range pullers {
		pulls.Go(func() { p.run(ctx) })
	}
	pulls.Go(func() {
		if nc.IsClosed() {
			cancel()
			return
		}
		select {
		case <-closed:
			cancel()
		case <-ctx.Done():
		}
	})
	for {
		h, ok := q.pop(ctx)
		if !ok {
			break
		}
		// Whoever handles it knows not how long it waited here, and counts the server's patience from now.
		if time.Since(h.at) > h.from.ackWait/8 {
			_ = handle{nc, h.msg.Reply}.InProgress() // a lost one leads to a redelivery
		}
		each(h)
		h.from.done()
	}
	pulls.Wait()
	giveBack(nc, q)
	if nc.IsClosed() {
		return nats.ErrConnectionClosed
	}
	return nil
}

func giveBack(nc *nats.Conn, q *queue) {
	for {
		h, ok := q.shift(time.Time{})
		if !ok {
			return
		}
		_ = handle{nc, h.msg.Reply}.Nak(0) // a lost one comes again after the server's ack wait
	}
}
