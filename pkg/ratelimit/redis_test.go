package ratelimit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

type both interface {
	Limiter
	Slots
}

// everywhere runs a test on all implementations, and those on Redis on a real one, on a cluster, and on the imitation that sandboxes use.
func everywhere(t *testing.T, test func(t *testing.T, l both)) {
	on := func(t *testing.T, client redis.UniversalClient) {
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		test(t, NewRedis(client, "t"))
	}
	t.Run("local", func(t *testing.T) { test(t, NewLocal()) })
	t.Run("redis", func(t *testing.T) { on(t, redistest.Start(t).Client()) })
	t.Run("cluster", func(t *testing.T) {
		on(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.StartCluster(t).Addr}, MaxRetries: -1}))
	})
	t.Run("miniredis", func(t *testing.T) {
		on(t, redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), MaxRetries: -1}))
	})
}

// slow is a limit that nothing of comes back of while a test runs.
func slow(key string, burst int) Limit { return Limit{Key: key, Rate: 1e-3, Burst: burst} }

func TestLimiterEverywhere(t *testing.T) {
	everywhere(t, func(t *testing.T, l both) {
		ctx := t.Context()
		account, tenant := slow("account", 10), slow("tenant", 4)
		must := func(r Reservation, err error) Reservation {
			require.NoError(t, err)
			return r
		}
		require.Equal(t, Reservation{OK: true}, must(l.Reserve(ctx, nil, 5, 0, Turn{})))
		require.Equal(t, Reservation{OK: true}, must(l.Reserve(ctx, []Limit{account, tenant}, 3, 0, Turn{})))

		refused := must(l.Reserve(ctx, []Limit{account, tenant}, 2, 0, Turn{})) // the tenant has 1
		require.False(t, refused.OK)
		require.False(t, refused.Blocked)
		require.InDelta(t, 1000, refused.Wait.Seconds(), 60)
		require.Equal(t, Reservation{OK: true}, must(l.Reserve(ctx, []Limit{account}, 7, 0, Turn{})), "all or nothing: the account lost none")

		ahead := must(l.Reserve(ctx, []Limit{account}, 5, 2*time.Hour, Turn{}))
		require.True(t, ahead.OK)
		require.InDelta(t, 5000, ahead.Wait.Seconds(), 60)
		refused = must(l.Reserve(ctx, []Limit{account}, 1, time.Hour, Turn{}))
		require.InDelta(t, 6000-3600, refused.Wait.Seconds(), 60, "worth asking again when it would be good within the hour")
		require.NoError(t, l.Refund(ctx, []Limit{account}, 5))
		require.InDelta(t, 1000, must(l.Reserve(ctx, []Limit{account}, 1, 0, Turn{})).Wait.Seconds(), 60)

		full := slow("full", 6)
		require.True(t, must(l.Reserve(ctx, []Limit{full}, 6, 0, Turn{})).OK)
		require.NoError(t, l.Refund(ctx, []Limit{full}, 6))
		require.NoError(t, l.Refund(ctx, []Limit{full}, 6), "more than was taken")
		require.True(t, must(l.Reserve(ctx, []Limit{full}, 6, 0, Turn{})).OK)
		require.False(t, must(l.Reserve(ctx, []Limit{full}, 1, 0, Turn{})).OK, "never more than the burst")

		require.NoError(t, l.Block(ctx, "blocked", time.Hour))
		require.NoError(t, l.Block(ctx, "blocked", time.Second), "a shorter one changes nothing")
		refused = must(l.Reserve(ctx, []Limit{slow("blocked", 1)}, 1, time.Minute, Turn{}))
		require.True(t, refused.Blocked)
		require.InDelta(t, 3540, refused.Wait.Seconds(), 60)
		after := must(l.Reserve(ctx, []Limit{slow("blocked", 1)}, 1, 2*time.Hour, Turn{}))
		require.True(t, after.OK)
		require.InDelta(t, 3600, after.Wait.Seconds(), 60)
	})
}

func TestTurnsEverywhere(t *testing.T) {
	everywhere(t, func(t *testing.T, l both) {
		limit := slow("k", 10)
		ask := func(caller string, more, ok bool) float64 {
			r, err := l.Reserve(t.Context(), []Limit{limit}, 10, time.Hour, Turn{Caller: caller, More: more})
			require.NoError(t, err)
			require.Equal(t, ok, r.OK)
			return r.Turn.Seconds()
		}
		// A packet takes 10,000 s; a turn is half an hour before it.
		require.InDelta(t, 8200, ask("a", true, true), 60)
		require.InDelta(t, 18200, ask("b", true, false), 60)
		require.InDelta(t, 28200, ask("c", false, false), 60)
		require.InDelta(t, 18200, ask("b", true, false), 60, "it keeps its place")
		require.InDelta(t, 8200, ask("a", true, false), 60)
		require.Zero(t, ask("", true, false), "nobody")
		require.NoError(t, l.Refund(t.Context(), []Limit{limit}, 10))
		require.Zero(t, ask("a", false, true), "it wants no more")
		require.InDelta(t, 8200, ask("d", true, false), 60, "and has left its place")
		require.InDelta(t, 38200, ask("a", true, false), 60)

		_, err := l.Reserve(t.Context(), []Limit{limit}, 1, 0, Turn{Caller: "a b"})
		require.ErrorIs(t, err, ErrInvalid)
	})
}

func TestImpossibleCalls(t *testing.T) {
	everywhere(t, func(t *testing.T, l both) {
		good := Limit{Key: "k", Rate: 1, Burst: 2}
		for _, c := range []struct {
			limits []Limit
			n      int
		}{
			{[]Limit{good}, 3}, {[]Limit{good}, 0}, {[]Limit{good, good}, 1}, {[]Limit{{Key: "k", Burst: 2}}, 1}, {[]Limit{{Key: "k", Rate: -1, Burst: 2}}, 1},
		} {
			_, err := l.Reserve(t.Context(), c.limits, c.n, 0, Turn{})
			require.ErrorIs(t, err, ErrInvalid)
			require.ErrorIs(t, l.Refund(t.Context(), c.limits, c.n), ErrInvalid)
		}
		_, _, err := l.Acquire(t.Context(), "k", 0, time.Second)
		require.ErrorIs(t, err, ErrInvalid)
		done, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = l.Reserve(done, []Limit{good}, 1, 0, Turn{})
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestSlotsEverywhere(t *testing.T) {
	everywhere(t, func(t *testing.T, l both) {
		ctx := t.Context()
		take := func(hold time.Duration) (Slot, bool) {
			s, ok, err := l.Acquire(ctx, "k", 2, hold)
			require.NoError(t, err)
			return s, ok
		}
		first, ok := take(time.Hour)
		require.True(t, ok)
		second, ok := take(time.Hour)
		require.True(t, ok)
		require.NotEqual(t, first, second)
		_, ok = take(time.Hour)
		require.False(t, ok)
		_, ok, err := l.Acquire(ctx, "another", 1, time.Hour)
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, l.Release(ctx, first))
		require.NoError(t, l.Release(ctx, first), "twice is no error")
		_, ok = take(time.Microsecond) // a replica that is killed
		require.True(t, ok)
		require.Eventually(t, func() bool { _, ok := take(time.Hour); return ok }, 10*time.Second, time.Millisecond)
		_, ok = take(time.Hour)
		require.False(t, ok)
	})
}

// TestTheRateIsUsed: under backlog, with fractions that no whole number of microseconds holds, nothing is lost or won.
func TestTheRateIsUsed(t *testing.T) {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	for _, limit := range []Limit{{"half", 0.5, 1}, {"third", 333, 10}, {"seven", 7.7, 3}, {"fast", 90000, 500}} {
		t.Run(limit.Key, func(t *testing.T) {
			ctx := t.Context()
			c := &clock{micros: 1_790_000_000_123_457}
			start := c.micros
			remote := newTimed(client, "t", c)
			local := newLocal(func() int64 { return c.micros })
			tokens, last := 0, int64(0)
			for i := range 1500 {
				n := 1 + i%limit.Burst
				require.NoError(t, remote.set(ctx))
				r, err := local.Reserve(ctx, []Limit{limit}, n, 200*time.Millisecond, Turn{})
				require.NoError(t, err)
				same, err := remote.Reserve(ctx, []Limit{limit}, n, 200*time.Millisecond, Turn{})
				require.NoError(t, err)
				require.Equal(t, r, same)
				if r.OK {
					tokens, last = tokens+n, c.micros+r.Wait.Microseconds()
				} else {
					c.pass(r.Wait + 3*time.Millisecond) // a caller is never quite on time
				}
			}
			most := float64(limit.Burst) + limit.Rate*float64(last-start)/1e6
			require.LessOrEqual(t, float64(tokens), most+1e-6)
			require.GreaterOrEqual(t, float64(tokens), 0.98*most-1)
		})
	}
}

// TestReplicasTogether: what many clients are granted by the server's own clock stays within the law.
func TestReplicasTogether(t *testing.T) {
	server := redistest.Start(t)
	limit := Limit{Key: "k", Rate: 2000, Burst: 20}
	var mu sync.Mutex
	var good []time.Duration
	var all sync.WaitGroup
	first := time.Now()
	for range 8 {
		all.Go(func() {
			client := server.Client()
			defer func() { _ = client.Close() }()
			l := NewRedis(client, "t")
			for range 50 {
				r, err := l.Reserve(context.Background(), []Limit{limit}, 5, time.Hour, Turn{})
				if err != nil || !r.OK {
					t.Errorf("reserve: %+v, %v", r, err)
					return
				}
				mu.Lock()
				good = append(good, time.Since(first)+r.Wait)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.Len(t, good, 400)
	var latest time.Duration
	for _, g := range good {
		latest = max(latest, g)
	}
	// 2000 tokens need (2000 - 20) / 2000 s at least; the answers' way only adds to that.
	require.GreaterOrEqual(t, latest, 990*time.Millisecond)
}

func TestIdleKeysVanish(t *testing.T) {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	l := NewRedis(client, "t")
	_, err := l.Reserve(t.Context(), []Limit{{"k", 10, 100}}, 100, 0, Turn{Caller: "a", More: true})
	require.NoError(t, err)
	require.NoError(t, l.Refund(t.Context(), []Limit{{"k", 10, 100}}, 1))
	require.NoError(t, l.Block(t.Context(), "k", time.Minute))
	_, _, err = l.Acquire(t.Context(), "k", 1, time.Minute)
	require.NoError(t, err)
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 4)
	for _, key := range keys {
		left, err := client.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Greater(t, left, time.Second, key)
		require.LessOrEqual(t, left, RefundWithin+61*time.Second, key)
	}
}

func TestLocalForgetsTheIdle(t *testing.T) {
	c := &clock{micros: 1}
	l := newLocal(func() int64 { return c.micros })
	for i := range 10_000 {
		_, err := l.Reserve(t.Context(), []Limit{{string(rune('a' + i)), 100, 1}}, 1, 0, Turn{Caller: "a", More: true})
		require.NoError(t, err)
		require.NoError(t, l.Block(t.Context(), string(rune('a'+i)), time.Second))
		c.pass(time.Second)
	}
	require.Less(t, l.size(), 300)
}

func BenchmarkReserve(b *testing.B) {
	client := redistest.Start(b).Client()
	b.Cleanup(func() { require.NoError(b, client.Close()) })
	l := NewRedis(client, "t")
	limits := []Limit{{"account", 1e6, 1000}, {"tenant", 1e6, 1000}}
	for name, some := range map[string][]Limit{"one": limits[:1], "two": limits} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := l.Reserve(context.Background(), some, 200, time.Hour, Turn{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
