package dispatch

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// instant is ports that cost nothing, so that what is measured is the pipeline.
type instant struct {
	jobs  int
	acked atomic.Int64
	done  chan struct{}
}

func (b *instant) Run(ctx context.Context, handle func(Delivery)) error {
	body := []byte(sms("j"))
	for i := range b.jobs {
		handle(Delivery{Address: job.Address{Lane: job.Normal, Route: "otp", Tenant: "shop"}, Publication: "J:1", Data: body,
			Pending: uint64(b.jobs - i - 1), Handle: b})
	}
	<-ctx.Done()
	return nil
}

func (b *instant) Ack() error {
	if int(b.acked.Add(1)) == b.jobs {
		close(b.done)
	}
	return nil
}
func (b *instant) Nak(time.Duration) error { return nil }
func (b *instant) InProgress() error       { return nil }

func (b *instant) Claim(_ context.Context, reqs []ClaimRequest) ([]Claim, error) {
	out := make([]Claim, len(reqs))
	for i := range out {
		out[i] = Claim{Verdict: Taken, Token: "t"}
	}
	return out, nil
}

func (b *instant) Record(_ context.Context, updates []Update) ([]bool, error) {
	out := make([]bool, len(updates))
	for i := range out {
		out[i] = true
	}
	return out, nil
}
func (b *instant) Confirm(context.Context, []Update) error  { return nil }
func (b *instant) Publish(context.Context, []Event) error   { return nil }
func (b *instant) Hold(context.Context, []Held) error       { return nil }
func (b *instant) Bury(context.Context, []DeadLetter) error { return nil }

func (b *instant) Send(_ context.Context, msgs []providers.Message) []providers.Result {
	return providers.All(len(msgs), providers.Result{Outcome: providers.Submitted, ID: "1", Status: "accepted"})
}

func (b *instant) States(_ context.Context, accounts []string) ([]AccountState, error) {
	out := make([]AccountState, len(accounts))
	for i := range out {
		out[i].Circuit = Closed
	}
	return out, nil
}
func (b *instant) Report(context.Context, string, AccountReport) (AccountState, error) {
	return AccountState{Circuit: Closed}, nil
}
func (b *instant) Probe(context.Context, string, time.Duration) (AccountState, string, error) {
	return AccountState{Circuit: Closed}, "", nil
}

// silent is a lane without jobs.
type silent struct{}

func (silent) Run(ctx context.Context, _ func(Delivery)) error { <-ctx.Done(); return nil }

// BenchmarkPipeline is the cost of one job in the pipeline itself.
func BenchmarkPipeline(b *testing.B) {
	ports := &instant{jobs: b.N, done: make(chan struct{})}
	cfg := Config{PhoneRegion: "RU", Dedupe: time.Hour, AckWait: testAckWait, Lease: testLease, Drain: time.Second,
		Accounts: []Account{{Name: "a", Provider: ports, Traits: providers.Traits{Channels: []providers.Channel{providers.SMS}}, InFlight: 4, Batch: 200,
			Timeout: time.Second, Recheck: time.Second}},
		Routes: []Route{{Name: "otp", Accounts: []string{"a"}, Retry: Retry{Attempts: 1, Initial: time.Second, Max: time.Second}}}}
	p, err := New(cfg, Ports{Claims: ports, Health: ports, Outlet: ports, Sources: func(l job.Lane, _ string) Source {
		if l == job.Normal {
			return ports
		}
		return silent{}
	}}, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- p.Run(ctx) }()
	<-ports.done
	cancel()
	if err := <-over; err != nil {
		b.Fatal(fmt.Errorf("stop: %w", err))
	}
}
