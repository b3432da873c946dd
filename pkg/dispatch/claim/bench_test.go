package claim

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// batchOf is n jobs as they come: ids of a shop, and a hash and a publication of usual length.
func batchOf(n, from int) []dispatch.ClaimRequest {
	reqs := make([]dispatch.ClaimRequest, n)
	for i := range reqs {
		k := strconv.Itoa(from + i)
		reqs[i] = dispatch.ClaimRequest{Tenant: "shop", ID: "order-" + k, Hash: "9f86d081884c7d659a2feaa0c55ad015",
			Publication: "DISPATCH_JOBS_NORMAL:" + k, Account: "prostor-main", Keep: 72 * 3600e9}
	}
	return reqs
}

func updatesOf(reqs []dispatch.ClaimRequest, claims []dispatch.Claim) []dispatch.Update {
	updates := make([]dispatch.Update, len(reqs))
	for i, r := range reqs {
		record := concluded(r.Publication)
		record.Hash, record.Account, record.Last.Account = r.Hash, r.Account, r.Account
		updates[i] = dispatch.Update{Tenant: r.Tenant, ID: r.ID, Token: claims[i].Token, Record: record, Keep: r.Keep}
	}
	return updates
}

func benchmark(b *testing.B, run func(b *testing.B, s *Store, n int)) {
	client := open(b, redistest.Start(b))
	for _, n := range []int{1, 200, 500} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			require.NoError(b, client.FlushDB(context.Background()).Err())
			s := newStore(b, client, "7d444840-9dc0-11d1-b245-5ffdce74fad2")
			b.ReportAllocs()
			b.ResetTimer()
			run(b, s, n)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/job")
		})
	}
}

// BenchmarkClaim takes jobs that were never seen, n at a time.
func BenchmarkClaim(b *testing.B) {
	benchmark(b, func(b *testing.B, s *Store, n int) {
		for i := range b.N {
			b.StopTimer()
			reqs := batchOf(n, i*n)
			b.StartTimer()
			if _, err := s.Claim(context.Background(), reqs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRecord records results, n at a time.
func BenchmarkRecord(b *testing.B) {
	benchmark(b, func(b *testing.B, s *Store, n int) {
		reqs := batchOf(n, 0)
		claims, err := s.Claim(context.Background(), reqs)
		require.NoError(b, err)
		updates := updatesOf(reqs, claims)
		b.ResetTimer()
		for range b.N { // from the second time on the updates stand already: the same work
			if _, err := s.Record(context.Background(), updates); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMeet claims jobs that are settled, n at a time, as after a redelivery.
func BenchmarkMeet(b *testing.B) {
	benchmark(b, func(b *testing.B, s *Store, n int) {
		reqs := batchOf(n, 0)
		claims, err := s.Claim(context.Background(), reqs)
		require.NoError(b, err)
		_, err = s.Record(context.Background(), updatesOf(reqs, claims))
		require.NoError(b, err)
		b.ResetTimer()
		for range b.N {
			if _, err := s.Claim(context.Background(), reqs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestMemoryOfARecord holds the figure that sizes a Redis: what MEMORY USAGE says of a submitted job's record.
func TestMemoryOfARecord(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "7d444840-9dc0-11d1-b245-5ffdce74fad2")
	info := func() (used int64) {
		text, err := client.InfoMap(t.Context(), "memory").Result()
		require.NoError(t, err)
		_, err = fmt.Sscan(text["Memory"]["used_memory"], &used)
		require.NoError(t, err)
		return used
	}
	const n = 20_000
	before := info()
	for i := range n / 500 {
		reqs := batchOf(500, i*500)
		claims, err := s.Claim(t.Context(), reqs)
		require.NoError(t, err)
		kept, err := s.Record(t.Context(), updatesOf(reqs, claims))
		require.NoError(t, err)
		require.NotContains(t, kept, false)
	}
	usage, err := client.MemoryUsage(t.Context(), key(s, "order-10000")).Result()
	require.NoError(t, err)
	all := (info() - before) / n
	plain, err := client.Get(t.Context(), key(s, "order-10000")).Result()
	require.NoError(t, err)
	t.Logf("a record: %d bytes of value, %d of MEMORY USAGE, %d of used_memory", len(plain), usage, all)
	require.Less(t, usage, int64(400))
	require.Equal(t, job.Submitted, stands(t, s, "order-10000").Record.Last.State)
}

// BenchmarkLife takes and records jobs, 200 at a time, each once, and tells what of it the server's CPU has to bear.
func BenchmarkLife(b *testing.B) {
	client := open(b, redistest.Start(b))
	s := newStore(b, client, "7d44484091dc4b2a")
	busy := func() float64 {
		text, err := client.InfoMap(b.Context(), "cpu").Result()
		require.NoError(b, err)
		var user, system float64
		_, err = fmt.Sscan(text["CPU"]["used_cpu_user_main_thread"]+" "+text["CPU"]["used_cpu_sys_main_thread"], &user, &system)
		require.NoError(b, err)
		return user + system
	}
	const n = 200
	from := busy()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		reqs := batchOf(n, i*n)
		b.StartTimer()
		claims, err := s.Claim(b.Context(), reqs)
		require.NoError(b, err)
		kept, err := s.Record(b.Context(), updatesOf(reqs, claims))
		require.NoError(b, err)
		require.NotContains(b, kept, false)
	}
	b.ReportMetric((busy()-from)*1e6/float64(b.N*n), "server-µs/job")
}
