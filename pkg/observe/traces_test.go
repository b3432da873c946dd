package observe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

const (
	producerTrace = "0af7651916cd43dd8448eb211c80319c"
	producerSpan  = "b7ad6b7169203331"
	sampled       = "00-" + producerTrace + "-" + producerSpan + "-01"
)

// traced is ports and a provider with traces around them.
func traced(f *fake) (dispatch.Ports, providers.Provider, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	layer := NewTraces(sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder)))
	ports, accounts := Wrap(dispatch.Ports{Sources: func(job.Lane, string) dispatch.Source { return f }, Outlet: f, Claims: f, Limiter: f}, []dispatch.Account{{Name: "main", Provider: f}}, layer)
	return ports, accounts[0].Provider, recorder
}

// take runs a source and returns what it hands over.
func take(t *testing.T, ports dispatch.Ports) (ds []dispatch.Delivery) {
	require.NoError(t, ports.Sources(job.Urgent, "otp").Run(t.Context(), func(d dispatch.Delivery) { ds = append(ds, d) }))
	return ds
}

// answered is a handle that notes its answers.
type answered struct{ answers []string }

func (a *answered) Ack() error { a.answers = append(a.answers, "ack"); return nil }
func (a *answered) Nak(d time.Duration) error {
	a.answers = append(a.answers, "nak "+d.String())
	return nil
}
func (a *answered) InProgress() error { a.answers = append(a.answers, "in progress"); return nil }

// A job's trace goes from its producer through its own span and the request to the event.
func TestTraceOfAJob(t *testing.T) {
	handle := &answered{}
	f := &fake{deliveries: []dispatch.Delivery{{Address: job.Address{Lane: job.Urgent, Route: "otp", Tenant: "shop"}, Publication: "J:1", Trace: job.Trace{Parent: sampled, State: "vendor=x"}, Handle: handle}}}
	ports, p, recorder := traced(f)
	d := take(t, ports)[0]
	require.Equal(t, "vendor=x", d.Trace.State)
	f.results = []providers.Result{{Outcome: providers.Submitted}}
	p.Send(t.Context(), []providers.Message{{Trace: d.Trace.Parent, To: "+79612242243", Text: "secret"}})
	require.NoError(t, ports.Outlet.Publish(t.Context(), []dispatch.Event{{Event: job.Event{Job: "ord-1", Tenant: "shop", State: job.Submitted, Account: "main"}, Trace: d.Trace}}))
	require.NoError(t, d.Handle.InProgress())
	require.Len(t, recorder.Ended(), 2, "the job isn't answered yet")
	require.NoError(t, d.Handle.Ack())
	require.Equal(t, []string{"in progress", "ack"}, handle.answers)

	spans := map[string]sdk.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		require.Equal(t, producerTrace, s.SpanContext().TraceID().String())
		spans[s.Name()] = s
		for _, a := range s.Attributes() {
			require.NotContains(t, []string{"+79612242243", "secret"}, a.Value.AsString())
		}
	}
	require.ElementsMatch(t, []string{"process otp", "send main", "publish submitted"}, slices.Collect(maps.Keys(spans)))
	process := spans["process otp"]
	require.Equal(t, producerSpan, process.Parent().SpanID().String())
	require.Equal(t, trace.SpanKindConsumer, process.SpanKind())
	require.Equal(t, fmt.Sprintf("00-%s-%s-01", producerTrace, process.SpanContext().SpanID()), d.Trace.Parent, "what the event's headers say")
	send := spans["send main"]
	require.Equal(t, process.SpanContext().SpanID(), send.Parent().SpanID())
	require.Equal(t, trace.SpanKindClient, send.SpanKind())
	require.Equal(t, process.SpanContext().SpanID(), send.Links()[0].SpanContext.SpanID())
	require.Equal(t, process.SpanContext().SpanID(), spans["publish submitted"].Parent().SpanID())
}

// A job without a trace begins one; one that its producer left out is left out, but its context is carried on.
func TestTraceSampling(t *testing.T) {
	f := &fake{deliveries: []dispatch.Delivery{{Handle: &answered{}}, {Handle: &answered{}, Trace: job.Trace{Parent: "nonsense", State: "x=y"}},
		{Handle: &answered{}, Trace: job.Trace{Parent: sampled[:len(sampled)-1] + "0"}}}}
	ports, p, recorder := traced(f)
	ds := take(t, ports)
	for _, d := range ds[:2] {
		require.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", d.Trace.Parent)
		require.Empty(t, d.Trace.State)
	}
	require.Regexp(t, "^00-"+producerTrace+"-[0-9a-f]{16}-00$", ds[2].Trace.Parent)
	p.Send(t.Context(), []providers.Message{{Trace: ds[2].Trace.Parent}, {}})
	require.NoError(t, ports.Outlet.Publish(t.Context(), []dispatch.Event{{Trace: ds[2].Trace}, {}}))
	for _, d := range ds {
		require.NoError(t, d.Handle.Nak(time.Second))
		require.NoError(t, d.Handle.Ack(), "a second answer is passed on, too")
	}
	require.Len(t, recorder.Ended(), 2)
	require.Equal(t, "given back", recorder.Ended()[0].Events()[0].Name)
}

// A packet has as many links as a span may, and tells how many messages it has.
func TestTraceOfAPacket(t *testing.T) {
	f := &fake{deliveries: make([]dispatch.Delivery, 3*maxLinks)}
	for i := range f.deliveries {
		f.deliveries[i].Handle = &answered{}
	}
	ports, p, recorder := traced(f)
	msgs := []providers.Message{{}, {Trace: "00-"}} // of jobs without a trace
	for _, d := range take(t, ports) {
		msgs = append(msgs, providers.Message{Trace: d.Trace.Parent})
	}
	f.results = []providers.Result{{Outcome: providers.Submitted}, {Outcome: providers.Rejected, Code: providers.InvalidSender}}
	p.Send(t.Context(), msgs)
	f.results = append(f.results, providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, Message: "words"})
	p.Send(t.Context(), msgs)
	f.err = errors.New("words")
	require.Error(t, ports.Outlet.Publish(t.Context(), []dispatch.Event{{Event: job.Event{Error: &job.Reason{Code: job.Throttled}}, Trace: job.Trace{Parent: sampled}}}))
	spans := recorder.Ended()
	require.Len(t, spans, 3)
	require.Len(t, spans[0].Links(), maxLinks)
	require.Zero(t, spans[0].DroppedLinks())
	require.Equal(t, codes.Unset, spans[0].Status().Code)
	require.Equal(t, sdk.Status{Code: codes.Error, Description: "throttled"}, spans[1].Status())
	require.Equal(t, sdk.Status{Code: codes.Error, Description: "not stored"}, spans[2].Status())
	attributes := map[string]int64{}
	for _, a := range spans[1].Attributes() {
		attributes[string(a.Key)] = a.Value.AsInt64()
	}
	require.EqualValues(t, len(msgs), attributes["messaging.batch.message_count"])
	require.EqualValues(t, 1, attributes["gonets.outcome.submitted"])
	require.EqualValues(t, 1, attributes["gonets.outcome.invalid_sender"])
	require.EqualValues(t, 1, attributes["gonets.outcome.throttled"])
}

func TestTracesWanted(t *testing.T) {
	for _, c := range []struct {
		env    map[string]string
		wanted bool
		fault  string
	}{
		{nil, false, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "True"}, false, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "false"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "zipkin"}, false, "OTEL_TRACES_EXPORTER: zipkin is not supported, use otlp or none"},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported, use http/protobuf"},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, true, ""},
	} {
		wanted, err := tracesWanted(func(name string) string { return c.env[name] })
		require.Equal(t, c.wanted, wanted, "%v", c.env)
		if c.fault == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, c.fault)
		}
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	layer, _, err := OpenTraces(context.Background())
	require.NoError(t, err)
	require.Nil(t, layer)
}
