package natsq_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// read returns the jobs of the events of a part, in their order.
func (w *world) read(t testing.TB, part natsq.Excerpt) (jobs []string, last uint64) {
	t.Helper()
	before := ^uint64(0)
	last, err := natsq.ReadStatus(t.Context(), w.js, w.layout, part, func(events []dispatch.Event, left uint64) error {
		require.Less(t, left, before)
		before = left
		for _, e := range events {
			jobs = append(jobs, e.Job)
		}
		return nil
	})
	require.NoError(t, err)
	if len(jobs) > 0 {
		require.Zero(t, before, "the last batch is told to be")
	}
	return jobs, last
}

func TestReadStatus(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	jobs, last := w.read(t, natsq.Excerpt{})
	require.Empty(t, jobs)
	require.Zero(t, last)

	o := w.outlet(t)
	var want []string
	for from := 0; from < 2500; from += 500 { // more than one batch
		var events []dispatch.Event
		for i := range 500 {
			e := event(from + i)
			if i%250 == 0 {
				e.State = job.Scheduled
			}
			events = append(events, e)
			want = append(want, e.Job)
		}
		require.NoError(t, o.Publish(t.Context(), events))
	}
	w.publish(t, jobMsg("dispatch.status.shop.otp.submitted", `{`)) // it must not stop the reading
	jobs, last = w.read(t, natsq.Excerpt{})
	require.Equal(t, want, jobs)
	require.EqualValues(t, 2501, last)
	jobs, _ = w.read(t, natsq.Excerpt{Since: time.Now().Add(-time.Hour)})
	require.Equal(t, want, jobs)
	jobs, last = w.read(t, natsq.Excerpt{Since: time.Now().Add(time.Hour)})
	require.Empty(t, jobs)
	require.Zero(t, last)
	jobs, _ = w.read(t, natsq.Excerpt{States: []job.State{job.Scheduled}})
	require.Len(t, jobs, 10)
	require.Equal(t, "ord-250", jobs[1])
	jobs, last = w.read(t, natsq.Excerpt{After: 2499})
	require.Equal(t, want[2499:], jobs)
	require.EqualValues(t, 2501, last)
	jobs, last = w.read(t, natsq.Excerpt{After: 2501})
	require.Empty(t, jobs)
	require.EqualValues(t, 2501, last)

	enough := errors.New("enough")
	_, err := natsq.ReadStatus(t.Context(), w.js, w.layout, natsq.Excerpt{}, func([]dispatch.Event, uint64) error { return enough })
	require.Equal(t, enough, err)
	s, err := w.js.Stream(t.Context(), "DISPATCH_STATUS")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := s.Info(t.Context())
		return err == nil && info.State.Consumers == 0
	}, within, 20*time.Millisecond, "no consumer is left behind")

	require.NoError(t, w.js.DeleteStream(t.Context(), "DISPATCH_STATUS"))
	_, err = natsq.ReadStatus(t.Context(), w.js, w.layout, natsq.Excerpt{}, nil)
	require.ErrorContains(t, err, "DISPATCH_STATUS")
}

// What is read goes on where the server was restarted meanwhile.
func TestReadStatusOverRestart(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	const n = 10_000 // more than are read ahead
	var events []dispatch.Event
	for i := range n {
		events = append(events, event(i))
	}
	require.NoError(t, w.outlet(t).Publish(t.Context(), events))
	restarted := false
	next := 0
	_, err := natsq.ReadStatus(t.Context(), w.js, w.layout, natsq.Excerpt{}, func(events []dispatch.Event, _ uint64) error {
		for _, e := range events {
			require.Equal(t, fmt.Sprint("ord-", next), e.Job)
			next++
		}
		if !restarted {
			restarted = true
			w.server.Restart()
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, n, next)
}

// What a job's record can be rebuilt from is in the headers of its events.
func TestEventTellsTheRecord(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	e := event(1)
	e.State, e.At, e.Hop, e.Attempts, e.Maybe = job.Retrying, time.UnixMilli(1_790_000_000_123).UTC(), 3, 2, "prostor-main"
	e.Due, e.Told = time.Unix(1_790_000_001, 123456789).UTC(), []string{"throttled@a", "insufficient_funds@b"}
	require.NoError(t, w.outlet(t).Publish(t.Context(), []dispatch.Event{e}))
	m := w.last(t, "DISPATCH_STATUS", "dispatch.status.>")
	back, err := natsq.DecodeStatus(m.Header, m.Data)
	require.NoError(t, err)
	require.Equal(t, e, back)
}

func TestDelivered(t *testing.T) {
	w := newWorld(t, layoutOf("otp", "promo"))
	got, err := natsq.Delivered(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.Len(t, got, 12)
	for queue, n := range got {
		require.Zero(t, n, queue)
	}
	out, stop := w.source(t, job.Bulk, "otp", natsq.SourceOptions{Messages: 1})
	for range 5 {
		w.publish(t, jobMsg("dispatch.jobs.bulk.otp.shop", `{}`))
	}
	d := receive(t, out)
	require.Equal(t, dispatch.Place{Queue: "DISPATCH_JOBS_BULK.otp", Sequence: 1}, d.Place)
	require.NoError(t, d.Handle.Nak(0))
	for !d.Redelivered {
		if d = receive(t, out); !d.Redelivered {
			require.NoError(t, d.Handle.Nak(0))
		}
	}
	stop()
	got, err = natsq.Delivered(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.LessOrEqual(t, d.Place.Sequence, got[d.Place.Queue])
	delete(got, d.Place.Queue)
	for queue, n := range got {
		require.Zero(t, n, queue)
	}

	require.NoError(t, w.outlet(t).Hold(t.Context(), []dispatch.Held{held("a", 1, time.Now())}))
	later, stopLater := w.source(t, job.Bulk, "otp", natsq.SourceOptions{})
	for seen := map[dispatch.Place]bool{d.Place: true}; len(seen) < 6; { // the five jobs and that one, in whatever order
		each := receive(t, later)
		seen[each.Place] = true
		if each.Hop == 1 {
			d = each
		}
	}
	require.Equal(t, dispatch.Place{Queue: "DISPATCH_LATER.bulk-otp", Sequence: 1}, d.Place, "of LATER, not of its publication")
	stopLater()

	// What was handed over and isn't done with can be read; what wasn't, or is, is not.
	got, err = natsq.Delivered(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.NoError(t, w.outlet(t).Hold(t.Context(), []dispatch.Held{held("b", 2, time.Now()), held("far", 1, time.Now().Add(time.Hour))}))
	w.publish(t, jobMsg("dispatch.jobs.bulk.otp.shop", `{}`))
	var places []dispatch.Place
	require.NoError(t, natsq.UnderWay(t.Context(), w.js, w.layout, got, func(under dispatch.Delivery) error {
		places = append(places, under.Place)
		if under.Place == d.Place {
			under.Handle, under.Redelivered, under.Pending = d.Handle, d.Redelivered, d.Pending
			require.Equal(t, d, under)
		}
		return nil
	}))
	require.Equal(t, []dispatch.Place{{Queue: "DISPATCH_JOBS_BULK.otp", Sequence: 1}, {Queue: "DISPATCH_JOBS_BULK.otp", Sequence: 2}, {Queue: "DISPATCH_JOBS_BULK.otp", Sequence: 3},
		{Queue: "DISPATCH_JOBS_BULK.otp", Sequence: 4}, {Queue: "DISPATCH_JOBS_BULK.otp", Sequence: 5}, d.Place}, places)
	enough := errors.New("enough")
	require.Equal(t, enough, natsq.UnderWay(t.Context(), w.js, w.layout, got, func(dispatch.Delivery) error { return enough }))

	require.NoError(t, w.js.DeleteConsumer(t.Context(), "DISPATCH_LATER", "bulk-otp"))
	_, err = natsq.Delivered(t.Context(), w.js, w.layout)
	require.ErrorContains(t, err, "bulk-otp")
}
