package main

import (
	"cmp"
	"slices"
	"time"
)

// arrival is a request as the provider saw it come.
type arrival struct {
	At       time.Time
	Messages int // taken of it
}

// arrivals are requests in the order of their times.
type arrivals []arrival

// sort brings them into that order: they are noted by many hands.
func (a arrivals) sort() {
	slices.SortStableFunc(a, func(x, y arrival) int { return cmp.Compare(x.At.UnixNano(), y.At.UnixNano()) })
}

// messages is how many they brought.
func (a arrivals) messages() (n int) {
	for _, r := range a {
		n += r.Messages
	}
	return n
}

// full is how many of them were packets without room.
func (a arrivals) full() (n int) {
	for _, r := range a {
		if r.Messages == packet {
			n++
		}
	}
	return n
}

// served is how many messages the provider worked off in a span of time, where it takes delay for a request and its messages count as spread evenly
// over that: so requests that reach over an end of the span count for what lies within.
func (a arrivals) served(delay time.Duration, from, to time.Time) (n float64) {
	for _, r := range a {
		begin, end := r.At, r.At.Add(delay)
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			n += float64(r.Messages) * float64(end.Sub(begin)) / float64(delay)
		}
	}
	return n
}

// pace is the messages a second from the first request to the last: what the first one brought was there before.
func (a arrivals) pace() float64 {
	if len(a) < 2 {
		return 0
	}
	return float64(a.messages()-a[0].Messages) / a[len(a)-1].At.Sub(a[0].At).Seconds()
}

// excess is by how many messages the worst window of all exceeds burst + rate × window; 0: none does.
//
// A window is worst where it begins with a request and ends with one. Of those that end with a given request the worst one begins where the messages
// before it, less what the rate allows until it, are the fewest.
func (a arrivals) excess(rate float64, burst int) float64 {
	if len(a) == 0 {
		return 0
	}
	worst, before, least := 0.0, 0.0, 0.0
	for i, r := range a {
		allowed := rate * r.At.Sub(a[0].At).Seconds()
		if ahead := before - allowed; i == 0 || ahead < least {
			least = ahead
		}
		before += float64(r.Messages)
		worst = max(worst, before-allowed-least-float64(burst))
	}
	return worst
}
