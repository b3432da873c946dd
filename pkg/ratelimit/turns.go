package ratelimit

import (
	"math"
	"slices"
)

// turn is a moment that was named to a caller to ask at for that many tokens.
type turn struct {
	at     int64 // µs
	tokens int
	caller string
}

// turns are those given for a limit and not yet come, in the order of their times.
type turns []turn

// others are the turns but for the caller's own and those that nobody came to.
func (ts turns) others(caller string, now, lead int64) (left turns) {
	for _, t := range ts {
		if t.caller != caller && t.at >= now-lead {
			left = append(left, t)
		}
	}
	return left
}

// free is the first moment from the given one on that isn't another's. Each turn takes as long as the rate needs for its tokens. The times that were named
// are a little off by now, since callers without a turn take tokens, too; a gap counts from half a turn on.
func (ts turns) free(l Limit, n int, from int64) int64 {
	rate := l.Rate / 1e6
	free, half := float64(from), float64(n)/rate/2
	for _, t := range ts {
		if float64(t.at) >= free+half {
			break
		}
		free += float64(t.tokens) / rate
	}
	return int64(math.Ceil(free))
}

// with adds a turn.
func (ts turns) with(t turn) turns {
	place := 0
	for place < len(ts) && ts[place].at <= t.at {
		place++
	}
	return slices.Insert(ts, place, t)
}
