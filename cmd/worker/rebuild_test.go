package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/claim"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// ruin is a status stream and a Redis that forgot what stood in it.
type ruin struct {
	js     jetstream.JetStream
	layout natsq.Layout
	outlet *natsq.Outlet
	redis  *redis.Client
}

func newRuin(t testing.TB) *ruin {
	nc, js := natstest.Start(t).Connect(t)
	r := &ruin{js: js, redis: redistest.Start(t).Client()}
	t.Cleanup(func() { require.NoError(t, r.redis.Close()) })
	r.layout = natsq.Layout{Prefix: "dispatch", Routes: []string{"otp"}, Replicas: 1, JobsMaxBytes: 64 << 20,
		StatusAge: 7 * 24 * time.Hour, DeadAge: 24 * time.Hour, AckWait: 30 * time.Second}
	_, err := natsq.Provision(t.Context(), js, r.layout)
	require.NoError(t, err)
	r.outlet, err = natsq.NewOutlet(nc, r.layout.Prefix)
	require.NoError(t, err)
	return r
}

// worker is one that isn't whole yet.
func (r *ruin) worker(t testing.TB, name string) (*claim.Store, *rebuilder) {
	s, err := claim.New(r.redis, claim.Config{Prefix: "dispatch", Worker: name, Lease: 30 * time.Second, Window: 72 * time.Hour})
	require.NoError(t, err)
	return s, &rebuilder{claims: s, js: r.js, layout: r.layout, window: 72 * time.Hour, others: func(context.Context) error { return nil }, report: func(error) {}, log: zap.NewNop()}
}

// events are the last ones of n jobs.
func (r *ruin) events(t testing.TB, n int) {
	for from := 0; from < n; from += 2000 {
		batch := make([]dispatch.Event, min(2000, n-from))
		for i := range batch {
			id := fmt.Sprint("order-", from+i)
			batch[i] = dispatch.Event{Event: job.Event{Job: id, Tenant: "shop", Route: "otp", Lane: job.Normal, Channel: job.SMS, State: job.Submitted, Sequence: 1,
				At: time.Now(), Attempt: 1, Account: "prostor-main", Provider: "prostor", ProviderID: fmt.Sprint(2592608030 + from + i), ProviderStatus: "accepted",
				Segments: 1, Cost: "2.35", Currency: "RUB", Metadata: map[string]string{"order": id}},
				Hash: "9f86d081884c7d659a2feaa0c55ad015", Publication: fmt.Sprint("DISPATCH_JOBS_NORMAL:", from+i+1)}
		}
		require.NoError(t, r.outlet.Publish(t.Context(), batch))
	}
}

// Many workers start at once over an empty Redis: all know the same afterwards.
func TestRaceToRebuild(t *testing.T) {
	r := newRuin(t)
	r.events(t, 2500)
	var wg sync.WaitGroup
	for i := range 5 {
		s, rebuilder := r.worker(t, fmt.Sprint("w", i))
		wg.Go(func() {
			if err := rebuilder.restore(t.Context()); err != nil {
				t.Errorf("worker %d: %v", i, err)
				return
			}
			claims, err := s.Claim(t.Context(), []dispatch.ClaimRequest{{Tenant: "shop", ID: "order-2499", Hash: "other", Publication: "DISPATCH_JOBS_NORMAL:9999", Keep: time.Hour}})
			if err != nil || claims[0].Verdict != dispatch.Reused {
				t.Errorf("worker %d: %+v, %v", i, claims, err)
			}
		})
	}
	wg.Wait()
	keys, err := r.redis.Keys(t.Context(), "dispatch:claim:*").Result()
	require.NoError(t, err)
	records := int64(0)
	for _, key := range keys {
		records += r.redis.HLen(t.Context(), key).Val()
	}
	require.EqualValues(t, 2500, records)
}

// A worker that was to rebuild and is no more is waited for, and not for ever; one that was overtaken leaves it to the other.
func TestLeaderDies(t *testing.T) {
	r := newRuin(t)
	r.events(t, 10)
	dead, _ := r.worker(t, "dead")
	_, err := dead.Ensure(t.Context())
	require.NoError(t, err)
	first, err := dead.Lead(t.Context(), 500*time.Millisecond)
	require.NoError(t, err)
	require.True(t, first)
	_, rebuilder := r.worker(t, "next")
	waited := false
	rebuilder.report = func(err error) { waited = waited || err.Error() == "records lost, another worker rebuilds them" }
	require.NoError(t, rebuilder.restore(t.Context()))
	require.True(t, waited)

	require.NoError(t, r.redis.FlushAll(t.Context()).Err())
	s, rebuilder := r.worker(t, "slow")
	_, err = s.Ensure(t.Context())
	require.NoError(t, err)
	first, err = dead.Lead(t.Context(), time.Minute)
	require.NoError(t, err)
	require.True(t, first)
	slow := &restoring{rebuilder: rebuilder, led: time.Now().Add(-leadFor)}
	require.ErrorIs(t, slow.take(t.Context())([]dispatch.Event{{}}, 0), errOvertaken)
}

// Where nothing was ever stored there is nothing to wait for.
func TestFirstStartIsInstant(t *testing.T) {
	r := newRuin(t)
	_, rebuilder := r.worker(t, "first")
	start := time.Now()
	require.NoError(t, rebuilder.restore(t.Context()))
	t.Logf("took %s", time.Since(start))
	guard, err := r.redis.Get(t.Context(), "dispatch:guard:{0}").Result()
	require.NoError(t, err)
	require.NotEmpty(t, guard)
}

// lossy are claims that lose everything until they are repaired.
type lossy struct {
	dispatch.Claims
	lost atomic.Bool
}

func (c *lossy) Claim(context.Context, []dispatch.ClaimRequest) ([]dispatch.Claim, error) {
	if c.lost.Load() {
		return nil, fmt.Errorf("claim: %w", dispatch.ErrClaimsLost)
	}
	return []dispatch.Claim{{Verdict: dispatch.Taken}}, nil
}

func (c *lossy) Record(context.Context, []dispatch.Update) ([]bool, error) {
	if c.lost.Load() {
		return nil, fmt.Errorf("claim: %w", dispatch.ErrClaimsLost)
	}
	return nil, errors.New("no connection")
}

// Calls that meet a loss wait for one rebuilding, unready; it is tried until it succeeds, and other errors are the caller's.
func TestGuard(t *testing.T) {
	claims := &lossy{}
	claims.lost.Store(true)
	tries := make(chan error)
	var running atomic.Int32
	reports := make(chan error, 100)
	g, stop := newGuard(claims, func(ctx context.Context) error {
		require.EqualValues(t, 1, running.Add(1), "one at a time")
		defer running.Add(-1)
		select {
		case err := <-tries:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, func(err error) { reports <- err }, zap.NewNop())
	defer stop()

	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.Claim(impatient, nil)
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	require.ErrorIs(t, err, context.Canceled)
	require.Error(t, <-reports, "not ready while it goes on")

	const callers = 20
	done := make(chan error, callers)
	for range callers {
		go func() { _, err := g.Claim(t.Context(), nil); done <- err }()
	}
	failure := errors.New("redis is down")
	tries <- failure
	require.Equal(t, failure, <-reports)
	require.Empty(t, done)
	claims.lost.Store(false)
	tries <- nil
	for range callers {
		require.NoError(t, <-done)
	}
	require.NoError(t, <-reports, "ready")
	_, err = g.Record(t.Context(), nil)
	require.EqualError(t, err, "no connection")

	claims.lost.Store(true)
	go func() { _, err := g.Record(context.Background(), nil); done <- err }()
	require.Error(t, <-reports)
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}

// BenchmarkRebuild rebuilds 100,000 records. It takes two seconds at least, which it waits for stragglers.
func BenchmarkRebuild(b *testing.B) {
	const n = 100_000
	r := newRuin(b)
	r.events(b, n)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, r.redis.FlushAll(b.Context()).Err())
		s, rebuilder := r.worker(b, "one")
		start := time.Now()
		require.NoError(b, rebuilder.restore(b.Context()))
		b.ReportMetric(time.Since(start).Seconds(), "s/rebuild")
		c, err := s.Claim(b.Context(), []dispatch.ClaimRequest{{Tenant: "shop", ID: fmt.Sprint("order-", n-1), Hash: "other", Publication: "J:1", Keep: time.Hour}})
		require.NoError(b, err)
		require.Equal(b, dispatch.Reused, c[0].Verdict)
	}
}

// BenchmarkReadStatus reads 100,000 events and makes entries of them.
func BenchmarkReadStatus(b *testing.B) {
	const n = 100_000
	r := newRuin(b)
	r.events(b, n)
	for b.Loop() {
		got := 0
		_, err := natsq.ReadStatus(b.Context(), r.js, r.layout, natsq.Excerpt{}, func(events []dispatch.Event, _ uint64) error {
			for i := range events {
				if _, ok := claim.EntryOf(&events[i], time.Now(), time.Hour); ok {
					got++
				}
			}
			return nil
		})
		require.NoError(b, err)
		require.Equal(b, n, got)
	}
}
