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
	// straggle is how long an event may be under way to the status stream that was recorded just before a loss, and how long another worker may
	// take to notice the loss and restore what it holds.
	straggle = 2 * time.Second
	// restoreBatch is how many records are written together.
	restoreBatch = 1000
	// tellEvery is how often a rebuilding is logged.
	tellEvery = 5 * time.Second
)

// rebuilder makes the claims' records whole again from the status stream, after a loss and at the very first start.
type rebuilder struct {
	claims *claim.Store
	js     jetstream.JetStream
	layout natsq.Layout
	window time.Duration               // how far back the records reach
	region string                      // for phones without a country code
	others func(context.Context) error // sees to what else Redis lost with the records
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
		if err := r.claims.RestoreHeld(ctx); err != nil {
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
	// The one that led before may have been done just now.
	if whole, err := r.claims.Ensure(ctx); err != nil || whole {
		return err
	}
	delivered, err := natsq.Delivered(ctx, r.js, r.layout)
	if err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	now := time.Now()
	s := &restoring{rebuilder: r, led: now, told: now}
	if err := natsq.UnderWay(ctx, r.js, r.layout, delivered, s.underWay(ctx)); err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	if err := s.write(ctx); err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	// What is scheduled may be due long after the window.
	if _, err := natsq.ReadStatus(ctx, r.js, r.layout, natsq.Excerpt{States: []job.State{job.Scheduled}}, s.take(ctx)); err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	last, err := natsq.ReadStatus(ctx, r.js, r.layout, natsq.Excerpt{Since: now.Add(-r.window)}, s.take(ctx))
	if err != nil {
		return fmt.Errorf("rebuild the records: %w", err)
	}
	if s.read > 0 || begun(delivered) {
		if err := r.others(ctx); err != nil {
			return fmt.Errorf("rebuild the records: %w", err)
		}
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
	entries     []claim.Entry // to be written
	read, wrote int           // events, and records written: some of them more than once
	led, told   time.Time     // the last sign of life, and the last line in the log
}

// errOvertaken says that another worker took this one for dead.
var errOvertaken = errors.New("another worker rebuilds the records now")

// underWay spends the ids of jobs that a worker may be at, so that no other publication of theirs is taken for new.
func (s *restoring) underWay(ctx context.Context) func(dispatch.Delivery) error {
	return func(d dispatch.Delivery) error {
		j, err := job.Decode(d.Data, s.region)
		if err != nil {
			return nil // it will be refused
		}
		s.entries = append(s.entries, claim.Entry{Tenant: d.Address.Tenant, ID: j.ID, Keep: s.window,
			Record: dispatch.Record{Phase: dispatch.Claimed, Epoch: d.Epoch, Hop: d.Hop, Hash: j.Hash(), Publication: d.Publication}})
		if len(s.entries) < restoreBatch {
			return nil
		}
		return s.write(ctx)
	}
}

// take writes the records that follow from events. Of a job's events the latest one stays, so they may come in any order.
func (s *restoring) take(ctx context.Context) func([]dispatch.Event, uint64) error {
	return func(events []dispatch.Event, left uint64) error {
		now := time.Now()
		for i := range events {
			if e, ok := claim.EntryOf(&events[i], now, s.window); ok {
				s.entries = append(s.entries, e)
			}
		}
		if err := s.write(ctx); err != nil {
			return err
		}
		s.read += len(events)
		s.report(fmt.Errorf("records lost, rebuilding %d of %d", s.read, s.read+int(left)))
		if now.Sub(s.told) > tellEvery {
			s.told = now
			s.log.Info("rebuilding the records", zap.Int("events", s.read), zap.Uint64("left", left))
		}
		return nil
	}
}

// write writes the entries, and gives a sign of life where one is due.
func (s *restoring) write(ctx context.Context) error {
	if now := time.Now(); now.Sub(s.led) > leadFor/3 {
		first, err := s.claims.Lead(ctx, leadFor)
		if err != nil {
			return err
		}
		if !first {
			return errOvertaken
		}
		s.led = now
	}
	wrote, err := s.claims.Restore(ctx, s.entries)
	s.wrote += wrote
	s.entries = s.entries[:0]
	return err
}
