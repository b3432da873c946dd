package natsq

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// jobQueue is what one consumer hands over.
type jobQueue struct {
	lane             job.Lane
	route            string
	stream, consumer string
	filter           string
	later            bool
}

// queues are those of the layout: of each lane and route its jobs as they were published, and those that LATER gives back.
func (l Layout) queues() []jobQueue {
	var all []jobQueue
	for _, lane := range job.Lanes() {
		for _, r := range l.Routes {
			all = append(all,
				jobQueue{lane, r, l.JobStream(lane), r, jobFilter(l.Prefix, lane, r), false},
				jobQueue{lane, r, l.LaterStream(), laterConsumer(lane, r), dueFilter(l.Prefix, lane, r), true})
		}
	}
	return all
}

// queueName is what a consumer's queue is called in a [dispatch.Place]: as in a reply subject.
func queueName(stream, consumer string) string { return stream + "." + consumer }

// Delivered tells of each queue of jobs, see [dispatch.Place], how far it was handed over: to which message of its stream.
func Delivered(ctx context.Context, js jetstream.JetStream, l Layout) (map[string]uint64, error) {
	out := map[string]uint64{}
	for _, q := range l.queues() {
		c, err := js.Consumer(ctx, q.stream, q.consumer)
		if err != nil {
			return nil, fmt.Errorf("look at consumer %s of %s: %w", q.consumer, q.stream, err)
		}
		out[queueName(q.stream, q.consumer)] = c.CachedInfo().Delivered.Stream
	}
	return out, nil
}

// UnderWay hands the jobs to each that were delivered, as [Delivered] tells, and aren't done with: at most those that workers may hold, and one
// at a time, so that nothing is kept in memory. The deliveries have no handle. It ends with the first error, also of each.
func UnderWay(ctx context.Context, js jetstream.JetStream, l Layout, delivered map[string]uint64, each func(dispatch.Delivery) error) error {
	for _, q := range l.queues() {
		bound := delivered[queueName(q.stream, q.consumer)]
		if bound == 0 {
			continue
		}
		stream, err := js.Stream(ctx, q.stream)
		if err != nil {
			return fmt.Errorf("look at stream %s: %w", q.stream, err)
		}
		for next := uint64(1); ; {
			m, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(q.filter))
			if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence > bound {
				break
			}
			if err != nil {
				return fmt.Errorf("read stream %s from %d: %w", q.stream, next, err)
			}
			if err := each(q.delivery(m)); err != nil {
				return err
			}
			next = m.Sequence + 1
		}
	}
	return nil
}

func (q jobQueue) delivery(m *jetstream.RawStreamMsg) dispatch.Delivery {
	d := dispatch.Delivery{
		Address:     job.Address{Lane: q.lane, Route: q.route, Tenant: tenantOf(m.Subject)},
		Publication: q.stream + ":" + strconv.FormatUint(m.Sequence, 10),
		Data:        m.Data,
		Trace:       traceOf(m.Header),
		Stored:      m.Time.UTC(),
		Place:       dispatch.Place{Queue: queueName(q.stream, q.consumer), Sequence: m.Sequence},
	}
	if q.later {
		outOfLater(&d, m.Header)
	}
	return d
}
