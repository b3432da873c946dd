package breaker

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// everywhere runs a test on all implementations, and those on Redis on a real one, on a cluster, and on the imitation that sandboxes use.
func everywhere(t *testing.T, test func(t *testing.T, b Breakers)) {
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

// look is the state of one key.
func look(t *testing.T, b Breakers, key string) State {
	t.Helper()
	s, err := b.Look(t.Context(), []string{"other", key})
	require.NoError(t, err)
	require.Len(t, s, 2)
	require.Equal(t, State{Kind: Closed}, s[0], "what nobody reported on is closed")
	return s[1]
}

// due waits until the key may be probed.
func due(t *testing.T, b Breakers, key string) (ticket string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, got, err := b.Probe(t.Context(), key, time.Minute)
		require.NoError(t, err)
		ticket = got
		return got != ""
	}, 20*time.Second, 10*time.Millisecond)
	return ticket
}

func TestLifeEverywhere(t *testing.T) {
	everywhere(t, func(t *testing.T, b Breakers) {
		ctx := t.Context()
		p := Policy{Failures: 2, Open: 50 * time.Millisecond}
		report := func(r Report) State {
			s, err := b.Report(ctx, "a", p, r)
			require.NoError(t, err)
			seen := look(t, b, "a")
			require.WithinDuration(t, s.Until, seen.Until, 10*time.Second)
			s.Until, seen.Until = time.Time{}, time.Time{}
			require.Equal(t, s, seen, "all see what the reporter was told")
			return s
		}
		require.Equal(t, State{Kind: Closed, Failures: 1}, report(Report{Finding: Failed, Cause: "away", Words: "refused"}))
		s := report(Report{Finding: Failed, Cause: "away", Words: `"refused" ещё раз`})
		require.Equal(t, Open, s.Kind)
		require.Equal(t, "away", s.Cause)
		require.Equal(t, `"refused" ещё раз`, s.Words)

		ticket := due(t, b, "a")
		require.Equal(t, HalfOpen, look(t, b, "a").Kind)
		require.InDelta(t, 60, time.Until(look(t, b, "a").Until).Seconds(), 10)
		s = report(Report{Finding: Succeeded, Ticket: ticket})
		require.Equal(t, State{Kind: Closed, Generation: s.Generation}, s)

		report(Report{Finding: Refused, Generation: s.Generation, Cause: "funds", For: 20 * time.Millisecond})
		report(Report{Finding: Nothing, Ticket: due(t, b, "a")})
		s = report(Report{Finding: Blocked, Ticket: due(t, b, "a"), Cause: "slow", For: time.Hour})
		require.True(t, s.Itself)
		require.InDelta(t, 3600, time.Until(look(t, b, "a").Until).Seconds(), 10)
		_, none, err := b.Probe(ctx, "a", time.Minute)
		require.NoError(t, err)
		require.Empty(t, none)

		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = b.Report(ended, "a", p, Report{Finding: Failed})
		require.ErrorIs(t, err, context.Canceled)
	})
}

// Reports that come at the same time all count, and of many that want the probe one gets it.
func TestManyAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, b Breakers) {
		const many = 20
		p := Policy{Failures: many, Open: time.Millisecond}
		together := func(do func(i int)) {
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() { do(i) })
			}
			all.Wait()
		}
		errs := make([]error, many)
		together(func(i int) {
			_, errs[i] = b.Report(t.Context(), "a", p, Report{Finding: Failed, Cause: fmt.Sprint(i)})
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, Open, look(t, b, "a").Kind)
		time.Sleep(5 * time.Millisecond) // the server's time, not a race: until the probe is due
		tickets := make([]string, many)
		together(func(i int) { _, tickets[i], errs[i] = b.Probe(t.Context(), "a", time.Minute) })
		taken := 0
		for i, err := range errs {
			require.NoError(t, err)
			if tickets[i] != "" {
				taken++
			}
		}
		require.Equal(t, 1, taken)
	})
}

// A state outlives what is to come of it by an hour, and not for ever.
func TestStatesVanish(t *testing.T) {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	b := NewRedis(client, "t")
	_, err := b.Report(t.Context(), "a", Policy{Failures: 1, Open: 2 * time.Hour}, Report{Finding: Failed})
	require.NoError(t, err)
	ttl, err := client.TTL(t.Context(), "{t:breaker}:a").Result()
	require.NoError(t, err)
	require.InDelta(t, 3, ttl.Hours(), 0.1)
}

// What another version left is as nothing, and is replaced.
func TestUnreadableState(t *testing.T) {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	b := NewRedis(client, "t")
	require.NoError(t, client.Set(t.Context(), "{t:breaker}:a", "what?", 0).Err())
	require.Equal(t, State{Kind: Closed}, look(t, b, "a"))
	s, err := b.Report(t.Context(), "a", Policy{Failures: 1, Open: time.Hour}, Report{Finding: Failed})
	require.NoError(t, err)
	require.Equal(t, Open, s.Kind)
}

// Without an answer nothing is known, and that is said.
func TestNoRedis(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	b := NewRedis(client, "t")
	server.Kill()
	_, err := b.Look(t.Context(), []string{"a"})
	require.ErrorContains(t, err, "breaker: read the states")
	_, _, err = b.Probe(t.Context(), "a", time.Second)
	require.Error(t, err)
}
