package main

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

// house is a NATS server with gonets' streams for the routes otp and news.
type house struct {
	*natstest.Server
	js jetstream.JetStream
}

func layout() natsq.Layout {
	return natsq.Layout{
		Prefix: "dispatch", Routes: []string{"otp", "news"}, Replicas: 1, JobsMaxBytes: 1 << 30,
		StatusAge: time.Hour, DeadAge: time.Hour, AckWait: time.Minute,
	}
}

func newHouse(t testing.TB, options ...natstest.Option) *house {
	t.Helper()
	server := natstest.Start(t, options...)
	_, js := server.Connect(t)
	_, err := natsq.Provision(t.Context(), js, layout())
	require.NoError(t, err)
	return &house{server, js}
}

// tell publishes events as a worker does.
func (h *house) tell(ctx context.Context, events ...job.Event) error {
	for _, ev := range events {
		data, err := ev.Encode()
		if err != nil {
			return err
		}
		if _, err := h.js.PublishMsg(ctx, &nats.Msg{Subject: ev.Subject("dispatch"), Header: ev.Headers(job.Trace{}), Data: data}); err != nil {
			return err
		}
	}
	return nil
}

// work takes one job after the other off a lane and route until the test ends, and publishes what happens makes of each.
func (h *house) work(t *testing.T, lane job.Lane, route string, happens func(j *job.Job, ev job.Event) []job.Event) {
	t.Helper()
	consumer, err := h.js.Consumer(t.Context(), layout().JobStream(lane), route)
	require.NoError(t, err)
	running, err := consumer.Consume(func(m jetstream.Msg) {
		to, err := job.ParseJobSubject("dispatch", m.Subject())
		if err != nil {
			t.Errorf("subject: %v", err)
			return
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Errorf("metadata: %v", err)
			return
		}
		j, err := job.Decode(m.Data(), "")
		if err != nil {
			t.Errorf("job: %v", err)
			return
		}
		ack := &jetstream.PubAck{Stream: meta.Stream, Sequence: meta.Sequence.Stream}
		ev := job.Event{
			Job: j.ID, Tenant: to.Tenant, Route: to.Route, Lane: to.Lane, Channel: j.Channel, At: time.Now(),
			Publication: publication(ack), Metadata: j.Metadata,
		}
		if err := h.tell(context.Background(), happens(j, ev)...); err != nil {
			t.Errorf("event: %v", err)
		}
		if err := m.Ack(); err != nil {
			t.Errorf("ack: %v", err)
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		running.Stop()
		<-running.Closed()
	})
}

// step makes the n-th event of a job.
func step(ev job.Event, n int, state job.State, final bool) job.Event {
	ev.Sequence, ev.State, ev.Final, ev.Publication = n, state, final, ""
	ev.At = ev.At.Add(time.Duration(n) * time.Millisecond)
	if state == job.Submitted || state == job.Delivered {
		ev.Account, ev.Provider, ev.ProviderID = "prostor-main", "prostor", "2592608030"
	}
	return ev
}

// delivers is a worker whose messages arrive.
func delivers(_ *job.Job, ev job.Event) []job.Event {
	return []job.Event{step(ev, 1, job.Submitted, false), step(ev, 2, job.Delivered, true)}
}

// aside makes an event of a publication that never became a job.
func aside(ev job.Event, state job.State, final bool, code job.Code) job.Event {
	ev.State, ev.Final = state, final
	if code != "" {
		ev.Error = &job.Reason{Code: code}
	}
	return ev
}

// stored gives the messages of a stream.
func (h *house) stored(t *testing.T, stream string) []*jetstream.RawStreamMsg {
	t.Helper()
	s, err := h.js.Stream(t.Context(), stream)
	require.NoError(t, err)
	state := s.CachedInfo().State
	var all []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}
