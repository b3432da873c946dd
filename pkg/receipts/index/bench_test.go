package index

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// BenchmarkPut adds packets of 200 new messages, and reports the server's CPU for each message beside this process's.
func BenchmarkPut(b *testing.B) {
	c := redistest.Start(b).Client()
	b.Cleanup(func() { _ = c.Close() }) // a test's connection
	x := New(c, "dispatch", "one")
	cpu := func() float64 {
		var system, user float64
		info, err := c.Info(b.Context(), "cpu").Result()
		require.NoError(b, err)
		_, err = fmt.Sscanf(info, "# CPU\r\nused_cpu_sys:%f\r\nused_cpu_user:%f", &system, &user)
		require.NoError(b, err)
		return system + user
	}
	b.ReportAllocs()
	const packet = 200
	entries := make([]receipts.Entry, packet)
	before, n := cpu(), 0
	for b.Loop() {
		for i := range entries {
			n++
			entries[i] = entry(receipts.ByID(fmt.Sprint(2592608030+n)), job.Submitted, 1)
		}
		_, err := x.Put(b.Context(), "main", entries)
		require.NoError(b, err)
	}
	b.ReportMetric((cpu()-before)*1e6/float64(n), "redis-us/message")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "us/message")
}
