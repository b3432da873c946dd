package claim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

const window = 72 * time.Hour

// batchOf is n jobs as they come: ids of a shop, and a hash and a publication of usual length.
func batchOf(n, from int) []dispatch.ClaimRequest {
	reqs := make([]dispatch.ClaimRequest, n)
	for i := range reqs {
		k := strconv.Itoa(from + i)
		reqs[i] = dispatch.ClaimRequest{Tenant: "shop", ID: "order-" + k, Hash: hashOf(from + i),
			Publication: "DISPATCH_JOBS_NORMAL:" + k, Account: "prostor-main", Keep: window}
	}
	return reqs
}

// hashOf is a hash as different from others as they are.
func hashOf(n int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(n)))
	return hex.EncodeToString(sum[:16])
}

func updatesOf(reqs []dispatch.ClaimRequest, claims []dispatch.Claim) []dispatch.Update {
	updates := make([]dispatch.Update, len(reqs))
	for i, r := range reqs {
		record := concluded(r.Publication)
		record.Last.ProviderID = strconv.Itoa(2592608030 + len(r.ID) + int(binary.BigEndian.Uint16([]byte(r.Hash))))
		record.Hash, record.Account, record.Last.Account = r.Hash, r.Account, r.Account
		updates[i] = dispatch.Update{Tenant: r.Tenant, ID: r.ID, Token: claims[i].Token, Record: record, Keep: r.Keep}
	}
	return updates
}

// busy is how long the server's main thread has worked so far, in µs.
func busy(b *testing.B, client redis.UniversalClient) float64 {
	text, err := client.InfoMap(b.Context(), "cpu").Result()
	require.NoError(b, err)
	var user, system float64
	_, err = fmt.Sscan(text["CPU"]["used_cpu_user_main_thread"]+" "+text["CPU"]["used_cpu_sys_main_thread"], &user, &system)
	require.NoError(b, err)
	return (user + system) * 1e6
}

// benchmark runs batches of n jobs, in rounds. prepare makes the next round, whose batches one returns.
func benchmark(b *testing.B, prepare func(b *testing.B, s *Store, reqs [][]dispatch.ClaimRequest) (one func(k int) error)) {
	client := open(b, redistest.Start(b))
	const round = 100
	for _, n := range []int{1, 200, 500} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			require.NoError(b, client.FlushDB(context.Background()).Err())
			s := newStoreFor(b, client, "7d44484091dc4b2a", window)
			b.ReportAllocs()
			b.ResetTimer()
			worked := 0.0
			for from := 0; from < b.N; from += round {
				b.StopTimer()
				reqs := make([][]dispatch.ClaimRequest, min(round, b.N-from))
				for k := range reqs {
					reqs[k] = batchOf(n, (from+k)*n)
				}
				one := prepare(b, s, reqs)
				worked -= busy(b, client)
				b.StartTimer()
				for k := range reqs {
					if err := one(k); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				worked += busy(b, client)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/job")
			b.ReportMetric(worked/float64(b.N*n), "redis-µs/job")
		})
	}
}

// BenchmarkClaim takes jobs that were never seen, n at a time.
func BenchmarkClaim(b *testing.B) {
	benchmark(b, func(_ *testing.B, s *Store, reqs [][]dispatch.ClaimRequest) func(int) error {
		return func(k int) error {
			_, err := s.Claim(context.Background(), reqs[k])
			return err
		}
	})
}

// BenchmarkRecord records results, n at a time.
func BenchmarkRecord(b *testing.B) {
	benchmark(b, func(b *testing.B, s *Store, reqs [][]dispatch.ClaimRequest) func(int) error {
		updates := make([][]dispatch.Update, len(reqs))
		for k := range reqs {
			claims, err := s.Claim(context.Background(), reqs[k])
			require.NoError(b, err)
			updates[k] = updatesOf(reqs[k], claims)
		}
		return func(k int) error {
			_, err := s.Record(context.Background(), updates[k])
			return err
		}
	})
}

// BenchmarkMeet claims jobs that are settled, n at a time, as after a redelivery.
func BenchmarkMeet(b *testing.B) {
	benchmark(b, func(b *testing.B, s *Store, reqs [][]dispatch.ClaimRequest) func(int) error {
		for k := range reqs {
			claims, err := s.Claim(context.Background(), reqs[k])
			require.NoError(b, err)
			_, err = s.Record(context.Background(), updatesOf(reqs[k], claims))
			require.NoError(b, err)
		}
		return func(k int) error {
			_, err := s.Claim(context.Background(), reqs[k])
			return err
		}
	})
}

// TestMemoryOfARecord holds the figure that sizes a Redis: what MEMORY USAGE says of a submitted job's record.
func TestMemoryOfARecord(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStoreFor(t, client, "7d44484091dc4b2a", window)
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
	all := (info() - before) / n
	t.Logf("a record: %d bytes of text, %d of used_memory", len(placeOfJob(t, s, "order-10000").text(t)), all)
	require.Less(t, all, int64(330))
	require.Equal(t, job.Submitted, stands(t, s, "order-10000").Record.Last.State)
}

// BenchmarkLife takes and records jobs, 200 at a time, each once, and tells what of it the server's CPU has to bear.
func BenchmarkLife(b *testing.B) {
	client := open(b, redistest.Start(b))
	s := newStoreFor(b, client, "7d44484091dc4b2a", window)
	const n = 200
	from := busy(b, client)
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
	b.ReportMetric((busy(b, client)-from)/float64(b.N*n), "redis-µs/job")
}
