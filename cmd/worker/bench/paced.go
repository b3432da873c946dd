package main

import (
	"context"
	"fmt"
	"time"
)

// A provider that takes its time bounds what can be reached: each of the requests under way carries a packet a delay.
const (
	pacedDelay    = 100 * time.Millisecond
	pacedInFlight = 4
	pacedLimit    = pacedInFlight * packet * int(time.Second/pacedDelay) // of one worker, jobs a second
	pacedAfter    = time.Second                                          // for all slots to be in use
	pacedFor      = 5 * time.Second
)

// pacedBy gives the measurements of one worker and of four beside each other.
func (p *plan) pacedBy() (all []variant) {
	for _, n := range []int{1, 4} {
		name := fmt.Sprintf("provider delay %s, %d in flight, workers: %d", pacedDelay, pacedInFlight, n)
		all = append(all, variant{name, func(ctx context.Context) error {
			rate, err := p.paced(ctx, n)
			p.report.add(name, "jobs/s", rate)
			p.report.beside(name, "jobs/s", "arithmetic limit", float64(n*pacedLimit))
			return err
		}})
	}
	return all
}

// paced tells how much of a backlog, which outlasts the measurement, n workers get through in a second.
func (p *plan) paced(ctx context.Context, n int) (float64, error) {
	s := p.workers(n)
	w, err := p.newWorld(ctx, s, scene{delay: pacedDelay, inFlight: pacedInFlight, routes: 1, servers: 1})
	if err != nil {
		return 0, err
	}
	defer w.close()
	l := plain(n * pacedLimit * int((pacedAfter+pacedFor)/time.Second+2))
	if err := w.preload(ctx, l); err != nil {
		return 0, err
	}
	c, err := s.start(ctx, w)
	if err != nil {
		return 0, err
	}
	defer c.kill()
	from := time.Now().Add(pacedAfter)
	to := from.Add(pacedFor)
	select {
	case <-time.After(time.Until(to)):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	left, err := w.waiting(ctx, l.lane)
	switch {
	case err != nil:
		return 0, err
	case left == 0:
		return 0, fmt.Errorf("the backlog of %d jobs was gone too early", l.jobs)
	}
	if _, err := c.stop(); err != nil {
		return 0, err
	}
	seen, err := w.told(ctx, l)
	return seen.served(pacedDelay, from, to) / pacedFor.Seconds(), err
}
