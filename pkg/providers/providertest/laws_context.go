package providertest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

func checkCancelledBefore(t T, s Subject) {
	st := s.stand(t, patience)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	msgs := s.batch(0, 2)
	results := st.send(ctx, msgs)
	for _, r := range results {
		require.NotEqual(t, providers.Submitted, r.Outcome)
	}
	st.checkLedger(msgs, results)
	require.Zero(t, st.Messages(), "a request was made after its context ended")
}

func checkCancelledWithin(t T, s Subject) {
	st := s.stand(t, patience)
	st.Break(sim.Hang, -1)
	ctx, cancel := context.WithCancel(t.Context())
	_, arrived := st.Arrived()
	go func() {
		<-arrived
		cancel()
	}()
	msgs := s.batch(0, 2)
	results := st.send(ctx, msgs)
	cancel()
	for _, r := range results {
		require.Equal(t, providers.Ambiguous, r.Outcome, r.Message)
	}
	st.checkLedger(msgs, results)
}

func checkDeadline(t T, s Subject) {
	st := s.stand(t, 10*patience)
	st.Break(sim.Hang, -1)
	ctx, cancel := context.WithTimeout(t.Context(), impatient)
	defer cancel()
	st.givesUp(ctx)
}

func checkTimeout(t T, s Subject) {
	st := s.stand(t, impatient)
	st.Break(sim.Hang, -1)
	st.givesUp(t.Context())
}

// givesUp sends to a simulator that hangs. On a slow machine the time may be up before anything was sent, so all that is
// asked is that the results are true.
func (st *stand) givesUp(ctx context.Context) {
	st.t.Helper()
	msgs := st.subject.batch(0, 2)
	results := st.send(ctx, msgs)
	for _, r := range results {
		require.Contains(st.t, []providers.Outcome{providers.Ambiguous, providers.Unavailable}, r.Outcome)
	}
	st.checkLedger(msgs, results)
}
