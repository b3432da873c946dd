package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// receiver is a collector of traces: OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	spans    map[string]*tracepb.Span // by name
	services map[string]bool
	raw      []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{spans: map[string]*tracepb.Span{}, services: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var export collector.ExportTraceServiceRequest
		if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &export) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.raw = append(r.raw, body...)
		for _, rs := range export.ResourceSpans {
			for _, a := range rs.Resource.Attributes {
				if a.Key == "service.name" {
					r.services[a.Value.GetStringValue()] = true
				}
			}
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					r.spans[s.Name] = s
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

// The trace of a job goes from its producer's headers through the worker and the request to its event's headers, and out by OTLP.
func TestTraces(t *testing.T) {
	h, r := newHouse(t), newReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	t.Setenv("OTEL_SERVICE_NAME", "sender")
	stop, log := h.run()
	h.awaitStreams("otp")
	const traceID, spanID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	m := nats.NewMsg("dispatch.jobs.urgent.otp.shop")
	m.Data = []byte(`{"id":"ord-42","channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 4711"}`)
	m.Header.Set("traceparent", "00-"+traceID+"-"+spanID+"-01")
	m.Header.Set("tracestate", "vendor=opaque")
	_, err := h.js.PublishMsg(t.Context(), m)
	require.NoError(t, err)
	msg, e := h.next("ord-42")
	require.Equal(t, job.Submitted, e.State)
	h.empty() // it is answered, so its span ended
	require.Equal(t, exitDone, stop(), log.String())

	r.mu.Lock()
	defer r.mu.Unlock()
	require.Equal(t, map[string]bool{"sender": true}, r.services)
	process, send, publish := r.spans["process otp"], r.spans["send prostor-main"], r.spans["publish submitted"]
	require.NotNil(t, process)
	require.NotNil(t, send)
	require.NotNil(t, publish)
	require.Equal(t, spanID, hex.EncodeToString(process.ParentSpanId))
	require.Equal(t, process.SpanId, send.ParentSpanId)
	require.Equal(t, process.SpanId, send.Links[0].SpanId)
	require.Equal(t, process.SpanId, publish.ParentSpanId)
	for _, s := range r.spans {
		require.Equal(t, traceID, hex.EncodeToString(s.TraceId))
	}
	require.Equal(t, "00-"+traceID+"-"+hex.EncodeToString(process.SpanId)+"-01", msg.Header["traceparent"][0])
	require.Equal(t, "vendor=opaque", msg.Header["tracestate"][0])
	require.NotRegexp(t, regexp.MustCompile(`9612242243|Your code|`+prostorPassword), string(r.raw))
}

// A worker that is to trace in a way it can't says so and doesn't start.
func TestTracesFault(t *testing.T) {
	h := newHouse(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	log := &buffer{}
	require.Equal(t, exitFailed, run(t.Context(), []string{"run", "--config", h.config}, nil, &buffer{}, log))
	require.Contains(t, log.String(), "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported")
}
