package natsq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

// tell is how often a follower is told that nothing came.
const tell = time.Second

// Follower reads the status stream of a layout.
type Follower struct {
	JS     jetstream.JetStream
	Layout Layout
}

var _ receipts.History = Follower{}

// Read hands over the events of these states that are stored since a time, in their order, and returns the place of the last one.
func (f Follower) Read(ctx context.Context, since time.Time, states []job.State, each func([]dispatch.Event) error) (last uint64, err error) {
	return ReadStatus(ctx, f.JS, f.Layout, Excerpt{Since: since, States: states}, func(events []dispatch.Event, _ uint64) error { return each(events) })
}

// Follow hands over the events of these states from the place next on, in their order, and then those that come, until ctx ends. last is the place of
// the last event of a batch; a batch isn't to be kept. While none come it hands over an empty batch every second. It ends with the first
// error, also of each, and with [receipts.ErrOtherStream].
func (f Follower) Follow(ctx context.Context, next uint64, states []job.State, each func(events []dispatch.Event, last uint64) error) error {
	name := f.Layout.StatusStream()
	stream, err := f.JS.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("follow stream %s: %w", name, err)
	}
	last := max(next, 1) - 1
	if end := stream.CachedInfo().State.LastSeq; end < last {
		return fmt.Errorf("%w: %s ends at %d, before %d", receipts.ErrOtherStream, name, end, last)
	}
	consumer, err := f.JS.OrderedConsumer(ctx, name, Excerpt{After: last, States: states}.consumer(f.Layout.Prefix))
	if err != nil {
		return fmt.Errorf("follow stream %s: %w", name, err)
	}
	consumerName := consumer.CachedInfo().Name
	defer func() { _ = f.JS.DeleteConsumer(context.WithoutCancel(ctx), name, consumerName) }() // or the server does, for its inactivity
	messages, err := consumer.Messages(jetstream.PullMaxMessages(readAhead))
	if err != nil {
		return fmt.Errorf("follow stream %s: %w", name, err)
	}
	defer messages.Stop()
	batch := make([]dispatch.Event, 0, readBatch)
	for ctx.Err() == nil {
		m, err := nextWithin(ctx, messages, tell)
		if errors.Is(err, errNothing) {
			if err := each(batch, last); err != nil {
				return err
			}
			batch = batch[:0]
			continue
		}
		if err != nil {
			return fmt.Errorf("follow stream %s behind %d: %w", name, last, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("follow stream %s behind %d: %w", name, last, err)
		}
		last = meta.Sequence.Stream
		if e, err := DecodeStatus(m.Headers(), m.Data()); err == nil {
			batch = append(batch, e)
		}
		if len(batch) == readBatch || meta.NumPending == 0 {
			if err := each(batch, last); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return context.Cause(ctx)
}

// errNothing says that no message came in time.
var errNothing = errors.New("nothing came")

func nextWithin(ctx context.Context, messages jetstream.MessagesContext, d time.Duration) (jetstream.Msg, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, d, errNothing)
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(waiting))
	if err != nil && waiting.Err() != nil {
		err = context.Cause(waiting)
	}
	return m, err
}
