package natsq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/receipts"
)

// takes runs the stream of receipts; its letters come out of the channel.
func takes(t testing.TB, r *natsq.Receipts) (<-chan receipts.Delivery, func()) {
	out := make(chan receipts.Delivery)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() {
		over <- r.Run(ctx, func(d receipts.Delivery) {
			select {
			case out <- d:
			case <-ctx.Done():
				_ = d.Handle.Nak(0)
			}
		})
	}()
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, receive(t, over))
		}
	}
	t.Cleanup(stop)
	return out, stop
}

func TestReceiptsComeAgainUntilAcknowledged(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	r := natsq.NewReceipts(w.js, w.layout, nil)
	letter := receipts.Letter{Account: "main", ID: "a", Data: []byte(`[1]`)}
	require.NoError(t, r.Put(t.Context(), []receipts.Letter{letter}))
	require.NoError(t, r.Put(t.Context(), []receipts.Letter{letter, {Account: "other", ID: "b", Data: []byte(`[2]`)}}), "a repeat is dropped")
	out, stop := takes(t, r)
	first := receive(t, out)
	require.Equal(t, "main", first.Account)
	require.Equal(t, `[1]`, string(first.Data))
	second := receive(t, out)
	require.Equal(t, "other", second.Account)
	require.NoError(t, second.Handle.Ack())
	require.NoError(t, first.Handle.Nak(time.Millisecond))
	again := receive(t, out)
	require.Equal(t, `[1]`, string(again.Data))
	require.NoError(t, again.Handle.Ack())
	stop()
	w.empty(t, "DISPATCH_RECEIPTS")
}

func TestParkedReceipts(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	r := natsq.NewReceipts(w.js, w.layout, nil)
	ctx := t.Context()
	for i := range 3 {
		require.NoError(t, r.Park(ctx, []receipts.Letter{{Account: "main", ID: fmt.Sprint(i), Data: fmt.Append(nil, i)}}, time.Hour))
	}
	require.NoError(t, r.Park(ctx, []receipts.Letter{{Account: "other", ID: "x", Data: []byte("x")}}, time.Hour))
	require.NoError(t, r.Park(ctx, []receipts.Letter{{Account: "brief", ID: "y", Data: []byte("y")}}, time.Second))
	out, _ := takes(t, r)
	require.NoError(t, r.Unpark(ctx, "main"))
	require.NoError(t, r.Unpark(ctx, "main"), "nothing is left")
	for i := range 3 {
		d := receive(t, out)
		require.Equal(t, fmt.Sprint(i), string(d.Data))
		require.Equal(t, "main", d.Account)
		require.NoError(t, d.Handle.Ack())
	}
	require.Eventually(t, func() bool {
		s, err := w.js.Stream(ctx, "DISPATCH_RECEIPTS")
		require.NoError(t, err)
		return s.CachedInfo().State.Msgs == 1 // that of other: brief's time is over
	}, within, 50*time.Millisecond)
}

// What is stored comes first, then what is published, each once and in order, over a restart of the server; and an empty batch while nothing comes.
func TestFollowStatus(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	o := w.outlet(t)
	publish := func(from, n int, state job.State) {
		var events []dispatch.Event
		for i := range n {
			e := event(from + i)
			e.State = state
			events = append(events, e)
		}
		require.NoError(t, o.Publish(t.Context(), events))
	}
	publish(0, 1500, job.Submitted)
	publish(1500, 10, job.Scheduled)
	f := natsq.Follower{JS: w.js, Layout: w.layout}
	type batch struct {
		jobs []string
		last uint64
	}
	batches := make(chan batch, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		over <- f.Follow(ctx, 501, []job.State{job.Submitted}, func(events []dispatch.Event, last uint64) error {
			b := batch{last: last}
			for _, e := range events {
				b.jobs = append(b.jobs, e.Job)
			}
			batches <- b
			return nil
		})
	}()
	var jobs []string
	var last uint64
	until := func(n int) {
		for len(jobs) < n {
			b := receive(t, batches)
			jobs, last = append(jobs, b.jobs...), b.last
		}
	}
	until(1000)
	require.Equal(t, event(500).Job, jobs[0])
	require.EqualValues(t, 1500, last)
	for b := receive(t, batches); len(b.jobs) > 0; b = receive(t, batches) {
	}
	publish(1510, 5, job.Submitted)
	until(1005)
	require.EqualValues(t, 1515, last)
	for i, id := range jobs[:1000] {
		require.Equal(t, event(500+i).Job, id)
	}
	cancel()
	require.ErrorIs(t, receive(t, over), context.Canceled)

	err := f.Follow(t.Context(), 1517, nil, nil)
	require.ErrorIs(t, err, receipts.ErrOtherStream)
	failed := fmt.Errorf("enough")
	require.ErrorIs(t, f.Follow(t.Context(), 1, nil, func([]dispatch.Event, uint64) error { return failed }), failed)
}
