package main

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// Of many workers one asks in each pace, or for another reason; all know what it learnt.
func TestBalancesAreAskedForOnce(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		askedForOnce(t, redis.NewClient(&redis.Options{Addr: redistest.Start(t).Addr}))
	})
	t.Run("cluster", func(t *testing.T) {
		askedForOnce(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.StartCluster(t).Addr}}))
	})
}

func askedForOnce(t *testing.T, db redis.UniversalClient) {
	defer func() { require.NoError(t, db.Close()) }()
	s := balanceStore{db, "p"}
	turns := func(reason string, pace time.Duration) int64 {
		var asks atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, ask, err := s.look(t.Context(), "a", reason, pace)
				if err != nil {
					t.Error(err)
				}
				if ask {
					asks.Add(1)
				}
			})
		}
		all.Wait()
		return asks.Load()
	}
	require.EqualValues(t, 1, turns("schedule", time.Hour))
	require.EqualValues(t, 0, turns("schedule", time.Hour))
	require.EqualValues(t, 1, turns("pause 7", time.Hour))
	require.EqualValues(t, 1, turns("short", 50*time.Millisecond))
	require.Eventually(t, func() bool { return turns("short", time.Hour) == 1 }, 10*time.Second, 10*time.Millisecond)

	last, _, err := s.look(t.Context(), "a", "schedule", time.Hour)
	require.NoError(t, err)
	require.Nil(t, last)
	r := reading{At: time.Now(), Purses: purses([3]string{"1.50", "", "RUB"}), Generation: 9}
	require.NoError(t, s.save(t.Context(), "a", r))
	last, _, err = s.look(t.Context(), "a", "schedule", time.Hour)
	require.NoError(t, err)
	require.True(t, r.At.Equal(last.At))
	require.Equal(t, r.Purses, last.Purses)
	require.Equal(t, r.Generation, last.Generation)
	left, err := db.TTL(t.Context(), "{p:balance}:a").Result()
	require.NoError(t, err)
	require.InDelta(t, knownFor.Seconds(), left.Seconds(), 60)
	require.NoError(t, db.Set(t.Context(), "{p:balance}:a", "not ours", 0).Err())
	last, _, err = s.look(t.Context(), "a", "schedule", time.Hour)
	require.NoError(t, err)
	require.Nil(t, last, "what can't be read is as none")
}
