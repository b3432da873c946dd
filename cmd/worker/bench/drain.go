package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// stuckAfter is how long nothing may change before a measurement is given up.
const stuckAfter = 60 * time.Second

// drain is what a subject did with a backlog.
type drain struct {
	took   time.Duration // from the first request to the last ack
	used   lab.Usage
	seen   arrivals
	around [3]time.Duration // CPU of NATS, Redis and the provider meanwhile
	held   holdings
}

// drain lets a subject take the first done jobs of a backlog that is there before it starts.
func (p *plan) drain(ctx context.Context, s subject, set scene, l load, done int) (d drain, err error) {
	w, err := p.newWorld(ctx, s, set)
	if err != nil {
		return d, err
	}
	defer w.close()
	if d.held, err = w.holdings(ctx); err != nil {
		return d, err
	}
	if err := w.preload(ctx, l); err != nil {
		return d, err
	}
	queued, err := w.holdings(ctx)
	if err != nil {
		return d, err
	}
	before := w.cpu()
	c, err := s.start(ctx, w)
	if err != nil {
		return d, err
	}
	defer c.kill()
	end, err := w.drained(ctx, c, l, done)
	if err != nil {
		return d, err
	}
	for i, used := range w.cpu() {
		d.around[i] = used - before[i]
	}
	if d.used, err = c.stop(); err != nil {
		return d, err
	}
	if done < l.jobs && !s.finishes {
		d.seen, err = w.sights(ctx)
	} else {
		d.seen, err = w.told(ctx, l)
	}
	if err != nil {
		return d, err
	}
	d.took = end.Sub(d.seen[0].At)
	after, err := w.holdings(ctx)
	d.held = holdings{jobs: queued.jobs - d.held.jobs, events: after.events - d.held.events, redis: after.redis - d.held.redis}
	return d, err
}

// drained waits until so many jobs are off their stream, and tells when the last of them left.
func (w *world) drained(ctx context.Context, c crew, l load, done int) (time.Time, error) {
	jobs, err := w.js.Stream(ctx, streamOf(l.lane))
	if err != nil {
		return time.Time{}, err
	}
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	left, changed := uint64(l.jobs), time.Now()
	for left > uint64(l.jobs-done) {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
		if err := c.ended(); err != nil {
			return time.Time{}, err
		}
		info, err := jobs.Info(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded): // the server is busy
		case err != nil:
			return time.Time{}, err
		case info.State.Msgs != left:
			left, changed = info.State.Msgs, time.Now()
		}
		if time.Since(changed) > stuckAfter {
			return time.Time{}, fmt.Errorf("stuck with %d of %d jobs left; it said:\n%s", left, l.jobs, c.said())
		}
	}
	return changed, nil
}

// acksWithin is how long the server may take for the acks of a subject that has stopped.
const acksWithin = 5 * time.Second

// told sees, once the subject has stopped, that every job of these loads that isn't in its stream any more was sent once and has an event, and
// returns the requests.
func (w *world) told(ctx context.Context, loads ...load) (arrivals, error) {
	seen, err := w.sights(ctx)
	if err != nil {
		return nil, err
	}
	gone, err := w.gone(ctx, seen.messages(), loads)
	if err != nil {
		return nil, err
	}
	status, err := w.js.Stream(ctx, doneStream)
	if err != nil {
		return nil, err
	}
	info, err := status.Info(ctx, jetstream.WithSubjectFilter(anyone))
	if err != nil {
		return nil, err
	}
	events := 0
	for _, n := range info.State.Subjects {
		events += int(n)
	}
	if seen.messages() != gone || events != gone || info.State.Msgs != uint64(gone) {
		return nil, fmt.Errorf("%d jobs were taken, %d messages sent, and there are %d events, %d of them submitted", gone, seen.messages(), info.State.Msgs, events)
	}
	if gone == 0 {
		return nil, errors.New("no job was taken")
	}
	return seen, nil
}

// gone is how many jobs of these loads aren't in their streams any more. The server may still be busy with the last acks: until as many are gone as were
// sent it gets a few seconds.
func (w *world) gone(ctx context.Context, sent int, loads []load) (int, error) {
	over := time.After(acksWithin)
	pace := time.NewTicker(acksWithin / 100)
	defer pace.Stop()
	for {
		gone := 0
		for _, l := range loads {
			left, err := w.waiting(ctx, l.lane)
			if err != nil {
				return 0, err
			}
			gone += l.jobs - left
		}
		if gone >= sent {
			return gone, nil
		}
		select {
		case <-pace.C:
		case <-over:
			return gone, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// waiting is how many jobs a lane's stream holds.
func (w *world) waiting(ctx context.Context, lane job.Lane) (int, error) {
	jobs, err := w.js.Stream(ctx, streamOf(lane))
	if err != nil {
		return 0, err
	}
	return int(jobs.CachedInfo().State.Msgs), nil
}
