package main

import (
	"context"
	"time"
)

// Several workers share one account's rate.
const (
	limitWorkers = 4
	limitDelay   = 20 * time.Millisecond
	limitRate    = 5000
)

// limit measures what the workers make of the rate, seen from the provider, and what it costs them.
func (p *plan) limit(ctx context.Context) error {
	s := p.workers(limitWorkers)
	w, err := p.newWorld(ctx, s, scene{delay: limitDelay, inFlight: p.inFlight, rate: limitRate, routes: 1, servers: 1})
	if err != nil {
		return err
	}
	defer w.close()
	l := plain(p.jobs * 4 / 10)
	if err := w.preload(ctx, l); err != nil {
		return err
	}
	watch, err := w.countCalls("{" + prefix + ":limit}")
	if err != nil {
		return err
	}
	defer watch.close()
	c, err := s.start(ctx, w)
	if err != nil {
		return err
	}
	defer c.kill()
	if _, err := w.drained(ctx, c, l, l.jobs); err != nil {
		return err
	}
	if _, err := c.stop(); err != nil {
		return err
	}
	seen, err := w.told(ctx, l)
	if err != nil {
		return err
	}
	made, err := watch.end(ctx)
	if err != nil {
		return err
	}
	excess := seen.excess(limitRate, packet)
	p.report.add("four workers under one limit", "jobs/s", seen.pace())
	p.report.beside("four workers under one limit", "jobs/s", "the limit", limitRate)
	p.report.add("  above it in the worst window", "messages", excess)
	p.report.add("  which are early by", "ms", excess/limitRate*1000)
	p.report.add("  messages a request", "", float64(seen.messages())/float64(len(seen)))
	p.report.add("  calls of the limiter a request", "", float64(made)/float64(len(seen)))
	return nil
}
