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

// trickleEvery is how long after a single job the next one is published. The first few make connections and are not counted.
const (
	trickleEvery = 10 * time.Millisecond
	trickleWarm  = 20
)

// stopwatch measures the time from the publication of single jobs to their submitted events.
type stopwatch struct {
	load    load
	changed chan struct{} // has a token where an event was seen

	mu   sync.Mutex
	from []time.Time // when each job was published; zero once its event was seen
	open int         // jobs whose event wasn't
	took []time.Duration
}

// watch makes a stopwatch of the jobs of a load, whose tenant has no others.
func (w *world) watch(l load) (*stopwatch, error) {
	s := &stopwatch{load: l, changed: make(chan struct{}, 1)}
	if _, err := w.nc.Subscribe(prefix+".status."+tenantName(l.owner)+"."+route+".submitted", s.seen); err != nil {
		return nil, err
	}
	return s, w.nc.FlushTimeout(lab.StartWithin)
}

// trickle publishes the load's jobs one by one, until they are out or over is closed, and waits for their events. It tells how many there were.
func (w *world) trickle(ctx context.Context, c crew, s *stopwatch, over <-chan struct{}) (int, error) {
	pace := time.NewTicker(trickleEvery)
	defer pace.Stop()
	sent := 0
publishing:
	for ; sent < s.load.jobs; sent++ {
		select {
		case <-pace.C:
		case <-over:
			break publishing
		case <-ctx.Done():
			return sent, ctx.Err()
		}
		m := s.load.message(sent)
		s.begin()
		if err := w.publish(m); err != nil {
			return sent, err
		}
	}
	stuck := time.NewTimer(stuckAfter)
	defer stuck.Stop()
	for s.left() > 0 {
		select {
		case <-s.changed:
		case err := <-w.failed:
			return sent, err
		case <-ctx.Done():
			return sent, ctx.Err()
		case <-stuck.C:
			return sent, fmt.Errorf("the events of %d jobs are missing; it said:\n%s", s.left(), c.said())
		}
		if err := c.ended(); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (s *stopwatch) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = append(s.from, time.Now())
	s.open++
}

func (s *stopwatch) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// seen notes the arrival of an event.
func (s *stopwatch) seen(m *nats.Msg) {
	now := time.Now()
	i, ok := indexOf(field(m.Data, "job"))
	i -= s.load.first
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok || i < 0 || i >= len(s.from) || s.from[i].IsZero() {
		return // a repeat
	}
	if i >= trickleWarm {
		s.took = append(s.took, now.Sub(s.from[i]))
	}
	s.from[i] = time.Time{}
	s.open--
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// times are the latencies in milliseconds: the middle one, the one that one of a hundred exceeds, the greatest.
func (s *stopwatch) times() (p50, p99, most float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.took) == 0 {
		return 0, 0, 0
	}
	slices.Sort(s.took)
	millis := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return millis(s.took[len(s.took)/2]), millis(s.took[len(s.took)*99/100]), millis(s.took[len(s.took)-1])
}
