package index

import (
	"crypto/md5"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// BenchmarkIndex takes messages in packets of 200 through their way: they are put, matched by their receipts, and settled. It reports the server's CPU of each
// step for each message; time and memory are this process's for all three.
func BenchmarkIndex(b *testing.B) {
	c := redistest.Start(b).Client()
	b.Cleanup(func() { _ = c.Close() }) // a test's connection
	x := New(c, "dispatch", "one")
	made(b, x)
	cpu := func() float64 {
		var system, user float64
		info, err := c.Info(b.Context(), "cpu").Result()
		require.NoError(b, err)
		_, err = fmt.Sscanf(info, "# CPU\r\nused_cpu_sys:%f\r\nused_cpu_user:%f", &system, &user)
		require.NoError(b, err)
		return system + user
	}
	const packet, packets = 200, 10
	var cost [3]float64
	var took [3]time.Duration
	n := 0
	var all [packets][]receipts.Entry
	var rows [packets][]receipts.Receipt
	step := func(which int, do func(p int)) {
		before, begun := cpu(), time.Now()
		for p := range packets {
			do(p)
		}
		took[which] += time.Since(begun)
		cost[which] += cpu() - before
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for p := range packets {
			all[p], rows[p] = make([]receipts.Entry, packet), make([]receipts.Receipt, packet)
			for i := range packet {
				n++
				id := fmt.Sprint(2592608030 + n)
				all[p][i] = entry(receipts.ByID(id), job.Submitted, 1)
				all[p][i].Event.Hash = fmt.Sprintf("%x", md5.Sum([]byte(id))) // as different as hashes are
				rows[p][i] = receipt(id, "", providers.Delivered)
			}
		}
		b.StartTimer()
		step(0, func(p int) {
			_, err := x.Put(b.Context(), "main", all[p])
			require.NoError(b, err)
		})
		step(1, func(p int) {
			found, err := x.Match(b.Context(), "main", rows[p], hour)
			require.NoError(b, err)
			for i, e := range found {
				all[p][i] = *e
				all[p][i].Event.State, all[p][i].Event.Sequence, all[p][i].Until = job.Delivered, 2, at().Add(hour)
			}
		})
		step(2, func(p int) { require.NoError(b, x.Settle(b.Context(), "main", all[p])) })
	}
	for i, what := range []string{"put", "match", "settle"} {
		b.ReportMetric(cost[i]*1e6/float64(n), what+"-redis-us/message")
		b.ReportMetric(float64(took[i].Microseconds())/float64(n), what+"-us/message")
	}
	b.ReportMetric(0, "ns/op")
}
