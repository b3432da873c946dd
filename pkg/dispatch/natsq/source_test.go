package natsq_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

var forged = nats.Header{
	"Gonets-Publication": {"DISPATCH_JOBS_URGENT:1"}, "Gonets-Hop": {"7"}, "Gonets-Epoch": {"9"},
	"Gonets-Stored": {"2001-01-01T00:00:00Z"}, "Gonets-Hash": {"x"},
	"traceparent": {"00-a-b-01"}, "Tracestate": {"k=v"},
}

func TestDelivery(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	before := time.Now().Add(-time.Second)
	w.publish(t, jobMsg("dispatch.jobs.urgent.otp.first", `{"id":"a"}`))
	m := jobMsg("dispatch.jobs.urgent.otp.shop", `{"id":"b"}`)
	m.Header = forged
	w.publish(t, m)
	c, err := w.js.Consumer(t.Context(), "DISPATCH_JOBS_URGENT", "otp")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // the server counts for a consumer after it has acknowledged a publication
		info, err := c.Info(t.Context())
		return err == nil && info.NumPending == 2
	}, within, 10*time.Millisecond)
	out, stop := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	d := receive(t, out)
	require.EqualValues(t, 1, d.Pending)
	require.NoError(t, d.Handle.Ack())
	d = receive(t, out)
	require.Equal(t, job.Address{Lane: job.Urgent, Route: "otp", Tenant: "shop"}, d.Address)
	require.Equal(t, "DISPATCH_JOBS_URGENT:2", d.Publication, "a producer's headers of ours are not believed")
	require.Zero(t, d.Hop)
	require.Zero(t, d.Epoch)
	require.True(t, d.Stored.After(before))
	require.Equal(t, job.Trace{Parent: "00-a-b-01", State: "k=v"}, d.Trace)
	require.JSONEq(t, `{"id":"b"}`, string(d.Data))
	require.False(t, d.Redelivered)

	require.NoError(t, d.Handle.Nak(0))
	d = receive(t, out)
	require.True(t, d.Redelivered)
	require.Equal(t, "DISPATCH_JOBS_URGENT:2", d.Publication)
	require.NoError(t, d.Handle.Nak(50*time.Millisecond))
	d = receive(t, out)
	require.NoError(t, d.Handle.InProgress())
	require.NoError(t, d.Handle.Ack())
	w.empty(t, "DISPATCH_JOBS_URGENT")
	stop()
}

// A handle that blocks holds back the server, and what isn't handled at the end is given back at once.
func TestBackpressureAndGivingBack(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	for i := range 40 {
		w.publish(t, jobMsg("dispatch.jobs.bulk.otp.shop", fmt.Sprint(i)))
	}
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	var now, most atomic.Int32
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Go(func() {
		_ = natsq.NewSource(w.js, w.layout, job.Bulk, "otp", natsq.SourceOptions{Messages: 8}).Run(ctx, func(d dispatch.Delivery) {
			most.Store(max(most.Load(), now.Add(1)))
			entered <- struct{}{}
			<-release
			now.Add(-1)
			_ = d.Handle.Ack()
		})
	})
	receive(t, entered)
	c, err := w.js.Consumer(t.Context(), "DISPATCH_JOBS_BULK", "otp")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := c.Info(t.Context())
		return err == nil && info.NumAckPending == 8
	}, within, 10*time.Millisecond)
	cancel()
	close(release)
	over.Wait()
	require.EqualValues(t, 1, most.Load(), "one at a time")

	out, _ := w.source(t, job.Bulk, "otp", natsq.SourceOptions{})
	again := 0
	for range 39 {
		d := receive(t, out)
		if d.Redelivered {
			again++
		}
		require.NoError(t, d.Handle.Ack())
	}
	require.Equal(t, 7, again)
	w.empty(t, "DISPATCH_JOBS_BULK")
}

// What waits behind a blocked handle goes to another worker before the server loses patience.
func TestBlockedWorkerGivesBack(t *testing.T) {
	l := layoutOf("otp")
	l.AckWait = 2 * time.Second
	w := newWorld(t, l)
	for i := range 6 {
		w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", fmt.Sprint(i)))
	}
	entered, release := make(chan dispatch.Delivery, 100), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Go(func() {
		_ = natsq.NewSource(w.js, w.layout, job.Urgent, "otp", natsq.SourceOptions{Messages: 6}).Run(ctx, func(d dispatch.Delivery) {
			entered <- d
			select {
			case <-release:
			case <-ctx.Done():
			}
		})
	})
	blocked := receive(t, entered)
	beats := time.NewTicker(200 * time.Millisecond)
	defer beats.Stop()
	out, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	got := map[string]bool{}
	for deadline := time.After(within); len(got) < 5; {
		select {
		case d := <-out:
			require.NotEqual(t, blocked.Publication, d.Publication)
			got[d.Publication] = true
			require.NoError(t, d.Handle.Ack())
		case <-beats.C:
			require.NoError(t, blocked.Handle.InProgress())
		case <-deadline:
			require.FailNow(t, "they stay with the blocked worker")
		}
	}
	require.NoError(t, blocked.Handle.Ack())
	cancel()
	close(release)
	over.Wait()
	w.empty(t, "DISPATCH_JOBS_URGENT")
}

// What no worker could handle stays where it is, over the ack wait, and isn't delivered a second time.
func TestBlockedWorkerKeeps(t *testing.T) {
	l := layoutOf("otp")
	l.AckWait = 2 * time.Second
	w := newWorld(t, l)
	for i := range 6 {
		w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", fmt.Sprint(i)))
	}
	entered, release := make(chan dispatch.Delivery, 100), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Go(func() {
		keep := func() bool { return true }
		_ = natsq.NewSource(w.js, w.layout, job.Urgent, "otp", natsq.SourceOptions{Messages: 6, Keep: keep}).Run(ctx, func(d dispatch.Delivery) {
			entered <- d
			select {
			case <-release:
			case <-ctx.Done():
			}
		})
	})
	first := receive(t, entered)
	out, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	beats := time.NewTicker(200 * time.Millisecond)
	defer beats.Stop()
	for long := time.After(5 * time.Second); ; { // the server's patience, more than twice
		select {
		case d := <-out:
			require.FailNow(t, "delivered again", "%s", d.Publication)
		case <-beats.C:
			require.NoError(t, first.Handle.InProgress())
			continue
		case <-long:
		}
		break
	}
	close(release)
	require.NoError(t, first.Handle.Ack())
	for range 5 {
		d := receive(t, entered)
		require.False(t, d.Redelivered)
		require.NoError(t, d.Handle.Ack())
	}
	cancel()
	over.Wait()
	w.empty(t, "DISPATCH_JOBS_URGENT")
}

// Who handles a job counts the ack wait from then on; so the server must do so, too, where the job waited for its turn.
func TestWhatWaitedIsInProgress(t *testing.T) {
	l := layoutOf("otp")
	l.AckWait = 2 * time.Second
	w := newWorld(t, l)
	signs := make(chan *nats.Msg, 100)
	_, err := w.nc.ChanSubscribe("$JS.ACK.>", signs)
	require.NoError(t, err)
	prompt := w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", "prompt"))
	waits := w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", "waits"))
	ctx, cancel := context.WithCancel(t.Context())
	var over sync.WaitGroup
	over.Go(func() {
		_ = natsq.NewSource(w.js, w.layout, job.Urgent, "otp", natsq.SourceOptions{Messages: 2}).Run(ctx, func(d dispatch.Delivery) {
			if d.Place.Sequence == prompt.Sequence {
				<-time.After(400 * time.Millisecond) // what the other one waits
			}
			_ = d.Handle.Ack()
		})
	})
	for _, want := range []string{fmt.Sprint(prompt.Sequence, "+ACK"), fmt.Sprint(waits.Sequence, "+WPI"), fmt.Sprint(waits.Sequence, "+ACK")} {
		sign := receive(t, signs)
		require.Equal(t, want, strings.Split(sign.Subject, ".")[5]+string(sign.Data))
	}
	cancel()
	over.Wait()
}

func TestRestartInMidConsume(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	const n = 200
	for i := range n {
		w.publish(t, jobMsg("dispatch.jobs.normal.otp.shop", fmt.Sprint(i)))
	}
	out, _ := w.source(t, job.Normal, "otp", natsq.SourceOptions{Messages: 16})
	seen := map[string]bool{}
	for len(seen) < n {
		d := receive(t, out)
		if len(seen) == 50 || len(seen) == 120 {
			w.server.Restart()
		}
		seen[string(d.Data)] = true
		require.NoError(t, d.Handle.Ack())
	}
	require.Eventually(t, func() bool {
		for {
			select {
			case d := <-out: // acks that were lost with the server
				_ = d.Handle.Ack()
				continue
			default:
			}
			break
		}
		s, err := w.js.Stream(t.Context(), "DISPATCH_JOBS_NORMAL")
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, 2*within, 50*time.Millisecond)
}

func TestConsumerGoneAndBack(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	faults := make(chan error, 100)
	out, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{Failed: func(err error) {
		select {
		case faults <- err:
		default:
		}
	}})
	w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", `1`))
	d := receive(t, out)
	require.NoError(t, d.Handle.Ack())
	w.empty(t, "DISPATCH_JOBS_URGENT")
	require.NoError(t, w.js.DeleteConsumer(t.Context(), "DISPATCH_JOBS_URGENT", "otp"))
	require.Error(t, receive(t, faults))
	w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", `2`))
	_, err := natsq.Provision(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	d = receive(t, out)
	require.Equal(t, `2`, string(d.Data))
	require.NoError(t, d.Handle.Ack())

	// Before anything was provisioned it waits, too.
	early, _ := (&world{nc: w.nc, js: w.js, layout: layoutOf("otp", "soon")}).source(t, job.Bulk, "soon", natsq.SourceOptions{})
	_, err = natsq.Provision(t.Context(), w.js, layoutOf("otp", "soon"))
	require.NoError(t, err)
	w.publish(t, jobMsg("dispatch.jobs.bulk.soon.shop", `3`))
	d = receive(t, early)
	require.NoError(t, d.Handle.Ack())
}

func TestClosedConnectionEndsTheSource(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	nc, js := w.server.Connect(t)
	over := make(chan error, 1)
	go func() {
		over <- natsq.NewSource(js, w.layout, job.Urgent, "otp", natsq.SourceOptions{}).Run(context.Background(), func(dispatch.Delivery) {})
	}()
	nc.Close()
	require.ErrorIs(t, receive(t, over), nats.ErrConnectionClosed)
}

// Two workers share a route; each job is handled once, and none stays.
func TestTwoWorkers(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	one, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{Messages: 4})
	two, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{Messages: 4})
	const n = 300
	go func() {
		for i := range n {
			_ = w.nc.Publish("dispatch.jobs.urgent.otp.shop", []byte(fmt.Sprint(i)))
		}
	}()
	seen := map[string]bool{}
	for len(seen) < n {
		var d dispatch.Delivery
		select {
		case d = <-one:
		case d = <-two:
		case <-time.After(within):
			require.FailNow(t, "nothing came")
		}
		require.False(t, seen[string(d.Data)])
		seen[string(d.Data)] = true
		require.NoError(t, d.Handle.Ack())
	}
	w.empty(t, "DISPATCH_JOBS_URGENT")
}
