package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// The idle latency is that of jobs which come one by one. The first few make connections and are not counted.
const (
	latencyJobs  = 500
	latencyWarm  = 20
	latencyEvery = 10 * time.Millisecond
)

// stopwatch holds when each job was published and when its event was seen.
type stopwatch struct {
	mu   sync.Mutex
	from []time.Time
	took []time.Duration // of the jobs whose event was seen, in no order
	left int
	all  chan struct{} // closed once nothing is left
}

// idle measures the time from the publication of a job to its submitted event, with nothing else to do.
func (p *plan) idle(ctx context.Context, s subject) error {
	w, err := p.newWorld(ctx, s)
	if err != nil {
		return err
	}
	defer w.close()
	child, err := s.start(ctx, w)
	if err != nil {
		return err
	}
	defer child.Kill()
	n := latencyWarm + latencyJobs
	watch := &stopwatch{from: make([]time.Time, n), left: n, all: make(chan struct{})}
	if _, err := w.nc.Subscribe(submitted, watch.seen); err != nil {
		return err
	}
	if err := w.nc.FlushTimeout(lab.StartWithin); err != nil {
		return err
	}
	if err := w.trickle(ctx, child, watch); err != nil {
		return err
	}
	if _, err := child.Stop(); err != nil {
		return err
	}
	slices.Sort(watch.took)
	millis := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	p.report.add(s.name, "idle latency, p50", "ms", millis(watch.took[len(watch.took)/2]))
	p.report.add(s.name, "idle latency, p99", "ms", millis(watch.took[len(watch.took)*99/100]))
	p.report.add(s.name, "idle latency, max", "ms", millis(watch.took[len(watch.took)-1]))
	return nil
}

// trickle publishes the jobs one by one and waits for the last event.
func (w *world) trickle(ctx context.Context, child *lab.Process, watch *stopwatch) error {
	pace := time.NewTicker(latencyEvery)
	defer pace.Stop()
	for i := range watch.from {
		m := jobMessage(i)
		watch.begin(i)
		if _, err := w.js.PublishMsgAsync(m); err != nil {
			return err
		}
		select {
		case <-pace.C:
		case <-child.Over():
			return child.Ended()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-watch.all:
		return nil
	case err := <-w.failed:
		return err
	case <-child.Over():
		return child.Ended()
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(stuckAfter):
		return fmt.Errorf("events are missing; it said:\n%s", child.Said())
	}
}

func (s *stopwatch) begin(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from[i] = time.Now()
}

// seen notes the arrival of an event.
func (s *stopwatch) seen(m *nats.Msg) {
	now := time.Now()
	i, ok := indexOf(field(m.Data, "job"))
	if !ok || i >= len(s.from) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from[i].IsZero() {
		return // a repeat
	}
	if i >= latencyWarm {
		s.took = append(s.took, now.Sub(s.from[i]))
	}
	s.from[i] = time.Time{}
	if s.left--; s.left == 0 {
		close(s.all)
	}
}
