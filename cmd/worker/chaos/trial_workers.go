package main

import (
	"context"
	"time"
)

// perSecond is how many jobs most trials publish a second: a load under which all of them are busy, and which is not over at once.
const perSecond = 1000

// inFlight is how many messages one worker may have in requests: what may end as unknown by each kill.
const inFlight = 3 * 4 * 50

// killWorkers kills one of the workers every second while jobs are published. MySMPP's are deduplicated by the provider; of Prostor's those that
// were in a request may end as unknown.
func killWorkers(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	load := w.publish(ctx, 0, w.jobs, perSecond, "sms", "promo")
	kills := 0
	for tick := time.NewTicker(time.Second); load.going(); kills++ {
		<-tick.C
		if err := w.killOne(ctx); err != nil {
			return err
		}
	}
	if err := load.wait(ctx); err != nil {
		return err
	}
	w.say("%d kills; unknown may be %d at most", kills, kills*inFlight)
	return w.settle(ctx, w.jobs, bounds{unknown: kills * inFlight})
}

// rounds is how often each worker is replaced.
const rounds = 3

// roll replaces each worker in turn, as a deployment does. It burns no attempt.
func roll(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	load := w.publish(ctx, 0, w.jobs, perSecond, "sms", "promo")
	var longest time.Duration
	for range rounds * crew {
		if _, err := w.pulse.next(ctx); err != nil {
			return err
		}
		took, err := w.stopOne(ctx)
		if err != nil {
			return err
		}
		longest = max(longest, took)
	}
	w.say("%d workers stopped, all with exit status 0, the slowest within %s; jobs still came: %t", rounds*crew, longest.Round(time.Millisecond), load.going())
	if err := load.wait(ctx); err != nil {
		return err
	}
	return w.settle(ctx, w.jobs, bounds{attempt: 1})
}
