package observe

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// told is a health that says what it is told to.
type told struct {
	state dispatch.AccountState
	err   error
}

func (h *told) States(_ context.Context, accounts []string) ([]dispatch.AccountState, error) {
	return []dispatch.AccountState{h.state, {}}[:len(accounts)], h.err
}
func (h *told) Report(context.Context, string, dispatch.AccountReport) (dispatch.AccountState, error) {
	return h.state, h.err
}
func (h *told) Probe(context.Context, string, time.Duration) (dispatch.AccountState, string, error) {
	return h.state, "ticket", h.err
}

// Whatever tells how an account stands is shown.
func TestHealth(t *testing.T) {
	m, h := NewMetrics(testConfig()), &told{}
	ports := m.Ports(dispatch.Ports{Health: h})
	is := func(state string) {
		t.Helper()
		m.requireMetrics(t, `gonets_account_state{account="main",state="`+state+`"} 1
gonets_account_state{account="spare",state="closed"} 1`, "gonets_account_state")
	}
	states, err := ports.Health.States(t.Context(), []string{"main", "spare"})
	require.NoError(t, err)
	require.Len(t, states, 2)
	is("closed")
	h.state = dispatch.AccountState{Circuit: dispatch.Paused, Cause: job.Unauthorized, Until: time.Now().Add(time.Hour)}
	_, err = ports.Health.Report(t.Context(), "main", dispatch.AccountReport{})
	require.NoError(t, err)
	is("paused")
	require.True(t, m.States().shut()["main"])
	h.state.Circuit = dispatch.HalfOpen
	_, ticket, err := ports.Health.Probe(t.Context(), "main", time.Second)
	require.NoError(t, err)
	require.Equal(t, "ticket", ticket)
	is("half_open")
	h.state.Circuit = dispatch.Open
	h.err = errors.New("no answer")
	_, err = ports.Health.Report(t.Context(), "main", dispatch.AccountReport{})
	require.Error(t, err)
	is("half_open")
	h.err = nil
	_, _ = ports.Health.States(t.Context(), []string{"main"})
	is("open")
	h.state.Itself, h.state.Until = true, time.Now() // it is over by itself
	_, _ = ports.Health.States(t.Context(), []string{"main"})
	is("closed")
}
