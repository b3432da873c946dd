package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// stuckAfter is how long nothing may change before a measurement is given up.
const stuckAfter = 60 * time.Second

// drain is what one subject did with a backlog.
type drain struct {
	took   time.Duration // from the first request to the last ack
	used   lab.Usage
	counts counts
	around [3]time.Duration // CPU of NATS, Redis and the provider meanwhile
}

// drain lets a subject take n jobs that are there before it starts.
func (p *plan) drain(ctx context.Context, s subject, n int) (d drain, err error) {
	w, err := p.newWorld(ctx, s)
	if err != nil {
		return d, err
	}
	defer w.close()
	if err := w.preload(ctx, n); err != nil {
		return d, err
	}
	for i, server := range w.servers() {
		d.around[i] = -lab.CPUOf(server)
	}
	child, err := s.start(ctx, w)
	if err != nil {
		return d, err
	}
	defer child.Kill()
	end, err := w.drained(ctx, child, n)
	if err != nil {
		return d, err
	}
	for i, server := range w.servers() {
		d.around[i] += lab.CPUOf(server)
	}
	if d.counts, err = w.counts(ctx); err != nil {
		return d, err
	}
	d.took = end.Sub(d.counts.First)
	if d.used, err = child.Stop(); err != nil {
		return d, err
	}
	switch {
	case len(d.counts.Violations) > 0:
		return d, fmt.Errorf("the provider's document was breached: %s", d.counts.Violations[0])
	case d.counts.Messages != n:
		return d, fmt.Errorf("%d messages were sent for %d jobs", d.counts.Messages, n)
	}
	return d, nil
}

// drained waits until the job stream is empty, and sees that there is an event for each job.
func (w *world) drained(ctx context.Context, child *lab.Process, n int) (time.Time, error) {
	jobs, err := w.js.Stream(ctx, jobStream)
	if err != nil {
		return time.Time{}, err
	}
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	left, changed := uint64(n), time.Now()
	for left > 0 {
		select {
		case <-pace.C:
		case <-child.Over():
			return time.Time{}, child.Ended()
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
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
			return time.Time{}, fmt.Errorf("stuck with %d of %d jobs left; it said:\n%s", left, n, child.Said())
		}
	}
	return changed, w.events(ctx, n)
}

// events sees that exactly n events are stored.
func (w *world) events(ctx context.Context, n int) error {
	status, err := w.js.Stream(ctx, doneStream)
	if err != nil {
		return err
	}
	info, err := status.Info(ctx, jetstream.WithSubjectFilter(submitted))
	if err != nil {
		return err
	}
	if got := info.State.Subjects[submitted]; info.State.Msgs != uint64(n) || got != uint64(n) {
		return fmt.Errorf("%d jobs have %d events, %d of them submitted", n, info.State.Msgs, got)
	}
	return nil
}

// throughput measures how fast a backlog goes, and what that costs.
func (p *plan) throughput(ctx context.Context, s subject) error {
	d, err := p.drain(ctx, s, p.jobs)
	if err != nil {
		return err
	}
	per100k := func(t time.Duration) float64 { return t.Seconds() * 100_000 / float64(p.jobs) }
	p.report.add(s.name, "throughput", "jobs/s", float64(p.jobs)/d.took.Seconds())
	p.report.add(s.name, "CPU per 100,000 jobs", "s", per100k(d.used.CPU))
	for i, server := range []string{"NATS", "Redis", "the provider"} {
		p.report.add(s.name, "  meanwhile of "+server, "s", per100k(d.around[i]))
	}
	p.report.add(s.name, "messages a request", "", float64(d.counts.Messages)/float64(d.counts.Requests))
	p.report.add(s.name, "room of packets used", "%", 100*float64(d.counts.Messages)/float64(d.counts.Requests*packet))
	p.report.add(s.name, "packets full", "%", 100*float64(d.counts.Full)/float64(d.counts.Requests))
	return nil
}

// memory measures the peak of the resident memory with a small and a large backlog; of the bare loop with the large one only.
func (p *plan) memory(ctx context.Context, s subject) error {
	backlogs := []int{p.jobs * 3 / 10, p.jobs * 3}
	if s.name == theBareLoop {
		backlogs = backlogs[1:]
	}
	for _, n := range backlogs {
		d, err := p.drain(ctx, s, n)
		if err != nil {
			return err
		}
		p.report.add(s.name, fmt.Sprintf("peak memory, backlog %d", n), "MiB", float64(d.used.Peak)/(1<<20))
	}
	return nil
}
