package natsq_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// What waits, what is in hand and how old the oldest is, of published jobs and of those that LATER gave back.
func TestBacklogs(t *testing.T) {
	w := newWorld(t, layoutOf("otp", "promo"))
	look := func() []natsq.Backlog {
		all, err := natsq.Backlogs(t.Context(), w.js, w.layout)
		require.NoError(t, err)
		require.Len(t, all, 6)
		return all
	}
	at := func(lane job.Lane, route string) natsq.Backlog {
		for _, b := range look() {
			if b.Lane == lane && b.Route == route {
				return b
			}
		}
		require.FailNow(t, "not there")
		return natsq.Backlog{}
	}
	stored := func(stream string, sequence uint64) time.Time {
		s, err := w.js.Stream(t.Context(), stream)
		require.NoError(t, err)
		m, err := s.GetMsg(t.Context(), sequence)
		require.NoError(t, err)
		return m.Time.UTC()
	}
	for _, b := range look() {
		require.Equal(t, natsq.Backlog{Lane: b.Lane, Route: b.Route}, b)
	}

	w.publish(t, jobMsg("dispatch.jobs.bulk.promo.shop", `{"id":"p"}`))
	for range 3 {
		w.publish(t, jobMsg("dispatch.jobs.bulk.otp.shop", `{"id":"a"}`))
	}
	require.Equal(t, natsq.Backlog{Lane: job.Bulk, Route: "otp", Pending: 3, Oldest: stored("DISPATCH_JOBS_BULK", 2)}, at(job.Bulk, "otp"))
	require.Equal(t, natsq.Backlog{Lane: job.Bulk, Route: "promo", Pending: 1, Oldest: stored("DISPATCH_JOBS_BULK", 1)}, at(job.Bulk, "promo"))
	require.Zero(t, at(job.Urgent, "otp").Pending)

	out, stop := w.source(t, job.Bulk, "otp", natsq.SourceOptions{Messages: 1})
	first, second := receive(t, out), receive(t, out)
	require.EqualValues(t, 2, first.Place.Sequence)
	b := at(job.Bulk, "otp")
	require.EqualValues(t, 3, b.Pending+b.AckPending)
	require.NotZero(t, b.AckPending)
	require.NoError(t, first.Handle.Ack())
	require.NoError(t, w.nc.Flush())
	next := stored("DISPATCH_JOBS_BULK", 3)
	require.Eventually(t, func() bool { return at(job.Bulk, "otp").Oldest.Equal(next) }, within, 10*time.Millisecond, "what is done with is forgotten")

	// A job that LATER holds doesn't wait until it is due.
	o := w.outlet(t)
	require.NoError(t, o.Hold(t.Context(), []dispatch.Held{{Delivery: second, JobID: "later", Hop: 1, Due: time.Now().Add(time.Hour)}}))
	require.NoError(t, second.Handle.Ack())
	require.NoError(t, receive(t, out).Handle.Ack())
	stop()
	require.Eventually(t, func() bool { return at(job.Bulk, "otp") == natsq.Backlog{Lane: job.Bulk, Route: "otp"} }, within, 10*time.Millisecond)
	require.NoError(t, o.Hold(t.Context(), []dispatch.Held{{Delivery: second, JobID: "now", Hop: 1, Due: time.Now()}}))
	require.EqualValues(t, 1, at(job.Bulk, "otp").Pending)
	require.False(t, at(job.Bulk, "otp").Oldest.IsZero())
}
