package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// watched is how many jobs are timed.
const watched = 500

// timed publishes watched jobs one by one on the route and returns how long each took to be submitted, sorted.
func (w *town) timed(ctx context.Context, from int, route string) ([]time.Duration, error) {
	began := make([]time.Time, watched)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range watched {
		w.pulse.watch(jobID(from + i))
		began[i] = time.Now()
		if err := w.store(ctx, from+i, route, ""); err != nil {
			return nil, err
		}
		<-tick.C
	}
	took := make([]time.Duration, watched)
	for i := range watched {
		id := jobID(from + i)
		for w.pulse.arrival(id).IsZero() {
			if _, err := w.pulse.next(ctx); err != nil {
				return nil, fmt.Errorf("job %s of route %s: %w", id, route, err)
			}
		}
		took[i] = w.pulse.arrival(id).Sub(began[i])
	}
	slices.Sort(took)
	return took, nil
}

// percentiles is how long jobs took, in words.
func percentiles(took []time.Duration) string {
	at := func(percent int) time.Duration {
		return took[(len(took)-1)*percent/100].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %s, p99 %s, slowest %s", at(50), at(99), at(100))
}

// deadAccount has the first account of route otp refuse connections: new jobs leave through the second.
func deadAccount(ctx context.Context, w *town) error {
	w.frail.Break(sim.Refused, -1)
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	took, err := w.timed(ctx, 0, "otp")
	if err != nil {
		return err
	}
	w.say("from publication to submitted through the second account: %s", percentiles(took))
	if p99 := took[len(took)*99/100]; p99 > time.Second {
		return fmt.Errorf("the 99th percentile is %s, it must be below 1 s", p99)
	}
	return w.settle(ctx, watched, bounds{attempt: 1})
}

// hangingAccount has the first account of route otp take requests and never answer, while route sms is timed.
func hangingAccount(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	before, err := w.timed(ctx, 0, "sms")
	if err != nil {
		return err
	}
	w.frail.Break(sim.Hang, -1)
	load := w.publish(ctx, watched, watched*10, perSecond, "otp")
	during, err := w.timed(ctx, 11*watched, "sms")
	if err != nil {
		return err
	}
	w.say("another route before: %s", percentiles(before))
	w.say("another route beside: %s", percentiles(during))
	if err := load.wait(ctx); err != nil {
		return err
	}
	w.heal()
	return w.settle(ctx, 12*watched, bounds{unknown: 10 * watched})
}
