package natsq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Excerpt is a part of the STATUS stream. The zero value is all of it.
type Excerpt struct {
	Since  time.Time   // only events stored from then on, by the server's clock
	After  uint64      // only events behind this place; Since doesn't count then
	States []job.State // only these; none: all
}

const (
	// readAhead is how many events may be on their way to a reader. Each is a few KiB at most, so that they need some MiB.
	readAhead = 4096
	// readBatch is how many events are handed over together at most.
	readBatch = 1000
	// silence is how long the server may take to send the next event of a part that has more.
	silence = 10 * time.Second
)

// ReadStatus reads the status events that are stored as it begins, in their order, and hands them to each in batches, with the number of those to
// come; a batch isn't to be kept. What isn't a status event of this version is left out. It returns the place of the last one that it
// read, for [Excerpt.After]; that stays as it was where there was none.
//
// It holds a bounded part of them in memory. It ends with the first error, also of each.
func ReadStatus(ctx context.Context, js jetstream.JetStream, l Layout, part Excerpt, each func(events []dispatch.Event, left uint64) error) (last uint64, err error) {
	last = part.After
	consumer, err := js.OrderedConsumer(ctx, l.StatusStream(), part.consumer(l.Prefix))
	if err != nil {
		return last, fmt.Errorf("read stream %s: %w", l.StatusStream(), err)
	}
	info := consumer.CachedInfo()
	defer func() { _ = js.DeleteConsumer(context.WithoutCancel(ctx), l.StatusStream(), info.Name) }() // or the server does, for its inactivity
	left := info.NumPending
	if left == 0 {
		return last, nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(readAhead))
	if err != nil {
		return last, fmt.Errorf("read stream %s: %w", l.StatusStream(), err)
	}
	defer messages.Stop()
	batch := make([]dispatch.Event, 0, min(left, readBatch))
	for left > 0 {
		m, err := next(ctx, messages)
		if err != nil {
			return last, fmt.Errorf("read stream %s behind %d: %w", l.StatusStream(), last, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return last, fmt.Errorf("read stream %s behind %d: %w", l.StatusStream(), last, err)
		}
		last = meta.Sequence.Stream
		left = min(left-1, meta.NumPending) // some may be gone meanwhile, and others are new
		if e, err := DecodeStatus(m.Headers(), m.Data()); err == nil {
			batch = append(batch, e)
		}
		if len(batch) == readBatch || left == 0 {
			if err := each(batch, left); err != nil {
				return last, err
			}
			batch = batch[:0]
		}
	}
	return last, nil
}

func next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, silence, errors.New("the server sends nothing"))
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return m, err
}

func (p Excerpt) consumer(prefix string) jetstream.OrderedConsumerConfig {
	cfg := jetstream.OrderedConsumerConfig{InactiveThreshold: time.Minute, MaxResetAttempts: 5}
	switch {
	case p.After > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, p.After+1
	case !p.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &p.Since
	}
	for _, s := range p.States {
		cfg.FilterSubjects = append(cfg.FilterSubjects, prefix+".status.*.*."+string(s))
	}
	return cfg
}
