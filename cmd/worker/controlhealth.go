package main

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// overlay is the health of the accounts with the operators' pauses laid over it. What the workers find out goes on to count beneath, so a resumed
// account is what it would be without the pause. It implements [dispatch.Health].
type overlay struct {
	dispatch.Health
	control *control
}

// resumedAt is the end of a pause without one.
//
//nolint:gochecknoglobals // a constant that Go has no way to write
var resumedAt = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// over is the state of an account with its pause.
func (o *overlay) over(account string, s dispatch.AccountState, now time.Time) dispatch.AccountState {
	p := o.control.intent(account).Pause
	if !p.lasts(now) {
		return s
	}
	s.Circuit, s.Itself, s.Cause, s.Words, s.Until = dispatch.Paused, true, job.Unavailable, "paused by an operator: "+p.Reason, p.Until
	if s.Until.IsZero() {
		s.Until = resumedAt
	}
	return s
}

// States implements [dispatch.Health].
func (o *overlay) States(ctx context.Context, accounts []string) ([]dispatch.AccountState, error) {
	states, err := o.Health.States(ctx, accounts)
	if err != nil {
		return states, err
	}
	now := time.Now()
	for i := range states {
		states[i] = o.over(accounts[i], states[i], now)
	}
	return states, nil
}

// Report implements [dispatch.Health].
func (o *overlay) Report(ctx context.Context, account string, r dispatch.AccountReport) (dispatch.AccountState, error) {
	s, err := o.Health.Report(ctx, account, r)
	if err != nil {
		return s, err
	}
	return o.over(account, s, time.Now()), nil
}

// Probe implements [dispatch.Health]: a paused account isn't probed.
func (o *overlay) Probe(ctx context.Context, account string, hold time.Duration) (dispatch.AccountState, string, error) {
	if s := o.over(account, dispatch.AccountState{}, time.Now()); s.Circuit == dispatch.Paused {
		return s, "", nil
	}
	return o.Health.Probe(ctx, account, hold)
}
