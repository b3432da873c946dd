package claim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// knownOf is the event of a message that waits.
func knownOf(id string, state job.State, sequence int) dispatch.Event {
	return dispatch.Event{Hash: "h", Publication: "J:1", Trace: job.Trace{Parent: "p"}, Event: job.Event{Job: id, Tenant: "shop", Route: "otp", Lane: job.Urgent, Channel: job.SMS,
		State: state, Sequence: sequence, At: time.UnixMilli(1_790_000_000_123).UTC(), Attempt: 1, Account: "a", Provider: "prostor", ProviderID: "2592608030",
		Metadata: map[string]string{"k": "v"}}}
}

// stepTo is what a receipt asks for that came a while after.
func stepTo(known dispatch.Event, state job.State) receipts.Step {
	e := known
	e.State, e.Final, e.At, e.ProviderStatus = state, true, known.At.Add(time.Minute), string(state)
	switch state {
	case job.Undelivered:
		e.Error = &job.Reason{Code: job.Undeliverable, Message: "smsc reject"}
	case job.Unknown:
		e.Error = &job.Reason{Code: job.NoReceipt}
	}
	return receipts.Step{Known: known, Told: e}
}

// after is a step's event with its sequence.
func after(s receipts.Step, sequence int) *dispatch.Event {
	e := s.Told
	e.Sequence = sequence
	return &e
}

func advanceOne(t require.TestingT, s *Store, step receipts.Step) receipts.Advance {
	got, err := s.Advance(context.Background(), []receipts.Step{step})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

// Every state a message may be known in meets every receipt: forward only, and with a record or without one.
func TestAdvanceMovesForwardOnly(t *testing.T) {
	forward := map[job.State][]job.State{
		job.Submitted:   {job.Delivered, job.Undelivered, job.Unknown},
		job.Unknown:     {job.Delivered, job.Undelivered},
		job.Undelivered: {job.Delivered},
		job.Delivered:   nil,
	}
	for from, allowed := range forward {
		for _, to := range []job.State{job.Delivered, job.Undelivered, job.Unknown} {
			known := knownOf("x", from, 3)
			s := stepTo(known, to)
			last := known.Event
			record := &found{Token: free, Record: dispatch.Record{Phase: dispatch.Concluded, Hop: 2, Attempts: 1, Sequence: 3, Hash: "h", Publication: "J:1", Account: "a", Last: &last}}
			if from == job.Unknown {
				record.Record.Phase = dispatch.Dead
			}
			for _, stands := range []*found{record, nil} {
				next, a := advance(stands, &s, 0)
				name := fmt.Sprint(from, " to ", to, ", record: ", stands != nil)
				if !slices.Contains(allowed, to) {
					require.Equal(t, receipts.Advance{Verdict: receipts.Known}, a, name)
					continue
				}
				require.Equal(t, receipts.Advance{Verdict: receipts.Advanced, Event: after(s, 4)}, a, name)
				require.Equal(t, dispatch.Concluded, next.Phase, name)
				require.Equal(t, 4, next.Sequence, name)
				require.False(t, next.Published, name)
				if stands != nil {
					require.Equal(t, 2, next.Hop, name)
				}
			}
		}
	}
}

func TestAdvanceLeavesOthersAlone(t *testing.T) {
	known := knownOf("x", job.Submitted, 1)
	s := stepTo(known, job.Delivered)
	record := func(change func(*found)) *found {
		f := &found{Token: free, Record: dispatch.Record{Phase: dispatch.Concluded, Sequence: 1, Hash: "h", Publication: "J:1", Last: &known.Event}}
		change(f)
		return f
	}
	for name, tc := range map[string]struct {
		stands *found
		want   receipts.Verdict
	}{
		"a later epoch":       {record(func(f *found) { f.Record.Epoch = 1 }), receipts.Stale},
		"another publication": {record(func(f *found) { f.Record.Publication = "J:2" }), receipts.Stale},
		"a worker is at it":   {record(func(f *found) { f.Token, f.Lease, f.Record.Phase = "w;", 100, dispatch.Sending }), receipts.Busy},
		"a worker was at it":  {record(func(f *found) { f.Token, f.Lease, f.Record.Phase = "w;", 50, dispatch.Sending }), receipts.Advanced},
		"an earlier epoch":    {record(func(f *found) { f.Record.Epoch = -1 }), receipts.Advanced},
	} {
		_, a := advance(tc.stands, &s, 50)
		require.Equal(t, tc.want, a.Verdict, name)
		if tc.want != receipts.Advanced {
			require.Nil(t, a.Event, name)
		}
	}
}

// The same on a server and in a cluster.
func onBoth(t *testing.T, test func(t *testing.T, client redis.UniversalClient)) {
	t.Run("one server", func(t *testing.T) { test(t, open(t, redistest.Start(t))) })
	t.Run("cluster", func(t *testing.T) {
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.StartCluster(t).Addr}, MaxRetries: -1, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = c.Close() })
		test(t, c)
	})
}

// A receipt that comes again, from whichever worker, gives the same event; and what another one recorded and perhaps didn't publish is told before
// what follows it.
func TestAdvanceGivesTheSameEventAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, client redis.UniversalClient) {
		s := newStore(t, client, "one")
		other := newStore(t, client, "two")
		require.True(t, recordOne(t, s, "x", claimOne(t, s, ask("x")).Token, concluded("J:1")))
		before := lives(t, s, "x")
		known := knownOf("x", job.Submitted, 1)
		undelivered, delivered := stepTo(known, job.Undelivered), stepTo(known, job.Delivered)
		want := receipts.Advance{Verdict: receipts.Advanced, Event: after(undelivered, 2)}
		require.Equal(t, want, advanceOne(t, s, undelivered))
		again := undelivered
		again.Told.At = again.Told.At.Add(time.Hour)
		want.Verdict = receipts.Known
		require.Equal(t, want, advanceOne(t, other, again))
		want.Verdict = receipts.Behind
		require.Equal(t, want, advanceOne(t, other, delivered), "it may not be published")
		next := stepTo(*after(undelivered, 2), job.Delivered)
		require.Equal(t, receipts.Advance{Verdict: receipts.Advanced, Event: after(next, 3)}, advanceOne(t, other, next))
		require.Equal(t, receipts.Advance{Verdict: receipts.Known, Event: after(next, 3)}, advanceOne(t, s, next))
		require.Equal(t, receipts.Advance{Verdict: receipts.Known, Event: after(next, 3)}, advanceOne(t, s, undelivered))
		require.Equal(t, receipts.Advance{Verdict: receipts.Known}, advanceOne(t, s, stepTo(*after(next, 3), job.Delivered)))
		left := lives(t, s, "x")
		require.Positive(t, left)
		require.LessOrEqual(t, left, before, "a record doesn't live longer for it")

		// A redelivery of the job publishes the last event again.
		settled := claimOne(t, s, ask("x"))
		require.Equal(t, dispatch.Settled, settled.Verdict)
		require.Equal(t, job.Delivered, settled.Record.Last.State)
		require.Equal(t, 3, settled.Record.Sequence)
	})
}

// A resolved unknown isn't sent again by a replay of its dead letter.
func TestAdvanceEndsADeadJob(t *testing.T) {
	s := newStore(t, open(t, redistest.Start(t)), "one")
	dead := concluded("J:1")
	dead.Phase, dead.Last.State = dispatch.Dead, job.Unknown
	require.True(t, recordOne(t, s, "x", claimOne(t, s, ask("x")).Token, dead))
	require.Equal(t, receipts.Advanced, advanceOne(t, s, stepTo(knownOf("x", job.Unknown, 1), job.Delivered)).Verdict)
	replay := ask("x")
	replay.Epoch = 1
	c := claimOne(t, s, replay)
	require.Equal(t, dispatch.Settled, c.Verdict)
	require.Equal(t, dispatch.Concluded, c.Record.Phase)
}

// A late receipt of a job that was replayed doesn't touch it while, and after, a worker is at it.
func TestAdvanceOfAnEarlierEpoch(t *testing.T) {
	s := newStore(t, open(t, redistest.Start(t)), "one")
	dead := concluded("J:1")
	dead.Phase, dead.Last.State = dispatch.Dead, job.Unknown
	require.True(t, recordOne(t, s, "x", claimOne(t, s, ask("x")).Token, dead))
	replay := ask("x")
	replay.Epoch = 1
	c := claimOne(t, s, replay)
	require.Equal(t, dispatch.Taken, c.Verdict)
	late := stepTo(knownOf("x", job.Unknown, 1), job.Delivered)
	require.Equal(t, receipts.Advance{Verdict: receipts.Stale}, advanceOne(t, s, late))
	r := concluded("J:1")
	r.Epoch, r.Sequence, r.Last.Sequence = 1, 2, 2
	require.True(t, recordOne(t, s, "x", c.Token, r))
	require.Equal(t, receipts.Advance{Verdict: receipts.Stale}, advanceOne(t, s, late))
	require.Equal(t, 2, stands(t, s, "x").Record.Sequence)
}

// Of many workers with different receipts of one job each tells the truth, and no sequence is given twice.
func TestAdvanceOfManyWorkers(t *testing.T) {
	client := open(t, redistest.Start(t))
	const jobs, workers = 50, 8
	known := make([]dispatch.Event, jobs)
	setup := newStore(t, client, "setup")
	for i := range known {
		known[i] = knownOf(fmt.Sprint(i), job.Submitted, 1)
		if i%2 == 0 { // the others have no record
			require.True(t, recordOne(t, setup, known[i].Job, claimOne(t, setup, ask(known[i].Job)).Token, concluded("J:1")))
		}
	}
	var mu sync.Mutex
	events := map[string]dispatch.Event{} // by id
	var all sync.WaitGroup
	for w := range workers {
		s := newStore(t, client, fmt.Sprint("w", w))
		all.Go(func() {
			state := []job.State{job.Undelivered, job.Delivered, job.Unknown}[w%3]
			steps := make([]receipts.Step, 0, 2*jobs)
			for _, k := range known {
				steps = append(steps, stepTo(k, state), stepTo(k, state)) // twice in a batch
			}
			for len(steps) > 0 {
				got, err := s.Advance(context.Background(), steps)
				if err != nil {
					panic(err)
				}
				var behind []receipts.Step
				mu.Lock()
				for i, a := range got {
					if a.Event != nil {
						if before, there := events[a.Event.ID()]; there && before.State != a.Event.State {
							panic("two events share an id")
						}
						events[a.Event.ID()] = *a.Event
					}
					if a.Verdict == receipts.Behind {
						behind = append(behind, receipts.Step{Known: *a.Event, Told: steps[i].Told})
					}
				}
				mu.Unlock()
				steps = behind
			}
		})
	}
	all.Wait()
	last := map[string]int{}
	for _, e := range events {
		last[e.Job] = max(last[e.Job], e.Sequence)
	}
	for _, k := range known {
		r := stands(t, setup, k.Job).Record
		require.Equal(t, job.Delivered, r.Last.State)
		require.Equal(t, last[k.Job], r.Sequence)
		for n := 2; n <= r.Sequence; n++ {
			e := dispatch.Event{Event: job.Event{Tenant: "shop", Job: k.Job, Sequence: n}}
			require.Contains(t, events, e.ID(), "no gap")
		}
	}
}

func TestAdvanceKnowsALoss(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "one")
	lose(t, client)
	_, err := s.Advance(t.Context(), []receipts.Step{stepTo(knownOf("x", job.Submitted, 1), job.Delivered)})
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	_, err = newUnarmed(t, client).Advance(t.Context(), nil)
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
}

// BenchmarkAdvance carries recorded packets on by receipts, a thousand at a time: of jobs that were sent together, or each of another page.
func BenchmarkAdvance(b *testing.B) {
	const packets, batch = 40, 200
	client := open(b, redistest.Start(b))
	for name, stride := range map[string]int{"adjacent": 1, "scattered": pageSize} {
		b.Run(name, func(b *testing.B) {
			require.NoError(b, client.FlushDB(context.Background()).Err())
			s := newStoreFor(b, client, "7d44484091dc4b2a", window)
			b.ReportAllocs()
			worked, n := 0.0, 0
			var jobs []dispatch.ClaimRequest
			for round := 0; b.Loop(); round++ {
				b.StopTimer()
				if round%pageSize == 0 {
					jobs = jobs[:0]
					for k := range packets {
						reqs := batchOf(batch, (round*packets+k)*batch)
						claims, err := s.Claim(context.Background(), reqs)
						require.NoError(b, err)
						_, err = s.Record(context.Background(), updatesOf(reqs, claims))
						require.NoError(b, err)
						jobs = append(jobs, reqs...)
					}
				}
				steps := make([]receipts.Step, len(jobs)/pageSize)
				for i := range steps {
					r := jobs[(round%pageSize)*len(steps)+i]
					if stride > 1 {
						r = jobs[stride*i+round%pageSize]
					}
					known := knownOf(r.ID, job.Submitted, 1)
					known.Publication, known.Hash = r.Publication, r.Hash
					steps[i] = stepTo(known, job.Delivered)
				}
				worked -= busy(b, client)
				b.StartTimer()
				out, err := s.Advance(b.Context(), steps)
				b.StopTimer()
				worked += busy(b, client)
				require.NoError(b, err)
				for i := range out {
					require.Equal(b, receipts.Advanced, out[i].Verdict)
				}
				n += len(steps)
				b.StartTimer()
			}
			b.ReportMetric(worked/float64(n), "redis-µs/receipt")
		})
	}
}
