package natsq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Backlog is what waits of one lane and route: published jobs, and those that LATER gave back. What LATER still holds doesn't wait.
type Backlog struct {
	Lane       job.Lane
	Route      string
	Pending    uint64    // not handed over to a worker yet
	AckPending uint64    // in a worker's hands, or given back with a delay
	Oldest     time.Time // when the oldest of all these was stored, or given back by LATER; zero: there is none
}

// Backlogs looks at the queues of all lanes and routes, most urgent first. It asks the server once for each of the layout's consumers, and twice more for
// each that has jobs.
func Backlogs(ctx context.Context, js jetstream.JetStream, l Layout) ([]Backlog, error) {
	var out []Backlog
	for _, q := range l.queues() {
		c, err := js.Consumer(ctx, q.stream, q.consumer)
		if err != nil {
			return nil, fmt.Errorf("look at consumer %s of %s: %w", q.consumer, q.stream, err)
		}
		info := c.CachedInfo()
		if n := len(out); n == 0 || out[n-1].Lane != q.lane || out[n-1].Route != q.route {
			out = append(out, Backlog{Lane: q.lane, Route: q.route})
		}
		b := &out[len(out)-1]
		b.Pending += info.NumPending
		b.AckPending += uint64(info.NumAckPending)
		if info.NumPending == 0 && info.NumAckPending == 0 {
			continue
		}
		at, err := oldest(ctx, js, q, info.AckFloor.Stream+1)
		if err != nil {
			return nil, err
		}
		if !at.IsZero() && (b.Oldest.IsZero() || at.Before(b.Oldest)) {
			b.Oldest = at
		}
	}
	return out, nil
}

// oldest is when the queue's first message was stored that isn't done with; zero: it has none any more. All before from are done with.
func oldest(ctx context.Context, js jetstream.JetStream, q jobQueue, from uint64) (time.Time, error) {
	stream, err := js.Stream(ctx, q.stream)
	if err != nil {
		return time.Time{}, fmt.Errorf("look at stream %s: %w", q.stream, err)
	}
	m, err := stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(q.filter))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read stream %s from %d: %w", q.stream, from, err)
	}
	return m.Time.UTC(), nil
}
