package receipts_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

// noIndex costs nothing.
type noIndex struct{ receipts.Index }

func (noIndex) Put(context.Context, string, []receipts.Entry) ([]receipts.Receipt, error) {
	return nil, nil
}

// BenchmarkTrack tracks the events of packets of 200 messages, all but what the index costs.
func BenchmarkTrack(b *testing.B) {
	s := receipts.New(receipts.Config{Accounts: []receipts.Account{testAccount()}}, receipts.Ports{Index: noIndex{}}, zap.NewNop())
	events := make([]dispatch.Event, 200)
	for i := range events {
		events[i] = dispatch.Event{Hash: "h", Publication: fmt.Sprint("J:", i), Event: job.Event{Job: fmt.Sprint("j", i), Tenant: "shop", Route: "otp", State: job.Submitted,
			Sequence: 1, At: time.Now(), Account: "main", Provider: "prostor", ProviderID: fmt.Sprint(2592608030 + i)}}
	}
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, s.Track(b.Context(), events))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/message")
}
