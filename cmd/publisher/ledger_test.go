package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// told is an event of the job shop/a as a worker tells it.
func told(sequence int, state job.State, final bool) *dispatch.Event {
	return &dispatch.Event{
		Event:       job.Event{Job: "a", Tenant: "shop", Route: "otp", Lane: job.Bulk, State: state, Final: final, Sequence: sequence},
		Publication: "DISPATCH_JOBS_BULK:42",
	}
}

func TestLedgerJudges(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	const grace, receipts = 10 * time.Minute, 72 * time.Hour
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	due := func(e *dispatch.Event, ahead time.Duration) *dispatch.Event { e.Due = now.Add(ahead); return e }
	for _, c := range []struct {
		name     string
		last     *dispatch.Event
		ago      time.Duration
		held     bool
		problems []string
		counted  report
	}{
		{"delivered", told(1, job.Delivered, true), time.Hour, false, nil, report{Ended: 1}},
		{"submitted for good", told(1, job.Submitted, true), time.Hour, false, nil, report{Ended: 1}},
		{"failed", told(1, job.Failed, true), time.Hour, false, nil, report{Ended: 1}},
		{"submitted, the receipt is to come", told(1, job.Submitted, false), 71 * time.Hour, false, nil, report{Awaiting: 1}},
		{"submitted, the receipt should have come", told(1, job.Submitted, false), 73 * time.Hour, false, []string{noReceipt}, report{Awaiting: 1}},
		{"waits since just now", told(1, job.Waiting, false), 9 * time.Minute, false, nil, report{UnderWay: 1}},
		{"waits for long in a stream", told(1, job.Waiting, false), time.Hour, true, nil, report{UnderWay: 1}},
		{"waited and vanished", told(1, job.Waiting, false), 11 * time.Minute, false, []string{noEnd}, report{}},
		{"scheduled", due(told(1, job.Scheduled, false), time.Hour), 100 * time.Hour, false, nil, report{UnderWay: 1}},
		{"scheduled and due", due(told(1, job.Scheduled, false), -9*time.Minute), 100 * time.Hour, false, nil, report{UnderWay: 1}},
		{"scheduled and vanished", due(told(1, job.Scheduled, false), -time.Hour), 100 * time.Hour, false, []string{noEnd}, report{}},
		{"retrying", due(told(1, job.Retrying, false), time.Minute), time.Hour, false, nil, report{UnderWay: 1}},
		{"a state of a later version", told(1, "parked", false), time.Hour, false, []string{noEnd}, report{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger()
			l.enter(c.last, at(c.ago))
			r := l.report(at(200*time.Hour), now, grace, receipts, found{held: map[string]bool{"shop/a": c.held}})
			var problems []string
			for _, p := range r.Problems {
				require.Equal(t, problem{p.Problem, "a", "shop", "otp", job.Bulk, c.last.State, 1, at(c.ago), nil}, p)
				problems = append(problems, p.Problem)
			}
			require.Equal(t, c.problems, problems)
			require.Equal(t, c.counted, report{Ended: r.Ended, Awaiting: r.Awaiting, UnderWay: r.UnderWay})
			require.Equal(t, map[job.State]int{c.last.State: 1}, r.States)
			require.Equal(t, []int{1, 1, 0}, []int{r.Jobs, r.Events, r.Cut})
		})
	}
}

func TestLedgerLeavesOutWhatNeverBecameAJob(t *testing.T) {
	l := newLedger()
	l.enter(told(0, job.Rejected, true), time.Now())
	l.enter(told(0, job.Duplicate, false), time.Now())
	r := l.report(time.Now(), time.Now(), 0, 0, found{})
	require.Equal(t, []int{0, 2, 2}, []int{r.Jobs, r.Others, r.Events})
}

// Whatever the order of a job's events and however often each comes, what is missing between the first and the last is told.
func TestLedgerFindsGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.IntRange(1, 5).Draw(t, "first")
		seen := rapid.SliceOfN(rapid.IntRange(first, first+width-1), 1, 100).Draw(t, "seen")
		l := newLedger()
		for _, s := range seen {
			l.enter(told(s, job.State(fmt.Sprint(s)), false), time.Now())
		}
		e := l.jobs["shop/a"]
		low, high := slices.Min(seen), slices.Max(seen)
		var missing []int
		for s := low; s <= high; s++ {
			if !slices.Contains(seen, s) {
				missing = append(missing, s)
			}
		}
		require.Equal(t, missing, e.missing())
		require.Equal(t, len(missing) > 0, e.gaps())
		require.EqualValues(t, low, e.first)
		require.EqualValues(t, high, e.last)
		require.Equal(t, fmt.Sprint(high), string(l.known[e.state]), "the last event counts")
	})
}

// Of long lives the gap is told, if not its place.
func TestLedgerOfLongLives(t *testing.T) {
	for _, c := range []struct {
		without int
		gaps    bool
	}{{0, false}, {2, true}, {100, true}, {199, true}} {
		l := newLedger()
		for s := 1; s <= 200; s++ {
			if s != c.without {
				l.enter(told(s, job.Waiting, false), time.Now())
			}
		}
		e := l.jobs["shop/a"]
		require.Equal(t, c.gaps, e.gaps(), "without %d", c.without)
	}
	l := newLedger()
	l.enter(told(1, job.Waiting, false), time.Now())
	l.enter(told(1<<40, job.Waiting, false), time.Now())
	e := l.jobs["shop/a"]
	require.True(t, e.gaps())
	l.enter(told(1, job.Waiting, false), time.Now())
	require.Equal(t, []string{"shop/a"}, slices.Collect(maps.Keys(l.jobs)))
}

// BenchmarkLedger measures the memory that a job is held in whose id is a UUID.
func BenchmarkLedger(b *testing.B) {
	const jobs = 1_000_000
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		l := newLedger()
		e := told(1, job.Submitted, false)
		for i := range jobs {
			e.Job = fmt.Sprintf("019abcde-0000-7000-8000-%012d", i)
			l.enter(e, time.Time{})
		}
		b.ReportMetric(float64(heap()-before)/jobs, "bytes/job")
		require.Len(b, l.jobs, jobs)
	}
}
