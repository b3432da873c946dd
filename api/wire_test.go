package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

// house is a real server with the streams of one route, where a tenant may have one job waiting in each lane.
func house(t *testing.T) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, js := natstest.Start(t).Connect(t)
	_, err := natsq.Provision(t.Context(), js, natsq.Layout{Prefix: "dispatch", Routes: []string{"otp"}, Replicas: 1, JobsMaxBytes: 1 << 20,
		TenantBacklog: 1, StatusAge: time.Hour, DeadAge: time.Hour, AckWait: time.Minute})
	require.NoError(t, err)
	return nc, js
}

// The server's answers to a publication are those of the document, each of one kind only.
func TestAnswers(t *testing.T) {
	nc, _ := house(t)
	doc := read(t, document)
	kinds := map[string]interface{ Validate(any) error }{}
	for _, kind := range []string{"stored", "refused"} {
		c := compiler()
		require.NoError(t, c.AddResource(document, doc))
		schema, err := c.Compile(document + "#/components/messages/" + kind + "/payload")
		require.NoError(t, err)
		kinds[kind] = schema
		for _, e := range at(t, doc, "#/components/messages/"+kind)["examples"].([]any) {
			require.NoError(t, schema.Validate(e.(object)["payload"]))
		}
	}
	words := at(t, doc, "#/components/messages/refused")["description"].(string)
	body := `{"id":"a","channel":"sms","to":"+79612242243","text":"Hi"}`
	for _, c := range []struct {
		subject, id, body string
		kind              string
		duplicate         bool
		code              string
	}{
		{subject: "dispatch.jobs.urgent.otp.shop", id: "1", body: body, kind: "stored"},
		{subject: "dispatch.jobs.urgent.otp.shop", id: "1", body: body, kind: "stored", duplicate: true},
		{subject: "dispatch.jobs.urgent.otp.shop", id: "2", body: body, kind: "refused", code: "10077"}, // the backlog is full
		{subject: "dispatch.jobs.bulk.otp.shop", id: "3", body: strings.Repeat(" ", 70_000), kind: "refused", code: "10054"},
	} {
		m, err := nc.RequestMsg(&nats.Msg{Subject: c.subject, Header: nats.Header{"Nats-Msg-Id": {c.id}}, Data: []byte(c.body)}, 10*time.Second)
		require.NoError(t, err)
		var answer object
		d := json.NewDecoder(strings.NewReader(string(m.Data)))
		d.UseNumber()
		require.NoError(t, d.Decode(&answer))
		for kind, schema := range kinds {
			require.Equal(t, kind == c.kind, schema.Validate(answer) == nil, "%s: %s", kind, m.Data)
		}
		require.Equal(t, c.duplicate, answer["duplicate"] == true)
		if c.code != "" {
			require.Equal(t, json.Number(c.code), answer["error"].(object)["err_code"])
			require.Contains(t, words, c.code)
		}
	}
	_, err := nc.Request("dispatch.jobs.urgent.nobody.shop", []byte(body), 10*time.Second)
	require.ErrorIs(t, err, nats.ErrNoResponders)
}

func only(t *testing.T, js jetstream.JetStream, stream string) *jetstream.RawStreamMsg {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	require.NoError(t, err)
	m, err := s.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	return m
}

// A dead letter has the job as it was, and the documented headers, all of them.
func TestDeadLetter(t *testing.T) {
	nc, js := house(t)
	o, err := natsq.NewOutlet(nc, "dispatch")
	require.NoError(t, err)
	body := []byte(`{"id":"ord-42","channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 4711"}`)
	require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{{
		Delivery: dispatch.Delivery{
			Address:     job.Address{Lane: job.Urgent, Route: "otp", Tenant: "shop"},
			Publication: "DISPATCH_JOBS_URGENT:42", Hop: 4, Epoch: 1, Sequence: 5, Data: body, Stored: time.Now(), Trace: job.Trace{Parent: "00-1-2-01", State: "a=b"},
		},
		JobID: "ord-42", Reason: job.Unavailable, Attempts: 5, Account: "prostor-main", Words: "HTTP 503", At: time.Now(),
	}}))
	m := only(t, js, "DISPATCH_DEAD")
	require.Equal(t, "dispatch.dead.shop.otp.unavailable", m.Subject)
	require.NoError(t, check(compile(t, "job.schema.json"), m.Data))
	schema, properties, required := headersOf(t, "letter")
	headers := flat(t, m.Header)
	require.NoError(t, schema.Validate(headers))
	require.ElementsMatch(t, slices.Collect(maps.Keys(headers)), slices.Collect(maps.Keys(properties)))

	// One without anything that may be missing has what is required, and no more.
	require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{{
		Delivery: dispatch.Delivery{Address: job.Address{Lane: job.Bulk, Route: "otp", Tenant: "shop"}, Publication: "DISPATCH_JOBS_BULK:1", Data: body},
		JobID:    "ord-43", Reason: job.Ambiguous, At: time.Now(),
	}}))
	s, err := js.Stream(t.Context(), "DISPATCH_DEAD")
	require.NoError(t, err)
	least, err := s.GetMsg(t.Context(), 2)
	require.NoError(t, err)
	require.ElementsMatch(t, slices.Collect(maps.Keys(flat(t, least.Header))), required)
}

// A worker's event has the documented headers, and beside them its own.
func TestStatusEvent(t *testing.T) {
	nc, js := house(t)
	o, err := natsq.NewOutlet(nc, "dispatch")
	require.NoError(t, err)
	e := dispatch.Event{Hash: "h", Publication: "DISPATCH_JOBS_URGENT:42", Attempts: 1, Hop: 1, Epoch: 1, Due: time.Now(), Told: []string{"throttled"}, Maybe: "a"}
	e.Event = job.Event{Job: "a", Tenant: "shop", Route: "otp", Lane: job.Urgent, Channel: job.SMS, State: job.Submitted, Sequence: 1, At: time.Now()}
	e.Trace = job.Trace{Parent: "00-1-2-01", State: "a=b"}
	require.NoError(t, o.Publish(t.Context(), []dispatch.Event{e}))
	m := only(t, js, "DISPATCH_STATUS")
	require.NoError(t, check(compile(t, "event.schema.json"), m.Data))
	schema, properties, _ := headersOf(t, "event")
	headers := flat(t, m.Header)
	require.NoError(t, schema.Validate(headers))
	for key := range headers {
		_, ours := strings.CutPrefix(key, "Gonets-")
		_, documented := properties[key]
		require.NotEqual(t, ours, documented, key)
	}
}

// The streams that the document names are those that a worker makes.
func TestStreams(t *testing.T) {
	_, js := house(t)
	data, err := json.Marshal(read(t, document))
	require.NoError(t, err)
	for _, stream := range []string{"DISPATCH_JOBS_URGENT", "DISPATCH_JOBS_NORMAL", "DISPATCH_JOBS_BULK", "DISPATCH_STATUS", "DISPATCH_DEAD"} {
		require.Contains(t, string(data), "`"+stream+"`")
		_, err := js.Stream(t.Context(), stream)
		require.NoError(t, err)
	}
}
