package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// A job whose attempts are used up is in the dead letters with all that is needed to understand and replay it, before its event says so.
func TestDeadLetter(t *testing.T) {
	for name, c := range map[string]struct {
		result providers.Result
		policy OnUnknown
		state  job.State
		reason job.Code
	}{
		"failed":  {refused, "", job.Failed, job.Unavailable},
		"unknown": {silence, Resend, job.Unknown, job.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				newMoody(w, "a", c.result)
				w.policy.Failures = 100
				cfg := testConfig(w, "a")
				cfg.Routes[0].OnUnknown = c.policy
				stop := start(t, cfg, worker{world: w})
				pub := w.publish(job.Urgent, "otp", "shop", sms("j"))
				w.mu.Lock()
				trace := job.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=b"}
				w.messages[0].d.Trace = trace
				w.mu.Unlock()
				time.Sleep(time.Hour)
				require.NoError(t, stop())
				require.Zero(t, w.left())
				require.Equal(t, []job.State{job.Retrying, job.Retrying, c.state}, w.states("j"))
				require.Len(t, w.dead, 1)
				d := w.dead[0]
				e := w.last("j")
				require.Equal(t, c.reason, d.Reason)
				require.Equal(t, c.reason, e.Error.Code)
				require.Equal(t, 3, d.Attempts)
				require.Equal(t, 3, e.Attempt)
				require.Equal(t, "a", d.Account)
				require.Equal(t, c.result.Message, d.Words)
				require.Equal(t, "j", d.JobID)
				require.Equal(t, e.At, d.At)
				require.Equal(t, trace, d.Delivery.Trace)
				require.Equal(t, trace, e.Trace)
				require.Equal(t, pub, d.Delivery.Publication)
				require.Equal(t, job.Address{Lane: job.Urgent, Route: "otp", Tenant: "shop"}, d.Delivery.Address)
				require.JSONEq(t, sms("j"), string(d.Delivery.Data))
				for i, e := range w.events {
					require.Equal(t, i+1, e.Attempt)
					require.Equal(t, e.State == job.Retrying, !e.RetryAt.IsZero())
				}
			})
		})
	}
}
