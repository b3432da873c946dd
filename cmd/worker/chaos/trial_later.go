package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// sendAt is the member of a job that holds it.
func sendAt(t time.Time) string {
	return fmt.Sprintf(`,"send_at":%q`, t.UTC().Format(time.RFC3339Nano))
}

// lateness publishes jobs for random instants of some seconds and tells how much later than asked the providers got them. Events have milliseconds; so
// does the figure.
func lateness(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	start := time.Now().Add(5 * time.Second)
	due := make([]time.Time, 2*watched)
	var all sync.WaitGroup
	for i := range due {
		due[i] = start.Add(time.Duration(w.random.IntN(10_000_000)) * time.Microsecond)
		w.pulse.watch(jobID(i))
		all.Go(func() { _ = w.store(ctx, i, []string{"sms", "promo"}[i%2], sendAt(due[i])) }) // its error is ctx's
	}
	all.Wait()
	if err := w.sentMore(ctx, len(due)); err != nil {
		return err
	}
	late := make([]time.Duration, len(due))
	for i, at := range due {
		late[i] = w.pulse.arrival(jobID(i)).Sub(at)
	}
	slices.Sort(late)
	w.say("%d jobs, from send_at to the event: %s, soonest %s", len(due), percentiles(late), late[0].Round(100*time.Microsecond))
	if late[0] < 0 {
		return fmt.Errorf("a job was sent %s too early", -late[0])
	}
	return w.settle(ctx, len(due), bounds{attempt: 1})
}

// holdMany holds many jobs for an hour and compares what the worker needs, and how others fare, before and after.
func holdMany(ctx context.Context, w *town) error {
	if err := w.hire(ctx, 1); err != nil {
		return err
	}
	measure := func(from int, when string) error {
		took, err := w.timed(ctx, from, "sms")
		if err != nil {
			return err
		}
		began := time.Now()
		load := w.publish(ctx, from+watched, w.jobs, 1_000_000, "sms", "promo")
		w.pulse.mu.Lock()
		sent := w.pulse.sent
		w.pulse.mu.Unlock()
		if err := load.wait(ctx); err != nil {
			return err
		}
		if err := w.sentMore(ctx, sent+w.jobs); err != nil {
			return err
		}
		rate := float64(w.jobs) / time.Since(began).Seconds()
		w.say("%s: the worker has %d MiB, nats-server %d MiB; others take %s; %d of them at %.0f/s", when, lab.RSSOf(w.workers[0])>>20, lab.RSSOf(w.nats)>>20,
			percentiles(took), w.jobs, rate)
		return nil
	}
	if err := measure(0, "with none held"); err != nil {
		return err
	}
	const first = 1_000_000
	began := time.Now()
	more := sendAt(time.Now().Add(time.Hour))
	numbers := make(chan int)
	var all sync.WaitGroup
	for range publishers {
		all.Go(func() {
			for i := range numbers {
				_ = w.store(ctx, first+i, "sms", more) // its error is ctx's
			}
		})
	}
	for i := range w.held {
		numbers <- i
	}
	close(numbers)
	all.Wait()
	for {
		s, err := w.js.Stream(ctx, "DISPATCH_LATER")
		if err != nil {
			return err
		}
		if s.CachedInfo().State.Msgs == uint64(w.held) {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(200 * time.Millisecond)
	}
	w.say("%d held after %s", w.held, time.Since(began).Round(time.Second))
	if err := measure(5_000_000, fmt.Sprintf("with %d held", w.held)); err != nil {
		return err
	}
	return w.goHome()
}
