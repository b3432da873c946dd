package ratelimit

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replica is a worker with a backlog, which comes to its turns as well as it can.
type replica struct {
	packet int
	begins time.Duration
	stops  time.Duration // 0: never
	every  time.Duration // where it has no backlog: how often it has a packet
	late   time.Duration // that it comes, at most
}

// patience is how far into the future the replicas reserve; those with urgent jobs have twice that.
const patience = 10 * time.Millisecond

// rush is what became of a limit over which replicas rushed for a while.
type rush struct {
	calls, packets int     // of replicas with a backlog
	use            float64 // of the rate, by all
	grants         []grant
}

// rushing lets replicas work for a time, and takes a single urgent token every so often.
func rushing(t *testing.T, limit Limit, urgent, lasts time.Duration, replicas []replica) (r rush) {
	c := &clock{micros: 1_790_000_000_123_457}
	l := newLocal(func() int64 { return c.micros })
	begun, end := c.micros, c.micros+lasts.Microseconds()
	random := rand.New(rand.NewPCG(1, 2))
	wakes := make([]int64, len(replicas))
	for i, w := range replicas {
		wakes[i] = begun + w.begins.Microseconds()
	}
	nextUrgent, sum := end, 0
	if urgent > 0 {
		nextUrgent = begun + urgent.Microseconds()
	}
	ask := func(n int, maxWait time.Duration, turn Turn) Reservation {
		got, err := l.Reserve(context.Background(), []Limit{limit}, n, maxWait, turn)
		require.NoError(t, err)
		if got.OK {
			sum += n
			r.grants = append(r.grants, grant{good: c.micros + got.Wait.Microseconds(), tokens: n, limits: []int{0}})
		}
		return got
	}
	for {
		who := 0
		for i := range wakes {
			if wakes[i] < wakes[who] {
				who = i
			}
		}
		if nextUrgent < wakes[who] {
			c.micros = nextUrgent
			if got := ask(1, 2*patience, Turn{}); got.OK {
				nextUrgent += urgent.Microseconds()
			} else {
				nextUrgent += got.Wait.Microseconds()
			}
			continue
		}
		c.micros = wakes[who]
		if c.micros >= end {
			break
		}
		w := replicas[who]
		if w.stops > 0 && c.micros >= begun+w.stops.Microseconds() {
			wakes[who] = end
			continue
		}
		got := ask(w.packet, patience, Turn{Caller: strconv.Itoa(who), More: w.every == 0})
		if w.every == 0 {
			r.calls++
			if got.OK {
				r.packets++
			}
		}
		wakes[who] += max(got.Turn.Microseconds(), 0) + 1 + random.Int64N(w.late.Microseconds()+1)
		if w.every > 0 && got.OK {
			wakes[who] += w.every.Microseconds()
		}
	}
	r.use = float64(sum-limit.Burst) / (limit.Rate * lasts.Seconds())
	return r
}

// within is [lawful] of one limit, for many grants.
func within(t *testing.T, l Limit, grants []grant) {
	slices.SortFunc(grants, func(a, b grant) int { return int(a.good - b.good) })
	level, last := 0.0, grants[0].good
	for _, g := range grants {
		level = max(0, level-l.Rate*float64(g.good-last)/1e6) + float64(g.tokens)
		last = g.good
		require.LessOrEqual(t, level, float64(l.Burst)+1e-6)
	}
}

// TestTurns: under a backlog a packet takes one call, and the rate is used, however many replicas there are and whatever comes in between.
func TestTurns(t *testing.T) {
	busy := func(n, packet int) []replica {
		all := make([]replica, n)
		for i := range all {
			all[i] = replica{packet: packet, late: time.Millisecond}
		}
		return all
	}
	base := Limit{Key: "k", Rate: 5000, Burst: 200}
	stopping := busy(6, 200)
	for i := range stopping[:5] {
		stopping[i].stops = time.Duration(3+2*i) * time.Second
	}
	joining := busy(6, 200)
	for i := range joining {
		joining[i].begins = time.Duration(2*i) * time.Second
	}
	slow := append(busy(3, 200), replica{packet: 200, late: 300 * time.Millisecond})
	// Where others take so much in between that a turn is no more when it was named to be, a packet takes a call in vain.
	for name, c := range map[string]struct {
		limit    Limit
		urgent   time.Duration
		replicas []replica
		calls    float64 // a packet at most
	}{
		"one":                          {base, 0, busy(1, 200), 1.05},
		"four":                         {base, 0, busy(4, 200), 1.05},
		"twenty":                       {base, 0, busy(20, 200), 1.05},
		"four, packets of half":        {base, 0, busy(4, 100), 1.05},
		"a high rate":                  {Limit{"k", 20_000, 200}, 0, busy(4, 200), 1.05},
		"a low rate":                   {Limit{"k", 100, 200}, 0, busy(4, 200), 1.6},
		"a packet of one":              {Limit{"k", 10, 1}, 0, busy(4, 1), 1.05},
		"a burst of packets":           {Limit{"k", 5000, 1000}, 0, busy(4, 200), 1.05},
		"urgent ones":                  {base, 10 * time.Millisecond, busy(4, 200), 1.05},
		"many urgent ones":             {base, 3 * time.Millisecond, busy(4, 200), 2.05},
		"some stop":                    {base, 0, stopping, 1.05},
		"some come":                    {base, 0, joining, 1.05},
		"some have little":             {base, 0, append(busy(3, 200), replica{packet: 7, every: 30 * time.Millisecond}, replica{packet: 1, every: 20 * time.Millisecond}), 2.05},
		"some have packets at times":   {base, 0, append(busy(3, 200), replica{packet: 200, every: 130 * time.Millisecond}), 1.4},
		"one misses most of its turns": {Limit{"k", 5000, 400}, 0, slow, 1.2},
		"of several sizes":             {base, 0, append(busy(2, 200), append(busy(2, 30), busy(2, 1)...)...), 1.2},
	} {
		t.Run(name, func(t *testing.T) {
			r := rushing(t, c.limit, c.urgent, 20*time.Second, c.replicas)
			within(t, c.limit, r.grants)
			calls := float64(r.calls) / float64(r.packets)
			t.Logf("%.3f calls a packet, %.4f of the rate", calls, r.use)
			require.LessOrEqual(t, calls, c.calls)
			require.GreaterOrEqual(t, r.use, 0.98)
		})
	}
}
