package observe

import (
	"io"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// packet is the size of a full one of the account "main" of the benchmarks.
const packet = 200

// What a job costs on its whole way, in packets of 200: ns/op and allocs/op are those of a packet, ns/job of a job.

func BenchmarkNone(b *testing.B) { benchmark(b) } // the fakes themselves

func BenchmarkMetrics(b *testing.B) { benchmark(b, benchMetrics()) }

func BenchmarkMetricsAndLogs(b *testing.B) {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel)
	benchmark(b, benchMetrics(), NewLogs(zap.New(zapcore.NewSamplerWithOptions(core, 10*time.Second, 50, 1000))))
}

// BenchmarkTraces is with every job sampled, and spans that go nowhere.
func BenchmarkTraces(b *testing.B) { benchmark(b, NewTraces(sdk.NewTracerProvider())) }

func benchMetrics() *Metrics {
	cfg := testConfig()
	cfg.Accounts[0].Batch = packet
	return NewMetrics(cfg)
}

func benchmark(b *testing.B, layers ...Layer) {
	f := &fake{granted: true, held: make([]bool, packet), deliveries: make([]dispatch.Delivery, packet)}
	for i := range f.held {
		f.held[i] = true
		f.deliveries[i].Handle = nothing{}
		f.deliveries[i].Address = job.Address{Lane: job.Normal, Route: "otp", Tenant: "shop"}
		f.claims = append(f.claims, dispatch.Claim{Verdict: dispatch.Taken})
		f.results = append(f.results, providers.Result{Outcome: providers.Submitted})
	}
	ports, accounts := Wrap(dispatch.Ports{Sources: func(job.Lane, string) dispatch.Source { return f }, Claims: f, Limiter: f, Outlet: f}, []dispatch.Account{{Name: "main", Provider: f}}, layers...)
	source := ports.Sources(job.Normal, "otp")
	msgs, reqs, updates, events := make([]providers.Message, packet), make([]dispatch.ClaimRequest, packet), make([]dispatch.Update, packet), make([]dispatch.Event, packet)
	for i := range events {
		events[i].Event = job.Event{Lane: job.Normal, Route: "otp", State: job.Submitted}
	}
	i := 0
	handle := func(d dispatch.Delivery) { // what a pipeline hands on
		msgs[i%packet].Trace, events[i%packet].Trace = d.Trace.Parent, d.Trace
		_ = d.Handle.Ack()
		i++
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = source.Run(b.Context(), handle)
		_, _ = ports.Limiter.Reserve(b.Context(), "main", packet, time.Millisecond, dispatch.Again)
		_, _ = ports.Claims.Claim(b.Context(), reqs)
		accounts[0].Provider.Send(b.Context(), msgs)
		_, _ = ports.Claims.Record(b.Context(), updates)
		_ = ports.Outlet.Publish(b.Context(), events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet, "ns/job")
}

// nothing is a handle that does nothing.
type nothing struct{}

func (nothing) Ack() error              { return nil }
func (nothing) Nak(time.Duration) error { return nil }
func (nothing) InProgress() error       { return nil }
