package ratelimit

import "math"

// window is RefundWithin in microseconds; reserve.lua and refund.lua have the same number.
const window = int64(RefundWithin / 1000)

// bucket is the state of a limit, as reserve.lua and refund.lua keep it. It counts as of the moment when its last grant became good,
// which may lie ahead. The zero value is a bucket never used.
type bucket struct {
	time  int64   // µs: when the last grant became, or becomes, good; 0: never
	level float64 // tokens that hadn't drained then, that grant's included

	// The lowest levels that grants met, which bound a refund: of those since a moment, and of those in the time before it.
	since       int64
	low, before float64
}

// good tells from when on n tokens more are within the limit.
func (b *bucket) good(l Limit, n int, now int64) int64 {
	if b.time == 0 {
		return now
	}
	return max(now, b.time+int64(math.Ceil((b.level+float64(n)-float64(l.Burst))/(l.Rate/1e6))))
}

// at is the level that is left at a moment.
func (b *bucket) at(l Limit, moment int64) float64 {
	if b.time == 0 {
		return 0
	}
	return max(0, b.level-l.Rate/1e6*float64(moment-b.time))
}

// take charges n tokens that are good from the given moment on.
func (b *bucket) take(l Limit, n int, good int64) {
	level := b.at(l, good)
	switch {
	case b.time == 0 || good-b.time >= window: // no earlier grant can be refunded any more
		b.since, b.low, b.before = good, float64(l.Burst), float64(l.Burst)
	case good < b.time: // fills a gap that a refund left; the low levels around it are known already
	case good-b.since >= window:
		b.since, b.low, b.before = good, level, b.low
	default:
		b.low = min(b.low, level)
	}
	b.time, b.level = good, level+float64(n)
}

// giveBack lowers the level by what n unused tokens still add to it at least.
func (b *bucket) giveBack(l Limit, n int, now int64) {
	if b.time == 0 {
		return
	}
	if now > b.time {
		b.level, b.time = b.at(l, now), now
	}
	back := min(float64(n), b.low, b.before, b.level)
	b.level -= back
	b.low -= back
	b.before -= back
}

// idle tells whether the bucket is as good as new.
func (b *bucket) idle(l Limit, now int64) bool {
	return now-b.time >= window && b.at(l, now) == 0
}
