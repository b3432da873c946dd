package natsq_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/receipts"
)

// The permissions that the package documents are enough for a worker that doesn't provision, and a producer can only publish its own jobs.
func TestLeastPermissions(t *testing.T) {
	user := func(name string, publish ...string) *server.User {
		return &server.User{Username: name, Password: "x", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: publish},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_" + name + ".>"}},
		}}
	}
	worker := []string{"dispatch.status.>", "dispatch.dead.>", "dispatch.later.>", "dispatch.receipts.>", "$JS.API.STREAM.MSG.DELETE.DISPATCH_RECEIPTS", "$JS.API.STREAM.INFO.DISPATCH_STATUS", "$JS.API.STREAM.INFO.DISPATCH_DEAD"}
	for stream, consumer := range map[string]string{"DISPATCH_JOBS_URGENT": "otp", "DISPATCH_JOBS_NORMAL": "otp", "DISPATCH_JOBS_BULK": "otp", "DISPATCH_LATER": "*", "DISPATCH_RECEIPTS": "match"} {
		worker = append(worker, "$JS.API.STREAM.INFO."+stream, "$JS.API.STREAM.MSG.GET."+stream, "$JS.API.CONSUMER.INFO."+stream+"."+consumer, "$JS.API.CONSUMER.MSG.NEXT."+stream+"."+consumer,
			"$JS.ACK."+stream+"."+consumer+".>", "$JS.ACK.*.*."+stream+"."+consumer+".>")
	}
	for _, api := range []string{"CREATE", "MSG.NEXT", "DELETE"} {
		worker = append(worker, "$JS.API.CONSUMER."+api+".DISPATCH_STATUS.>")
	}
	worker = append(worker, "$JS.API.STREAM.INFO.KV_DISPATCH_CONTROL", "$JS.API.STREAM.MSG.GET.KV_DISPATCH_CONTROL", "$JS.API.CONSUMER.CREATE.KV_DISPATCH_CONTROL.>",
		"$JS.API.CONSUMER.DELETE.KV_DISPATCH_CONTROL.>", "$JS.FC.KV_DISPATCH_CONTROL.>", "$KV.DISPATCH_CONTROL.*")
	s := natstest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "x"},
			user("worker", worker...),
			user("shop", "dispatch.jobs.*.otp.shop"),
		}
	})
	as := func(name string, denied chan<- error) (*nats.Conn, jetstream.JetStream) {
		nc, err := natsq.Connect(natsq.ConnectOptions{URL: s.URL(), User: name, Password: "x", InboxPrefix: "_INBOX_" + name, Failed: func(err error) {
			select {
			case denied <- err:
			default:
			}
		}})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		return nc, js
	}
	_, admin := s.Connect(t, nats.UserInfo("admin", "x"))
	l := layoutOf("otp")
	_, err := natsq.Provision(t.Context(), admin, l)
	require.NoError(t, err)

	denied := make(chan error, 1)
	nc, js := as("worker", denied)
	faults, err := natsq.Check(t.Context(), js, l)
	require.NoError(t, err)
	require.Empty(t, faults)
	w := &world{layout: l, nc: nc, js: js}
	out, stop := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	shopDenied := make(chan error, 1)
	shop, shopJS := as("shop", shopDenied)
	_, err = shopJS.Publish(t.Context(), "dispatch.jobs.urgent.otp.shop", []byte(`{"id":"a"}`))
	require.NoError(t, err)
	d := receive(t, out)
	o, err := natsq.NewOutlet(nc, l.Prefix)
	require.NoError(t, err)
	require.NoError(t, o.Hold(t.Context(), []dispatch.Held{{Delivery: d, JobID: "a", Hop: 1, Due: time.Now().Add(time.Millisecond)}}))
	require.NoError(t, d.Handle.Ack())
	d = receive(t, out)
	require.Equal(t, 1, d.Hop)
	backlogs, err := natsq.Backlogs(t.Context(), js, l)
	require.NoError(t, err)
	require.EqualValues(t, 1, backlogs[0].AckPending)
	require.False(t, backlogs[0].Oldest.IsZero())
	require.NoError(t, o.Publish(t.Context(), []dispatch.Event{event(1)}))
	require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{{Delivery: d, JobID: "a", Reason: job.Unavailable, At: time.Now()}}))
	require.NoError(t, d.Handle.Ack())
	delivered, err := natsq.Delivered(t.Context(), js, l)
	require.NoError(t, err)
	require.NoError(t, natsq.UnderWay(t.Context(), js, l, delivered, func(dispatch.Delivery) error { return nil }))
	for _, part := range []natsq.Excerpt{{}, {Since: time.Now().Add(-time.Hour)}, {States: []job.State{job.Scheduled}}} {
		_, err = natsq.ReadStatus(t.Context(), js, l, part, func([]dispatch.Event, uint64) error { return nil })
		require.NoError(t, err)
	}
	r := natsq.NewReceipts(js, l, nil)
	require.NoError(t, r.Park(t.Context(), []receipts.Letter{{Account: "main", ID: "a", Data: []byte(`[]`)}}, time.Hour))
	require.NoError(t, r.Unpark(t.Context(), "main"))
	letters, stopReceipts := takes(t, r)
	require.NoError(t, receive(t, letters).Handle.Ack())
	require.NoError(t, nc.Flush())
	stopReceipts()
	followControl(t, natsq.NewControl(js, l))
	stop()
	(&world{js: admin}).empty(t, "DISPATCH_RECEIPTS")
	(&world{js: admin}).empty(t, "DISPATCH_JOBS_URGENT")
	(&world{js: admin}).empty(t, "DISPATCH_LATER")
	require.Empty(t, denied, "nothing was denied on the way")

	for _, subject := range []string{"dispatch.jobs.urgent.otp.other", "dispatch.later.due.urgent.otp.shop", "dispatch.status.shop.otp.delivered"} {
		require.NoError(t, shop.Publish(subject, []byte(`{}`)))
		require.ErrorContains(t, receive(t, shopDenied), subject)
	}
}
