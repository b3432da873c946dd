// Package nats has no code: its tests start the server's configuration and try what each identity can and cannot do.
package nats

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/deploy/nats/conftest"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

const within = 30 * time.Second

// world is the server with streams that the operator made.
type world struct {
	*conftest.Server
	operator jetstream.JetStream
}

func newWorld(t *testing.T) *world {
	w := &world{Server: conftest.Start(t)}
	var err error
	w.operator, err = jetstream.New(w.As(conftest.Operator, nil))
	require.NoError(t, err)
	layout := natsq.Layout{Prefix: "dispatch", Routes: []string{"otp"}, Replicas: 1, JobsMaxBytes: 1 << 30, StatusAge: time.Hour, DeadAge: time.Hour, AckWait: time.Minute}
	_, err = natsq.Provision(t.Context(), w.operator, layout)
	require.NoError(t, err)
	for _, tenant := range []string{"shop", "other"} {
		_, err = w.operator.CreateConsumer(t.Context(), "DISPATCH_STATUS", jetstream.ConsumerConfig{Durable: tenant, FilterSubject: "dispatch.status." + tenant + ".>", AckPolicy: jetstream.AckExplicitPolicy})
		require.NoError(t, err)
	}
	return w
}

// as is an identity and what the server denies it.
func (w *world) as(t *testing.T, identity string) (*nats.Conn, jetstream.JetStream, <-chan error) {
	t.Helper()
	denied := make(chan error, 100)
	nc := w.As(identity, denied)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return nc, js, denied
}

func requireDenied(t *testing.T, denied <-chan error, subject string) {
	t.Helper()
	select {
	case err := <-denied:
		require.ErrorIs(t, err, nats.ErrPermissionViolation)
		require.ErrorContains(t, err, `"`+subject+`"`)
	case <-time.After(within):
		require.FailNow(t, "not denied", subject)
	}
}

func cannotPublish(t *testing.T, nc *nats.Conn, denied <-chan error, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		require.NoError(t, nc.Publish(s, []byte(`{}`)))
		requireDenied(t, denied, s)
	}
}

func cannotSubscribe(t *testing.T, nc *nats.Conn, denied <-chan error, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		_, err := nc.SubscribeSync(s)
		require.NoError(t, err)
		requireDenied(t, denied, s)
	}
}

// Some ways to make and to end streams and consumers.
var administration = []string{
	"$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.CREATE.DISPATCH_DEAD", "$JS.API.STREAM.UPDATE.DISPATCH_STATUS", "$JS.API.STREAM.DELETE.DISPATCH_STATUS",
	"$JS.API.STREAM.PURGE.DISPATCH_JOBS_URGENT", "$JS.API.STREAM.MSG.DELETE.DISPATCH_JOBS_URGENT", "$JS.API.STREAM.SNAPSHOT.DISPATCH_STATUS", "$JS.API.STREAM.RESTORE.DISPATCH_STATUS",
	"$JS.API.CONSUMER.CREATE.DISPATCH_JOBS_URGENT.mine", "$JS.API.CONSUMER.DURABLE.CREATE.DISPATCH_JOBS_URGENT.mine", "$JS.API.CONSUMER.DELETE.DISPATCH_JOBS_URGENT.otp",
	"$JS.API.CONSUMER.DELETE.DISPATCH_RECEIPTS.match", "$JS.API.CONSUMER.CREATE.DISPATCH_RECEIPTS.match",
}

func TestProducer(t *testing.T) {
	w := newWorld(t)
	nc, js, denied := w.as(t, conftest.Producer)
	for _, lane := range []string{"urgent", "normal", "bulk"} {
		ack, err := js.Publish(t.Context(), "dispatch.jobs."+lane+".otp.shop", []byte(`{"id":"a"}`))
		require.NoError(t, err)
		require.NotZero(t, ack.Sequence)
	}
	require.Empty(t, denied)

	cannotPublish(t, nc, denied, "dispatch.jobs.urgent.otp.other", "dispatch.jobs.urgent.otp", "dispatch.status.shop.otp.delivered",
		"dispatch.later.due.urgent.otp.shop", "dispatch.later.at.urgent.otp.shop.x", "dispatch.dead.shop.otp.ambiguous", "dispatch.receipts.x")
	cannotPublish(t, nc, denied, administration...)
	cannotPublish(t, nc, denied, "$JS.API.CONSUMER.MSG.NEXT.DISPATCH_JOBS_URGENT.otp", "$JS.API.STREAM.MSG.GET.DISPATCH_JOBS_URGENT", "$JS.API.CONSUMER.MSG.NEXT.DISPATCH_STATUS.other",
		"$JS.ACK.DISPATCH_JOBS_URGENT.otp.1.1.1.1.0")
	cannotSubscribe(t, nc, denied, "dispatch.status.other.>", "dispatch.status.shop.>", "dispatch.jobs.>", "dispatch.later.>", "dispatch.dead.>", ">", "_INBOX_shop_consumer.>")
}

func TestConsumer(t *testing.T) {
	w := newWorld(t)
	nc, _, denied := w.as(t, conftest.Consumer)
	live, err := nc.SubscribeSync("dispatch.status.shop.>")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	for _, tenant := range []string{"other", "shop"} {
		_, err := w.operator.Publish(t.Context(), "dispatch.status."+tenant+".otp.submitted", []byte(`{"tenant":"`+tenant+`"}`))
		require.NoError(t, err)
	}
	m, err := live.NextMsg(within)
	require.NoError(t, err)
	require.JSONEq(t, `{"tenant":"shop"}`, string(m.Data))

	js, err := jetstream.NewWithDomain(nc, "gonets")
	require.NoError(t, err)
	durable, err := js.Consumer(t.Context(), "DISPATCH_STATUS", "shop")
	require.NoError(t, err)
	kept, err := durable.Next(jetstream.FetchMaxWait(within))
	require.NoError(t, err)
	require.JSONEq(t, `{"tenant":"shop"}`, string(kept.Data()))
	require.NoError(t, kept.DoubleAck(t.Context()))
	require.Empty(t, denied)

	cannotPublish(t, nc, denied, "dispatch.jobs.urgent.otp.shop", "dispatch.jobs.urgent.otp.other", "dispatch.status.shop.otp.delivered", "dispatch.later.due.urgent.otp.shop", "dispatch.dead.shop.otp.ambiguous")
	cannotPublish(t, nc, denied, administration...)
	cannotPublish(t, nc, denied, "$JS.API.CONSUMER.MSG.NEXT.DISPATCH_STATUS.other", "$JS.API.CONSUMER.MSG.NEXT.DISPATCH_RECEIPTS.match", "$JS.ACK.DISPATCH_STATUS.other.1.1.1.1.0",
		"$JS.API.CONSUMER.CREATE.DISPATCH_STATUS.mine.dispatch.status.shop.>", "$JS.API.STREAM.MSG.GET.DISPATCH_STATUS", "$JS.API.DIRECT.GET.DISPATCH_STATUS", "$JS.API.STREAM.INFO.DISPATCH_STATUS")
	cannotSubscribe(t, nc, denied, "dispatch.status.>", "dispatch.status.other.>", "dispatch.status.*.otp.submitted", "dispatch.jobs.>", "dispatch.dead.shop.>", "_INBOX.>", "_INBOX_worker.>")
}

// What a worker can do is shown by a real one, in cmd/worker.
func TestWorkerCannot(t *testing.T) {
	w := newWorld(t)
	nc, _, denied := w.as(t, conftest.Worker)
	cannotPublish(t, nc, denied, administration...)
	cannotPublish(t, nc, denied, "dispatch.jobs.urgent.otp.shop", "$JS.API.STREAM.PURGE.DISPATCH_DEAD", "$JS.API.STREAM.MSG.GET.DISPATCH_DEAD", "$JS.API.STREAM.MSG.DELETE.DISPATCH_DEAD", "$JS.API.STREAM.NAMES", "$JS.API.ACCOUNT.PURGE.GONETS")
	cannotSubscribe(t, nc, denied, ">", "dispatch.>", "$JS.API.>", "_INBOX.>", "_INBOX_operator.>", "_INBOX_shop_consumer.>")
}

func TestStrangers(t *testing.T) {
	w := newWorld(t)
	_, err := nats.Connect(w.URL(), nats.RootCAs(w.Authority.CA), nats.ClientCert(w.Client.Cert, w.Client.Key))
	require.ErrorIs(t, err, nats.ErrAuthorization, "a certificate is no identity")
	key, err := nats.NkeyOptionFromSeed(w.Seed(conftest.Worker))
	require.NoError(t, err)
	_, err = nats.Connect(w.URL(), key, nats.RootCAs(w.Authority.CA))
	require.Error(t, err, "an identity without a certificate")
}

// A server answers on whatever subject a client names, permissions or not. So a tenant has an account of its own, which no answer leaves: else a
// producer could have its acknowledgements stored among another's jobs, and a consumer its events among another's.
func TestNoAnswerLeavesItsTenant(t *testing.T) {
	w := newWorld(t)
	producer, jobs, denied := w.as(t, conftest.Producer)
	consumer, _, denied2 := w.as(t, conftest.Consumer)
	_, err := w.operator.Publish(t.Context(), "dispatch.status.shop.otp.submitted", []byte(`{}`))
	require.NoError(t, err)
	elsewhere := []string{"dispatch.jobs.urgent.otp.other", "dispatch.status.other.otp.delivered", "dispatch.later.due.urgent.otp.other", "dispatch.dead.other.otp.failed"}
	for _, reply := range elsewhere {
		require.NoError(t, producer.PublishRequest("dispatch.jobs.normal.otp.shop", reply, []byte(`{"id":"a"}`)))
		require.NoError(t, consumer.PublishRequest("$JS.gonets.API.CONSUMER.MSG.NEXT.DISPATCH_STATUS.shop", reply, []byte(`{"batch":1,"no_wait":true}`)))
	}
	// What a stream answers leaves it in order: the last answer comes when the others are out.
	ack, err := jobs.Publish(t.Context(), "dispatch.jobs.normal.otp.shop", []byte(`{"id":"b"}`))
	require.NoError(t, err)
	require.EqualValues(t, len(elsewhere)+1, ack.Sequence)
	js, err := jetstream.NewWithDomain(consumer, "gonets")
	require.NoError(t, err)
	_, err = js.Consumer(t.Context(), "DISPATCH_STATUS", "shop")
	require.NoError(t, err)
	require.Empty(t, denied)
	require.Empty(t, denied2)
	for stream, want := range map[string]int{"DISPATCH_JOBS_URGENT": 0, "DISPATCH_JOBS_NORMAL": len(elsewhere) + 1, "DISPATCH_STATUS": 1, "DISPATCH_LATER": 0, "DISPATCH_DEAD": 0} {
		s, err := w.operator.Stream(t.Context(), stream)
		require.NoError(t, err)
		require.EqualValues(t, want, s.CachedInfo().State.LastSeq, stream)
	}
}
