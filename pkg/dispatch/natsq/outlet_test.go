package natsq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

func event(i int) dispatch.Event {
	return dispatch.Event{
		Event: job.Event{
			Job: fmt.Sprintf("ord-%d", i), Tenant: "shop", Route: "otp", Lane: job.Urgent, Channel: job.SMS, State: job.Submitted, Sequence: 9,
			At: time.Now(), Attempt: 1, Account: "prostor-main", Provider: "prostor", ProviderID: "2592608030", Segments: 1, Cost: "2.35", Currency: "RUB",
		},
		Trace: job.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		Hash:  "0123456789abcdef", Publication: fmt.Sprintf("DISPATCH_JOBS_URGENT:%d", i+1), Epoch: 2,
	}
}

func (w *world) stored(t testing.TB, stream string) uint64 {
	t.Helper()
	s, err := w.js.Stream(t.Context(), stream)
	require.NoError(t, err)
	return s.CachedInfo().State.Msgs
}

func (w *world) last(t testing.TB, stream, subject string) *jetstream.RawStreamMsg {
	t.Helper()
	s, err := w.js.Stream(t.Context(), stream)
	require.NoError(t, err)
	m, err := s.GetLastMsgForSubject(t.Context(), subject)
	require.NoError(t, err)
	return m
}

func TestPublish(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	o := w.outlet(t)
	var events []dispatch.Event
	for i := range 17_000 { // more than may be unanswered at once
		events = append(events, event(i))
	}
	require.NoError(t, o.Publish(t.Context(), events))
	require.EqualValues(t, 17_000, w.stored(t, "DISPATCH_STATUS"))
	require.NoError(t, o.Publish(t.Context(), events[:100]), "a repeat is no failure")
	require.EqualValues(t, 17_000, w.stored(t, "DISPATCH_STATUS"))

	m := w.last(t, "DISPATCH_STATUS", "dispatch.status.shop.otp.submitted")
	e := events[16_999]
	require.Equal(t, "gonets.message.submitted", m.Header.Get("ce-type"))
	require.Equal(t, e.ID(), m.Header.Get("ce-id"))
	require.Equal(t, e.ID(), m.Header.Get("Nats-Msg-Id"))
	back, err := natsq.DecodeStatus(m.Header, m.Data)
	require.NoError(t, err)
	e.At = e.At.UTC().Truncate(time.Millisecond)
	require.Equal(t, e, back)

	_, err = natsq.DecodeStatus(m.Header, []byte(`{`))
	require.Error(t, err)
	require.NoError(t, o.Publish(t.Context(), nil))
}

func TestPublishFails(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	o := w.outlet(t)
	require.NoError(t, w.js.DeleteStream(t.Context(), "DISPATCH_STATUS"))
	err := o.Publish(t.Context(), []dispatch.Event{event(1), event(2)})
	require.ErrorContains(t, err, "2 of 2 status events not stored")

	bad := event(3)
	bad.At = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = natsq.Provision(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	err = o.Publish(t.Context(), []dispatch.Event{event(1), bad, event(2)})
	require.ErrorContains(t, err, "1 of 3 status events not stored")
	require.EqualValues(t, 2, w.stored(t, "DISPATCH_STATUS"), "one does not harm the others")

	ctx, cancel := context.WithCancel(t.Context())
	w.server.Stop()
	time.AfterFunc(50*time.Millisecond, cancel)
	err = o.Publish(ctx, []dispatch.Event{event(4)})
	require.Error(t, err)
	w.server.Restart()
	require.Eventually(t, func() bool { return o.Publish(t.Context(), []dispatch.Event{event(4)}) == nil }, within, 50*time.Millisecond)
	require.EqualValues(t, 3, w.stored(t, "DISPATCH_STATUS"), "published again, stored once")
}

func held(id string, hop int, due time.Time) dispatch.Held {
	return dispatch.Held{
		Delivery: dispatch.Delivery{
			Address: job.Address{Lane: job.Bulk, Route: "otp", Tenant: "shop"}, Publication: "DISPATCH_JOBS_BULK:42", Epoch: 3,
			Data: []byte(`{"id":"` + id + `"}`), Trace: job.Trace{Parent: "00-a-b-01", State: "k=v"},
			Stored: time.Date(2026, 11, 22, 20, 0, 0, 123456789, time.UTC),
		},
		JobID: id, Hop: hop, Due: due,
	}
}

func TestHold(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	o := w.outlet(t)
	out, _ := w.source(t, job.Bulk, "otp", natsq.SourceOptions{})
	due := map[string]time.Time{}
	var jobs []dispatch.Held
	for i, ahead := range []time.Duration{-time.Hour, 0, time.Millisecond, 100 * time.Millisecond, 777 * time.Millisecond, 1234567 * time.Microsecond, 2 * time.Second} {
		h := held(fmt.Sprintf("ord:%d.x", i), i+1, time.Now().Add(ahead))
		due[h.JobID] = h.Due
		jobs = append(jobs, h)
	}
	far := held("far", 1, time.Now().Add(24*time.Hour))
	require.NoError(t, o.Hold(t.Context(), append(jobs, far)))
	require.NoError(t, o.Hold(t.Context(), append(jobs, far)), "a repeat")
	for range jobs {
		d := receive(t, out)
		var id string
		for _, h := range jobs {
			if string(h.Delivery.Data) == string(d.Data) {
				id = h.JobID
				require.Equal(t, h.Hop, d.Hop)
			}
		}
		require.Contains(t, due, id, "each once")
		require.False(t, time.Now().Before(due[id]), "never early")
		t.Logf("%s: %v late", id, time.Since(due[id]))
		delete(due, id)
		require.Equal(t, "DISPATCH_JOBS_BULK:42", d.Publication)
		require.Equal(t, 3, d.Epoch)
		require.Equal(t, job.Trace{Parent: "00-a-b-01", State: "k=v"}, d.Trace)
		require.True(t, d.Stored.Equal(jobs[0].Delivery.Stored))
		require.Equal(t, job.Address{Lane: job.Bulk, Route: "otp", Tenant: "shop"}, d.Address)
		require.False(t, d.Redelivered)
		require.NoError(t, d.Handle.Ack())
	}
	require.Eventually(t, func() bool { return w.stored(t, "DISPATCH_LATER") == 1 }, within, 20*time.Millisecond, "only the far one is left")

	wrong := held("never", 1, time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC))
	require.ErrorContains(t, o.Hold(t.Context(), []dispatch.Held{wrong}), "1 of 1 held jobs not stored")
}

// A schedule whose time passes while the server is down fires when it is back.
func TestHoldOverRestart(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	due := time.Now().Add(1500 * time.Millisecond)
	require.NoError(t, w.outlet(t).Hold(t.Context(), []dispatch.Held{held("a", 1, due), held("b", 2, time.Now().Add(time.Hour))}))
	w.server.Stop()
	time.Sleep(time.Until(due)) // nothing can signal that a time has passed
	w.server.Restart()
	out, _ := w.source(t, job.Bulk, "otp", natsq.SourceOptions{})
	d := receive(t, out)
	require.Equal(t, `{"id":"a"}`, string(d.Data))
	require.Equal(t, 1, d.Hop)
	require.NoError(t, d.Handle.Ack())
	require.Eventually(t, func() bool { return w.stored(t, "DISPATCH_LATER") == 1 }, within, 20*time.Millisecond)
}

func TestHoldRepeatedAfterTheWindow(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	o := w.outlet(t)
	due := time.Now().Add(time.Hour)
	require.NoError(t, o.Hold(t.Context(), []dispatch.Held{held("a", 1, due)}))
	w.server.Restart() // the ids are kept, so take another way round the window
	m := w.last(t, "DISPATCH_LATER", "dispatch.later.at.bulk.otp.shop.*")
	m.Header.Del("Nats-Msg-Id")
	w.publish(t, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
	require.EqualValues(t, 1, w.stored(t, "DISPATCH_LATER"), "it replaces the first")
}

func TestBury(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	o := w.outlet(t)
	letter := dispatch.DeadLetter{
		Delivery: held("ord-1", 0, time.Time{}).Delivery, JobID: "ord-1", Reason: job.Unavailable, Attempts: 5, Account: "prostor-main",
		Words: "502 Bad Gateway: недоступен", At: time.Date(2026, 11, 22, 21, 0, 0, 5e6, time.UTC),
	}
	letter.Delivery.Hop = 4
	letter.Delivery.Data = []byte("{ \"id\": \"ord-1\",\n \"x\":1}")
	require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{letter}))
	require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{letter}))
	require.EqualValues(t, 1, w.stored(t, "DISPATCH_DEAD"))
	m := w.last(t, "DISPATCH_DEAD", "dispatch.dead.shop.otp.unavailable")
	back, err := natsq.DecodeDead(m.Subject, m.Header, m.Data)
	require.NoError(t, err)
	require.Equal(t, letter, back)

	// A replay comes in again by way of LATER.
	back.Delivery.Epoch++
	back.Delivery.Hop = 0
	require.NoError(t, o.Hold(t.Context(), []dispatch.Held{{Delivery: back.Delivery, JobID: back.JobID, Due: time.Now()}}))
	out, _ := w.source(t, job.Bulk, "otp", natsq.SourceOptions{})
	d := receive(t, out)
	require.Equal(t, letter.Delivery.Data, d.Data)
	require.Equal(t, letter.Delivery.Epoch+1, d.Epoch)
	require.Zero(t, d.Hop)
	require.Equal(t, letter.Delivery.Publication, d.Publication)
	require.NoError(t, d.Handle.Ack())

	letter.Words, letter.Delivery.Epoch = "line\r\nGonets-Epoch: 77\x00\xff", 4
	require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{letter}))
	m = w.last(t, "DISPATCH_DEAD", "dispatch.dead.>")
	back, err = natsq.DecodeDead(m.Subject, m.Header, m.Data)
	require.NoError(t, err)
	require.Equal(t, "line  Gonets-Epoch: 77", back.Words)
	require.Equal(t, 4, back.Delivery.Epoch)
}

func TestDecodeDeadRefuses(t *testing.T) {
	whole := nats.Header{"Gonets-Lane": {"bulk"}, "Gonets-Route": {"otp"}, "Gonets-Tenant": {"shop"}, "Gonets-Job": {"a"},
		"Gonets-Publication": {"S:1"}, "Gonets-At": {"2026-11-22T21:00:00Z"}}
	_, err := natsq.DecodeDead("dispatch.dead.shop.otp.ambiguous", whole, nil)
	require.NoError(t, err)
	for key := range whole {
		h := nats.Header{}
		for k, v := range whole {
			if k != key {
				h[k] = v
			}
		}
		_, err := natsq.DecodeDead("dispatch.dead.shop.otp.ambiguous", h, nil)
		require.ErrorContains(t, err, "not a dead letter", key)
	}
}

func FuzzDecodeDead(f *testing.F) {
	f.Add("dispatch.dead.shop.otp.ambiguous", "bulk", "otp", "shop", "3", "2026-11-22T21:00:00Z")
	f.Fuzz(func(t *testing.T, subject, lane, route, tenant, number, at string) {
		l, err := natsq.DecodeDead(subject, nats.Header{"Gonets-Lane": {lane}, "Gonets-Route": {route}, "Gonets-Tenant": {tenant}, "Gonets-Job": {"a"},
			"Gonets-Publication": {"S:1"}, "Gonets-At": {at}, "Gonets-Epoch": {number}, "Gonets-Attempts": {number}}, nil)
		if err == nil {
			require.True(t, job.ValidToken(l.Delivery.Address.Tenant))
			require.GreaterOrEqual(t, l.Delivery.Epoch, 0)
		}
	})
}

func BenchmarkPublish200(b *testing.B) {
	w := newWorld(b, layoutOf("otp"))
	o := w.outlet(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		events := make([]dispatch.Event, 200)
		for i := range events {
			events[i] = event(n)
			n++
		}
		if err := o.Publish(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
