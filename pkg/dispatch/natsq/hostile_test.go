package natsq_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

func TestBadTenants(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	out, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	refuse := func(tenant string) {
		d := receive(t, out)
		require.Equal(t, tenant, d.Address.Tenant)
		require.False(t, job.ValidToken(d.Address.Tenant))
		e := dispatch.Event{Event: job.Event{Tenant: d.Address.Tenant, Job: d.Publication, Route: "otp", Lane: job.Urgent, State: job.Rejected, Publication: d.Publication}}
		require.NoError(t, w.outlet(t).Publish(t.Context(), []dispatch.Event{e}), "its refusal can be told")
		require.NoError(t, d.Handle.Ack())
	}
	long := fmt.Sprintf("%065d", 0)
	for token, tenant := range map[string]string{"Shop": "Shop", "a_b": "a_b", "Магазин": "Магазин", long: "_", "\xff": "_", "a\x01b": "_"} {
		require.NoError(t, w.nc.Publish("dispatch.jobs.urgent.otp."+token, []byte(`{}`)))
		refuse(tenant)
	}
	w.empty(t, "DISPATCH_JOBS_URGENT")
	// A subject that ends in a literal >, as only a faulty client publishes, is not delivered by the server while the stream holds another message,
	// such as one whose ack is on its way. The next job is.
	for _, token := range []string{"*", ">"} {
		require.NoError(t, w.nc.Publish("dispatch.jobs.urgent.otp."+token, []byte(`{}`)))
		w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", `{}`))
		d := receive(t, out)
		if d.Address.Tenant == "_" {
			require.NoError(t, d.Handle.Ack())
			d = receive(t, out)
		}
		require.Equal(t, "shop", d.Address.Tenant)
		require.NoError(t, d.Handle.Ack())
	}
}

// An empty message with a Status header looks to the client library like the server's own words.
func TestMessagesThatLookLikeTheServers(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	out, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{})
	for _, status := range []string{"100", "400", "404", "408", "409", "503"} {
		w.publish(t, &nats.Msg{Subject: "dispatch.jobs.urgent.otp.shop", Header: nats.Header{"Status": {status}, "Description": {"Consumer Deleted"}}})
		d := receive(t, out)
		require.Empty(t, d.Data)
		require.NoError(t, d.Handle.Ack())
	}
	w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", `{}`))
	d := receive(t, out)
	require.NoError(t, d.Handle.Ack())
	w.empty(t, "DISPATCH_JOBS_URGENT")
}

func TestProducersCanNotSchedule(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	_, err := w.js.PublishMsg(t.Context(), &nats.Msg{Subject: "dispatch.jobs.urgent.otp.shop", Data: []byte(`{}`), Header: nats.Header{
		"Nats-Schedule": {"@every 1s"}, "Nats-Schedule-Target": {"dispatch.jobs.urgent.otp.victim"}}})
	var refused *jetstream.APIError
	require.True(t, errors.As(err, &refused))
}
