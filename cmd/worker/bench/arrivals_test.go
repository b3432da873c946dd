package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// someArrivals are requests at whole milliseconds, in order, several at the same time among them.
func someArrivals(t *rapid.T) arrivals {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var a arrivals
	for range rapid.IntRange(0, 40).Draw(t, "requests") {
		at = at.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "gap")) * time.Millisecond)
		a = append(a, arrival{at, rapid.IntRange(0, packet).Draw(t, "messages")})
	}
	return a
}

// The excess is that of the worst of all windows, tried one by one.
func TestExcessIsOfTheWorstWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := someArrivals(t)
		rate, burst := float64(rapid.IntRange(1, 20_000).Draw(t, "rate")), rapid.IntRange(1, 400).Draw(t, "burst")
		worst := 0.0
		for i := range a {
			for j := i; j < len(a); j++ {
				window := a[j].At.Sub(a[i].At).Seconds()
				worst = max(worst, float64(a[i:j+1].messages())-float64(burst)-rate*window)
			}
		}
		require.InDelta(t, worst, a.excess(rate, burst), 1e-6)
	})
}

// A sender that keeps its limit to the letter exceeds it in no window and uses all of it; one packet a moment early shows.
func TestExcessOfPackets(t *testing.T) {
	const rate = 5000
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var a arrivals
	for i := range 50 {
		a = append(a, arrival{at.Add(time.Duration(i) * packet * time.Second / rate), packet})
	}
	require.InDelta(t, 0, a.excess(rate, packet), 1e-6)
	require.InDelta(t, rate, a.pace(), 1e-6)
	a[20].At = a[20].At.Add(-2 * time.Millisecond)
	require.InDelta(t, 10, a.excess(rate, packet), 1e-6)
	a[20].At = a[20].At.Add(4 * time.Millisecond) // late: the next one is too close
	require.InDelta(t, 10, a.excess(rate, packet), 1e-6)
	require.InDelta(t, 0, a.excess(rate, packet+10), 1e-6)
	require.Zero(t, arrivals(nil).excess(rate, packet))
	require.Zero(t, a[:1].pace())
}

// What is served in two spans that touch is served in both together, and all of it in one that holds everything.
func TestServedAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := append(someArrivals(t), arrival{time.Date(2026, 11, 25, 12, 1, 0, 0, time.UTC), 7})
		delay := time.Duration(rapid.IntRange(1, 200).Draw(t, "delay")) * time.Millisecond
		from, to := a[0].At, a[len(a)-1].At.Add(delay)
		middle := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))).Draw(t, "middle")))
		require.InDelta(t, a.messages(), a.served(delay, from, to), 1e-6)
		require.InDelta(t, a.messages(), a.served(delay, from, middle)+a.served(delay, middle, to), 1e-6)
	})
}

// Slots that are never empty serve exactly what arithmetic allows, wherever the span begins.
func TestServedByFullSlots(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var a arrivals
	for i := range 100 {
		for slot := range pacedInFlight {
			a = append(a, arrival{at.Add(time.Duration(i)*pacedDelay + time.Duration(slot)*7*time.Millisecond), packet})
		}
	}
	from := at.Add(time.Second + 33*time.Millisecond)
	require.InDelta(t, pacedLimit, a.served(pacedDelay, from, from.Add(5*time.Second))/5, 1e-6)
}
