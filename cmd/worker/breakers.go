package main

import (
	"context"
	"time"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/breaker"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// breakers is the circuit breakers as the pipeline sees them: by account. It implements [dispatch.Health].
type breakers struct {
	breakers breaker.Breakers
	policies map[string]breaker.Policy
}

var _ dispatch.Health = (*breakers)(nil)

func newBreakers(accounts []config.Account, b breaker.Breakers) *breakers {
	policies := map[string]breaker.Policy{}
	for _, a := range accounts {
		policies[a.Name] = breaker.Policy{Failures: a.Breaker.Failures, Open: a.Breaker.Open}
	}
	return &breakers{breakers: b, policies: policies}
}

// States implements [dispatch.Health].
func (b *breakers) States(ctx context.Context, accounts []string) ([]dispatch.AccountState, error) {
	states, err := b.breakers.Look(ctx, accounts)
	out := make([]dispatch.AccountState, len(states))
	for i, s := range states {
		out[i] = accountState(s)
	}
	return out, err
}

// Report implements [dispatch.Health].
func (b *breakers) Report(ctx context.Context, account string, r dispatch.AccountReport) (dispatch.AccountState, error) {
	s, err := b.breakers.Report(ctx, account, b.policies[account], breaker.Report{
		Finding: findings[r.Finding], Generation: r.Generation, Ticket: r.Ticket, Cause: string(r.Cause), Words: r.Words, For: r.For})
	return accountState(s), err
}

// Probe implements [dispatch.Health].
func (b *breakers) Probe(ctx context.Context, account string, hold time.Duration) (dispatch.AccountState, string, error) {
	s, ticket, err := b.breakers.Probe(ctx, account, hold)
	return accountState(s), ticket, err
}

//nolint:gochecknoglobals // a table that nobody writes to
var findings = map[dispatch.Finding]breaker.Finding{
	dispatch.NotMade: breaker.Nothing, dispatch.Succeeded: breaker.Succeeded, dispatch.Failed: breaker.Failed,
	dispatch.Refused: breaker.Refused, dispatch.Blocked: breaker.Blocked, dispatch.Mended: breaker.Mended,
}

func accountState(s breaker.State) dispatch.AccountState {
	return dispatch.AccountState{Circuit: dispatch.Circuit(s.Kind), Cause: job.Code(s.Cause), Words: s.Words, Until: s.Until, Itself: s.Itself,
		Failures: s.Failures, Generation: s.Generation}
}
