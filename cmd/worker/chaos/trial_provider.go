package main

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// breakProviders has the providers fail in all ways. A job of Prostor's that may have been sent is unknown; how many are is the faults' doing.
func breakProviders(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	load := w.publish(ctx, 0, w.jobs, perSecond, "sms", "promo")
	faults := 0
	for load.going() {
		for _, f := range sim.Faults() {
			w.breakOne(w.prostor.Server, f)
			w.breakOne(w.mysmpp, f)
			faults += 2
			time.Sleep(300 * time.Millisecond)
		}
	}
	w.heal()
	if err := load.wait(ctx); err != nil {
		return err
	}
	w.say("%d times broken", faults)
	return w.settle(ctx, w.jobs, bounds{unknown: w.jobs / 2})
}

// breakOne has a provider fail for a few requests.
func (w *town) breakOne(s *sim.Server, f sim.Fault) { s.Break(f, 1+w.random.IntN(3)) }

func (w *town) heal() {
	for _, s := range w.sims() {
		s.Break(sim.None, 0)
	}
}
