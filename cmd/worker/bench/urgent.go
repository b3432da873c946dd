package main

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

const (
	urgentDelay = 20 * time.Millisecond
	urgentRate  = 10_000 // of the account, where it has a limit
)

// urgent gives the measurements of single urgent jobs beside a backlog of bulk, and of that backlog alone, with a limit and at full load.
func (p *plan) urgent() (all []variant) {
	for _, bulk := range []struct {
		name string
		rate int
	}{{"bulk at 10,000/s", urgentRate}, {"bulk at full load", 0}} {
		all = append(all,
			variant{bulk.name + " beside urgent", func(ctx context.Context) error {
				rate, watch, err := p.bulk(ctx, bulk.rate, true)
				if err != nil {
					return err
				}
				p50, p99, most := watch.times()
				for _, t := range []struct {
					name  string
					value float64
				}{{"p50", p50}, {"p99", p99}, {"max", most}} {
					measure := "urgent beside " + bulk.name + ", " + t.name
					p.report.add(measure, "ms", t.value)
					p.report.beside(measure, "ms", "provider delay", float64(urgentDelay/time.Millisecond))
				}
				p.report.add(bulk.name+" beside urgent", "jobs/s", rate)
				return nil
			}},
			variant{bulk.name + " alone", func(ctx context.Context) error {
				rate, _, err := p.bulk(ctx, bulk.rate, false)
				p.report.beside(bulk.name+" beside urgent", "jobs/s", "bulk alone", rate)
				return err
			}})
	}
	return all
}

// bulk tells how fast a backlog of bulk goes, alone or beside urgent jobs that come for as long as it lasts.
func (p *plan) bulk(ctx context.Context, rate int, beside bool) (float64, *stopwatch, error) {
	s := p.workers(1)
	w, err := p.newWorld(ctx, s, scene{delay: urgentDelay, inFlight: p.inFlight, rate: rate, routes: 1, servers: 1})
	if err != nil {
		return 0, nil, err
	}
	defer w.close()
	bulk, urgent := plain(p.jobs), plain(p.jobs)
	bulk.lane = job.Bulk
	urgent.lane, urgent.first, urgent.owner = job.Urgent, p.jobs, 1
	if err := w.preload(ctx, bulk); err != nil {
		return 0, nil, err
	}
	watch, err := w.watch(urgent)
	if err != nil {
		return 0, nil, err
	}
	c, err := s.start(ctx, w)
	if err != nil {
		return 0, nil, err
	}
	defer c.kill()
	trickled, over := make(chan error, 1), make(chan struct{})
	urgent.jobs = 0
	go func() {
		if !beside {
			trickled <- nil
			return
		}
		var err error
		urgent.jobs, err = w.trickle(ctx, c, watch, over)
		trickled <- err
	}()
	end, err := w.drained(ctx, c, bulk, bulk.jobs)
	close(over)
	if late := <-trickled; err == nil {
		err = late
	}
	if err != nil {
		return 0, nil, err
	}
	if _, err := c.stop(); err != nil {
		return 0, nil, err
	}
	seen, err := w.told(ctx, bulk, urgent)
	if err != nil {
		return 0, nil, err
	}
	return float64(bulk.jobs) / end.Sub(seen[0].At).Seconds(), watch, nil
}
