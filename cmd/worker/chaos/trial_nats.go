package main

import (
	"context"
	"time"
)

// killNATS kills nats-server in mid-load and starts it again a second later, every five seconds. It comes back with what its process had written: a kill leaves
// the kernel's page cache alone, as the crash of a machine doesn't.
func killNATS(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	load := w.publish(ctx, 0, w.jobs, perSecond, "sms", "promo")
	kills := 0
	var longest time.Duration
	for ; load.going(); kills++ {
		w.nats.Kill()
		time.Sleep(time.Second)
		if err := w.startNATS(ctx); err != nil {
			return err
		}
		took, err := w.pulse.next(ctx)
		if err != nil {
			return err
		}
		longest = max(longest, took)
		time.Sleep(4 * time.Second)
	}
	if err := load.wait(ctx); err != nil {
		return err
	}
	w.say("%d kills; sending again within %s of its return at the latest", kills, longest.Round(10*time.Millisecond))
	return w.settle(ctx, w.jobs, bounds{attempt: 1})
}
