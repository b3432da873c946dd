package natsq_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within is how long anything may take that must happen.
const within = 30 * time.Second

func layoutOf(routes ...string) natsq.Layout {
	return natsq.Layout{
		Prefix: "dispatch", Routes: routes, Replicas: 1, JobsMaxBytes: 64 << 20,
		StatusAge: 7 * 24 * time.Hour, DeadAge: 30 * 24 * time.Hour, AckWait: 30 * time.Second,
	}
}

// world is a server with the streams of a layout.
type world struct {
	server *natstest.Server
	layout natsq.Layout
	nc     *nats.Conn
	js     jetstream.JetStream
}

func newWorld(t testing.TB, l natsq.Layout) *world {
	t.Helper()
	w := &world{server: natstest.Start(t), layout: l}
	w.nc, w.js = w.server.Connect(t)
	_, err := natsq.Provision(t.Context(), w.js, l)
	require.NoError(t, err)
	return w
}

func (w *world) outlet(t testing.TB) *natsq.Outlet {
	t.Helper()
	o, err := natsq.NewOutlet(w.nc, w.layout.Prefix)
	require.NoError(t, err)
	return o
}

// publish stores a message and returns its publication.
func (w *world) publish(t testing.TB, m *nats.Msg) *jetstream.PubAck {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ack, err := w.js.PublishMsg(ctx, m)
	require.NoError(t, err)
	return ack
}

func jobMsg(subject, body string) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
}

// source runs one; its deliveries come out of the channel. stop ends it and waits.
func (w *world) source(t testing.TB, lane job.Lane, route string, o natsq.SourceOptions) (<-chan dispatch.Delivery, func()) {
	t.Helper()
	out := make(chan dispatch.Delivery)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() {
		over <- natsq.NewSource(w.js, w.layout, lane, route, o).Run(ctx, func(d dispatch.Delivery) {
			select {
			case out <- d:
			case <-ctx.Done():
				_ = d.Handle.Nak(0)
			}
		})
	}()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-over:
			require.NoError(t, err)
		case <-time.After(within):
			require.FailNow(t, "the source does not stop")
		}
	}
	t.Cleanup(stop)
	return out, stop
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(within):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

// empty waits until the stream holds nothing, as acks are stored on the way.
func (w *world) empty(t testing.TB, stream string) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s, err := w.js.Stream(ctx, stream)
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, within, 20*time.Millisecond, "%s is not empty", stream)
}
