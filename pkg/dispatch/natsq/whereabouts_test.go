package natsq_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// left is the event that left a job unfinished: at its n-th stay in LATER, or in its job stream.
func left(d dispatch.Delivery, id string, hop int) *dispatch.Event {
	return &dispatch.Event{
		Event:       job.Event{Job: id, Tenant: d.Address.Tenant, Route: d.Address.Route, Lane: d.Address.Lane},
		Publication: d.Publication, Epoch: d.Epoch, Hop: hop,
	}
}

func TestWhereabouts(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	holds := func(e *dispatch.Event) bool {
		t.Helper()
		found, err := natsq.NewWhereabouts(w.js, w.layout).Holds(t.Context(), e)
		require.NoError(t, err)
		return found
	}
	w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", `{"id":"a"}`))
	out, stop := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	d := receive(t, out)
	require.True(t, holds(left(d, "a", 0)), "where it was published")
	stranger := left(d, "b", 0)
	stranger.Tenant = "other"
	require.False(t, holds(stranger), "another job has that place")

	far := dispatch.Held{Delivery: d, JobID: "a", Hop: 1, Due: time.Now().Add(time.Hour)}
	require.NoError(t, w.outlet(t).Hold(t.Context(), []dispatch.Held{far}))
	require.NoError(t, d.Handle.Ack())
	w.empty(t, "DISPATCH_JOBS_URGENT")
	require.True(t, holds(left(d, "a", 1)), "held in LATER")
	require.False(t, holds(left(d, "a", 2)))

	require.NoError(t, w.outlet(t).Hold(t.Context(), []dispatch.Held{{Delivery: d, JobID: "a", Hop: 2, Due: time.Now()}}))
	back := receive(t, out)
	require.Equal(t, 2, back.Hop)
	require.True(t, holds(left(d, "a", 2)), "due, and in a worker's hands")
	require.NoError(t, back.Handle.Ack())
	require.Eventually(t, func() bool { return !holds(left(d, "a", 2)) }, within, 20*time.Millisecond)
	stop()

	odd := left(d, "a", 2)
	for _, publication := range []string{"", "DISPATCH_JOBS_URGENT", "DISPATCH_STATUS:1", "DISPATCH_JOBS_URGENT:0", "DISPATCH_JOBS_URGENT:18446744073709551615"} {
		odd.Publication = publication
		require.False(t, holds(odd), publication)
	}
}
