package natsq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
