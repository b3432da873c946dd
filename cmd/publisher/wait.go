package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// publishAndWait publishes the job and follows it to its final event. The events are read from where the status stream ended before the
// publication, so that none is missed, however fast the worker.
func (s *send) publishAndWait(ctx context.Context, l *link, to job.Address, body []byte) error {
	stream, err := s.status(ctx, l)
	if err != nil {
		return err
	}
	from := stream.CachedInfo().State.LastSeq + 1
	ack, err := s.publish(ctx, l, to, body)
	if err != nil {
		return err
	}
	w := waiter{send: s, stream: stream, publication: publication(ack)}
	if ack.Duplicate {
		return w.earlier(ctx, to.Tenant)
	}
	err = w.follow(ctx, statusFilter(s.prefix, to.Tenant, to.Route, ""), from)
	if errors.Is(err, errSuppressed) {
		return w.earlier(ctx, to.Tenant)
	}
	return err
}

// errSuppressed says that the publication was suppressed, since its job was published before.
var errSuppressed = errors.New("suppressed")

// waiter follows one publication.
type waiter struct {
	*send
	stream      jetstream.Stream
	publication string
	last        job.State // of the job itself
}

// follow prints the events of the job from a sequence of the status stream on, to the one that ends it.
func (w *waiter) follow(ctx context.Context, filter string, from uint64) error {
	f, err := follow(ctx, w.stream, span{filter: filter, from: from})
	if err != nil {
		return err
	}
	defer f.close()
	for {
		message, err := f.next(ctx)
		if err != nil {
			return w.unfinished(err)
		}
		if !about(message, w.job.ID) && !about(message, w.publication) {
			continue
		}
		ev, err := readEvent(message)
		if err != nil {
			w.sayf("%v", err)
			continue
		}
		if !w.concerns(ev) {
			continue
		}
		if err := printEvent(w.stdout, ev, w.json()); err != nil {
			return err
		}
		if ev.State == job.Duplicate {
			return suppressed(ev)
		}
		w.last = ev.State
		if ev.Final {
			return verdict(ev)
		}
	}
}

// concerns tells whether an event is about the job itself or this publication of it, and not about another publication.
func (w *waiter) concerns(ev event) bool {
	return ev.Sequence > 0 || ev.Publication == w.publication
}

func suppressed(ev event) error {
	if ev.Error != nil && ev.Error.Code == job.IDReused {
		return errors.New("not sent: the id is spent by a job of other content, give another one")
	}
	return errSuppressed
}

func verdict(ev event) error {
	if ev.State == job.Delivered || ev.State == job.Submitted {
		return nil
	}
	return errNotSent
}

func (w *waiter) unfinished(err error) error {
	if w.last == "" {
		return fmt.Errorf("no event of the job yet, it goes on without us: %w", err)
	}
	if w.last == job.Submitted {
		return fmt.Errorf("submitted, no receipt yet: the provider took the message, whether it arrived isn't known: %w", err)
	}
	return fmt.Errorf("no final event yet, the last was %s, it goes on without us: %w", w.last, err)
}

// earlier shows where the job stands that an earlier publication began, on whatever route, and follows it from there.
func (w *waiter) earlier(ctx context.Context, tenant string) error {
	events, from, err := w.life(ctx, w.stream, tenant, w.job.ID)
	if err != nil {
		return w.unfinished(err)
	}
	for i := len(events) - 1; i >= 0; i-- {
		ev := events[i]
		if !w.concerns(ev) || ev.State == job.Duplicate {
			continue
		}
		if err := printEvent(w.stdout, ev, w.json()); err != nil {
			return err
		}
		w.last = ev.State
		if ev.Final {
			return verdict(ev)
		}
		break
	}
	w.sayf("the job was published before and is still under way")
	return w.follow(ctx, statusFilter(w.prefix, tenant, "", ""), from)
}
