package observe

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// watchedHealth shows how the accounts stand, as every answer about them tells.
type watchedHealth struct {
	dispatch.Health
	states *States
}

// States implements [dispatch.Health].
func (h *watchedHealth) States(ctx context.Context, accounts []string) ([]dispatch.AccountState, error) {
	states, err := h.Health.States(ctx, accounts)
	if err == nil && len(states) == len(accounts) {
		for i, name := range accounts {
			h.set(name, states[i])
		}
	}
	return states, err
}

// Report implements [dispatch.Health].
func (h *watchedHealth) Report(ctx context.Context, account string, r dispatch.AccountReport) (dispatch.AccountState, error) {
	s, err := h.Health.Report(ctx, account, r)
	if err == nil {
		h.set(account, s)
	}
	return s, err
}

// Probe implements [dispatch.Health].
func (h *watchedHealth) Probe(ctx context.Context, account string, hold time.Duration) (dispatch.AccountState, string, error) {
	s, ticket, err := h.Health.Probe(ctx, account, hold)
	if err == nil {
		h.set(account, s)
	}
	return s, ticket, err
}

func (h *watchedHealth) set(account string, s dispatch.AccountState) {
	state, known := map[dispatch.Circuit]string{dispatch.Open: StateOpen, dispatch.HalfOpen: StateHalfOpen, dispatch.Paused: StatePaused}[s.Circuit]
	if !known || s.Itself && !time.Now().Before(s.Until) { // its time is over, and it needs no probe
		h.states.Set(account, StateClosed, "")
		return
	}
	h.states.Set(account, state, s.Cause)
}
