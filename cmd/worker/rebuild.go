package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/claim"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

const (
	// leadFor is how long another worker waits for one that rebuilds and gives no sign of life.
	leadFor = 15 * time.Second
	// lookAgain is how often a worker looks whether another one has finished.
	lookAgain = 200 * time.Millisecond
	// straggle is how long an event may be under way to the status stream that was recorded just before a loss.
	straggle = 2 * time.Second
	// tellEvery is how often a rebuilding is logged.
	tellEvery = 5 * time.Second
)

// rebuilder makes the claims' records whole again from the status stream, after a loss and at the very first start.
type rebuilder struct {
	claims *claim.Store
	js     jetstream.JetStream
	layout natsq.Layout
	window time.Duration // how far back the records reach
	report func(error)
	log    *zap.Logger
}

// restore sees that the records are whole: it has them rebuilt by this worker, or waits for another one that does so.
func (r *rebuilder) restore(ctx context.Context) error {
	for {
		whole, err := r.claims.Ensure(ctx)
		if err != nil || whole {
			return err
		}
		if err := connected(r.js.Conn()); err != nil {
			return fmt.Errorf("the records can't be rebuilt: nats: %w", err)
		}
		first, err := r.claims.Lead(ctx, leadFor)
		if err != nil {
			return err
		}
		if first {
			return r.rebuild(ctx)
		}
		r.report(errors.New("records lost, another worker rebuilds them"))
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// rebuild does it as the only worker, or nearly so: two at once do no harm.
func (r *rebuilder) rebuild(ctx context.Context) error {
	defer func() { _ = r.claims.Leave(context.WithoutCancel(ctx)) }() // a lost one is waited for
	delivered, err := natsq.Delivered(ctx, r.js, r.layout)
	if err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	now := time.Now()
	s := &restoring{rebuilder: r, led: now, told: now}
	// What is scheduled may be due long after the window.
	if _, err := natsq.ReadStatus(ctx, r.js, r.layout, natsq.Excerpt{States: []job.State{job.Scheduled}}, s.take(ctx)); err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	last, err := natsq.ReadStatus(ctx, r.js, r.layout, natsq.Excerpt{Since: now.Add(-r.window)}, s.take(ctx))
	if err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	if s.read > 0 || begun(delivered) {
		select {
		case <-time.After(time.Until(now.Add(straggle))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if _, err := natsq.ReadStatus(ctx, r.js, r.layout, natsq.Excerpt{Since: now.Add(-r.window), After: last}, s.take(ctx)); err != nil {
			return fmt.Errorf("rebuild the records: %w", err)
		}
	}
	if err := r.claims.Rearm(ctx, delivered); err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	r.log.Info("records rebuilt from the status stream", zap.Int("events", s.read), zap.Int("records", s.wrote), zap.Duration("took", time.Since(now)))
	return nil
}

// begun tells whether any job was ever handed over.
func begun(delivered map[string]uint64) bool {
	for _, n := range delivered {
		if n > 0 {
			return true
		}
	}
	return false
}

// restoring is a rebuilding under way.
type restoring struct {
	*rebuilder
	entries     []claim.Entry // room to work in
	read, wrote int           // events, and records written: some of them more than once
	led, told   time.Time     // the last sign of life, and the last line in the log
}

// errOvertaken says that another worker took this one for dead.
var errOvertaken = errors.New("another worker rebuilds the records now")

// take writes the records that follow from events. Of a job's events the latest one stays, so they may come in any order.
func (s *restoring) take(ctx context.Context) func([]dispatch.Event, uint64) error {
	return func(events []dispatch.Event, left uint64) error {
		now := time.Now()
		if now.Sub(s.led) > leadFor/3 {
			first, err := s.claims.Lead(ctx, leadFor)
			if err != nil {
				return err
			}
			if !first {
				return errOvertaken
			}
			s.led = now
		}
		s.entries = s.entries[:0]
		for i := range events {
			if e, ok := claim.EntryOf(&events[i], now, s.window); ok {
				s.entries = append(s.entries, e)
			}
		}
		wrote, err := s.claims.Restore(ctx, s.entries)
		if err != nil {
			return err
		}
		s.read, s.wrote = s.read+len(events), s.wrote+wrote
		s.report(fmt.Errorf("records lost, rebuilding %d of %d", s.read, s.read+int(left)))
		if now.Sub(s.told) > tellEvery {
			s.told = now
			s.log.Info("rebuilding the records", zap.Int("events", s.read), zap.Uint64("left", left))
		}
		return nil
	}
}
