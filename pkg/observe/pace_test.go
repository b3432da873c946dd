package observe

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBounds(t *testing.T) {
	// 4 requests of 100 at a time, 100 ms each: 4,000 jobs a second.
	unlimited := Account{InFlight: 4, Batch: 100}
	with := func(rate float64, total int) Account {
		a := unlimited
		a.Rate, a.InFlightTotal = rate, total
		return a
	}
	tenth := pace{request: 100 * time.Millisecond}
	braked := func(share float64) pace { return pace{request: tenth.request, braked: share} }
	for name, c := range map[string]struct {
		pending          uint64
		account          Account
		pace             pace
		shut             bool
		worker, provider float64
	}{
		"nothing waits":                            {0, unlimited, tenth, false, 0, 0},
		"no limit: workers are short":              {40_000, unlimited, tenth, false, 10, 0},
		"nothing was sent yet":                     {40_000, unlimited, pace{}, false, 10, 0},
		"slow requests":                            {40_000, unlimited, pace{request: time.Second}, false, 100, 0},
		"a rate below one worker's":                {40_000, with(400, 0), tenth, false, 0, 100},
		"a rate that equals one worker's":          {40_000, with(4000, 0), tenth, false, 0, 10},
		"a rate above one worker's":                {40_000, with(8000, 0), tenth, false, 10, 0},
		"the same, braked at times":                {40_000, with(8000, 0), braked(0.25), false, 7.5, 0},
		"the same, used up by all workers":         {40_000, with(8000, 0), braked(0.75), false, 2.5, 5},
		"the same, all of the time":                {40_000, with(8000, 0), braked(1), false, 0, 5},
		"as many slots over all as one worker has": {40_000, with(0, 4), tenth, false, 0, 10},
		"fewer":                {40_000, with(0, 2), tenth, false, 0, 20},
		"more":                 {40_000, with(0, 8), tenth, false, 10, 0},
		"more, but a low rate": {40_000, with(100, 8), tenth, false, 0, 400},
		"left alone, no limit": {40_000, unlimited, tenth, true, 0, 10},
		"left alone, with a rate above one worker's": {40_000, with(8000, 0), tenth, true, 0, 10},
		"left alone, with a rate below one worker's": {40_000, with(400, 0), tenth, true, 0, 100},
	} {
		t.Run(name, func(t *testing.T) {
			worker, provider := bounds(c.pending, c.account, c.pace, c.shut)
			require.InDelta(t, c.worker, worker, 1e-9)
			require.InDelta(t, c.provider, provider, 1e-9)
		})
	}
}

// Whatever the figures are, both bounds are finite, and a queue that isn't empty has one unless it is hardly braked and without limit.
func TestBoundsAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Account{InFlight: rapid.IntRange(1, 1000).Draw(t, "in flight"), Batch: rapid.IntRange(1, 1000).Draw(t, "batch"),
			InFlightTotal: rapid.IntRange(0, 1000).Draw(t, "total"), Rate: rapid.SampledFrom([]float64{0, 0.1, 1, 1e3, 1e6}).Draw(t, "rate")}
		p := pace{request: time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "request")), braked: rapid.Float64Range(0, 1).Draw(t, "braked")}
		n := rapid.Uint64Range(0, 1e9).Draw(t, "pending")
		worker, provider := bounds(n, a, p, rapid.Bool().Draw(t, "shut"))
		for _, v := range []float64{worker, provider} {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0) || v < 0, "%v", v)
		}
		if n == 0 {
			require.Zero(t, worker+provider)
		} else if p.braked < 1 {
			require.NotZero(t, worker+provider)
		}
	})
}
