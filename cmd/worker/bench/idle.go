package main

import "context"

// idleJobs is how many single jobs the latency is taken from.
const idleJobs = 500

// idle measures the time from the publication of a job to its submitted event, with nothing else to do.
func (p *plan) idle(ctx context.Context, s subject) error {
	w, err := p.newWorld(ctx, s, p.scene())
	if err != nil {
		return err
	}
	defer w.close()
	c, err := s.start(ctx, w)
	if err != nil {
		return err
	}
	defer c.kill()
	watch, err := w.watch(plain(trickleWarm + idleJobs))
	if err != nil {
		return err
	}
	if _, err := w.trickle(ctx, c, watch, nil); err != nil {
		return err
	}
	if _, err := c.stop(); err != nil {
		return err
	}
	p50, p99, most := watch.times()
	p.of(s, "idle latency, p50", "ms", p50)
	p.of(s, "idle latency, p99", "ms", p99)
	p.of(s, "idle latency, max", "ms", most)
	return nil
}
