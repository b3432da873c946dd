package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// breakAfter sets the breakers of the house's accounts.
func (h *house) breakAfter(failures int, open time.Duration) {
	text, err := os.ReadFile(h.config)
	require.NoError(h.t, err)
	set := strings.ReplaceAll(string(text), "sender: MyShop", fmt.Sprintf("sender: MyShop, breaker: {failures: %d, open: %s}", failures, open))
	require.NoError(h.t, os.WriteFile(h.config, []byte(set), 0o600))
}

// Two workers: the first account dies, jobs leave through the second; both die, jobs wait and burn nothing, whatever their number of attempts; one comes
// back, they go.
func TestAccountsDieAndReturn(t *testing.T) {
	h := newHouse(t)
	h.breakAfter(2, 500*time.Millisecond)
	h.t.Setenv("GONETS_HTTP_LISTEN", "127.0.0.1:0") // of each worker its own
	h.run()
	h.run()
	h.awaitStreams("otp")

	h.prostor.Break(sim.Refused, 0)
	for i := range 30 {
		id := fmt.Sprint("second", i)
		h.publish("dispatch.jobs.urgent.otp.shop", fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+79612242243","text":"t"}`, id))
		_, e := h.next(id)
		require.Equal(t, job.Submitted, e.State)
		require.Equal(t, "mysmpp-main", e.Account)
		require.Equal(t, 1, e.Attempt)
	}

	h.mysmpp.Break(sim.Refused, 0)
	const jobs = 300
	for i := range jobs {
		h.publish("dispatch.jobs.normal.otp.shop", fmt.Sprintf(`{"id":"wait%d","channel":"sms","to":"+7961%07d","text":"t"}`, i, i))
	}
	time.Sleep(3 * time.Second) // an outage in which 3 attempts, at most 50 ms apart, would all be used up
	h.prostor.Break(sim.None, 0)
	submitted, burnt := 0, 0
	for timeout := time.After(time.Minute); submitted < jobs; {
		select {
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(t, err)
			switch e.State {
			case job.Submitted:
				submitted++
				require.Equal(t, "prostor-main", e.Account)
				if e.Attempt > 1 {
					burnt++
				}
			case job.Waiting:
				require.Equal(t, job.Unavailable, e.Error.Code)
			default:
				require.Equal(t, job.Retrying, e.State)
			}
		case <-timeout:
			require.FailNow(t, "jobs are missing", "%d of %d", submitted, jobs)
		}
	}
	require.Less(t, burnt, jobs, "only what was sent before the second breaker opened")
	t.Logf("%d of %d burnt an attempt", burnt, jobs)
	h.empty()
}
