package observe

import (
	"testing"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// packet is the size of a full one of the account "main" of the benchmarks.
const packet = 200

// BenchmarkMetrics is what a job costs on its whole way, in packets of 200: ns/op and allocs/op are those of a packet, ns/job of a job.
func BenchmarkMetrics(b *testing.B) {
	cfg := testConfig()
	cfg.Accounts[0].Batch = packet
	m := NewMetrics(cfg)
	benchmark(b, m)
}

func benchmark(b *testing.B, layers ...Layer) {
	f := &fake{granted: true, held: make([]bool, packet), deliveries: make([]dispatch.Delivery, packet)}
	for i := range f.held {
		f.held[i] = true
		f.deliveries[i].Address = job.Address{Lane: job.Normal, Route: "otp", Tenant: "shop"}
		f.claims = append(f.claims, dispatch.Claim{Verdict: dispatch.Taken})
		f.results = append(f.results, providers.Result{Outcome: providers.Submitted})
	}
	accounts := []dispatch.Account{{Name: "main", Provider: f}}
	ports := Wrap(dispatch.Ports{Sources: func(job.Lane, string) dispatch.Source { return f }, Claims: f, Limiter: f, Outlet: f}, accounts, layers...)
	source := ports.Sources(job.Normal, "otp")
	msgs, reqs, updates, events := make([]providers.Message, packet), make([]dispatch.ClaimRequest, packet), make([]dispatch.Update, packet), make([]dispatch.Event, packet)
	for i := range events {
		events[i].Event = job.Event{Lane: job.Normal, Route: "otp", State: job.Submitted}
	}
	handle := func(dispatch.Delivery) {}
	b.ReportAllocs()
	for b.Loop() {
		_ = source.Run(b.Context(), handle)
		_, _, _ = ports.Limiter.Reserve(b.Context(), "main", packet, time.Millisecond)
		_, _ = ports.Claims.Claim(b.Context(), reqs)
		accounts[0].Provider.Send(b.Context(), msgs)
		_, _ = ports.Claims.Record(b.Context(), updates)
		_ = ports.Outlet.Publish(b.Context(), events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet, "ns/job")
}

// BenchmarkNone is the same without any layer: the cost of the fakes themselves.
func BenchmarkNone(b *testing.B) { benchmark(b) }
