package dispatch

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// backoffBefore is how long to wait before the given attempt, which is 2 or more: exponential with full jitter, anything up
// to initial × 2^(attempt-2), and at most max.
func backoffBefore(attempt int, r Retry) time.Duration {
	// With a factor of 1 the library spreads over twice its interval: half the interval gives full jitter over the whole.
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(r.Initial/2),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxInterval(r.Max/2),
		backoff.WithMaxElapsedTime(0),
	)
	var d time.Duration
	for range max(attempt-1, 1) {
		d = b.NextBackOff()
	}
	return min(d, r.Max)
}

// untilStored is the pace at which a store that doesn't answer is asked again.
func untilStored() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(20*time.Millisecond),
		backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}
