package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// stuckAfter is how long nothing may happen before a trial is given up.
const stuckAfter = 90 * time.Second

// pulse tells when events come, as they are published.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	sent    int                  // submitted events
	arrived map[string]time.Time // of jobs that are watched, when they were submitted
	beat    chan struct{}        // closed with the next event of a job that was sent
}

func feel(nc *nats.Conn) (*pulse, error) {
	p := &pulse{beat: make(chan struct{}), arrived: map[string]time.Time{}}
	sub, err := nc.Subscribe("dispatch.status.>", p.take)
	if err != nil {
		return nil, err
	}
	return p, sub.SetPendingLimits(-1, -1)
}

func (p *pulse) take(m *nats.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if !strings.HasSuffix(m.Subject, ".submitted") {
		return
	}
	p.sent++
	if id := m.Header["ce-subject"]; len(id) == 1 {
		if at, watched := p.arrived[id[0]]; watched && at.IsZero() {
			p.arrived[id[0]] = p.last
		}
	}
	close(p.beat)
	p.beat = make(chan struct{})
}

// watch notes when the job is submitted.
func (p *pulse) watch(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived[id] = time.Time{}
}

// arrival is when a watched job was submitted; zero: not yet.
func (p *pulse) arrival(id string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arrived[id]
}

// next waits for the next submitted event and tells how long that took.
func (p *pulse) next(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	p.mu.Lock()
	beat := p.beat
	p.mu.Unlock()
	select {
	case <-beat:
		return time.Since(began), nil
	case <-time.After(stuckAfter):
		return 0, fmt.Errorf("nothing was sent for %s", stuckAfter)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// sentMore waits until n submitted events came since the trial began.
func (w *town) sentMore(ctx context.Context, n int) error {
	for {
		w.pulse.mu.Lock()
		sent := w.pulse.sent
		w.pulse.mu.Unlock()
		if sent >= n {
			return nil
		}
		if _, err := w.pulse.next(ctx); err != nil {
			return fmt.Errorf("%d of %d were sent: %w", sent, n, err)
		}
	}
}

// drained waits until no stream holds a job any more.
func (w *town) drained(ctx context.Context) error {
	before, changed := uint64(0), time.Now()
	for {
		left, err := w.left(ctx)
		switch {
		case err == nil && left == 0:
			return nil
		case err == nil && left != before:
			before, changed = left, time.Now()
		}
		w.pulse.mu.Lock()
		idle := time.Since(maxTime(changed, w.pulse.last))
		w.pulse.mu.Unlock()
		if idle > stuckAfter {
			return fmt.Errorf("stuck: %d jobs are left in the streams and nothing happens (%v)", left, err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// left is how many messages the streams of jobs hold.
func (w *town) left(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	sum := uint64(0)
	for _, name := range []string{"DISPATCH_JOBS_URGENT", "DISPATCH_JOBS_NORMAL", "DISPATCH_JOBS_BULK", "DISPATCH_LATER"} {
		s, err := w.js.Stream(ctx, name)
		if err != nil {
			return 0, err
		}
		sum += s.CachedInfo().State.Msgs
	}
	return sum, nil
}
