package main

import (
	"context"
	"fmt"
	"time"
)

// growth gives the ways in which the same jobs are spread, one by one over tenants and over routes, and the single one of both that they are compared with.
// Each route has a consumer of its own on the lane's stream, which costs the server something for each job; so the bare loop takes the most routes, too.
func (p *plan) growth() (all []variant) {
	type spreading struct {
		name            string
		subject         subject
		tenants, routes int
	}
	worker, bare := p.workers(1), p.bareLoop()
	singles := map[string]string{worker.name: "one tenant, route", bare.name: "itself, one route"}
	var many []spreading
	for _, n := range []int{10, 100, 1000} {
		many = append(many, spreading{fmt.Sprintf("%d tenants", n), worker, n, 1})
	}
	for _, n := range []int{5, 20} {
		many = append(many, spreading{fmt.Sprintf("%d routes", n), worker, 1, n})
	}
	many = append(many, spreading{"20 routes, bare loop", bare, 1, 20})
	rate := func(s spreading) string { return "throughput, " + s.name }
	cost := func(s spreading) string { return "  CPU of all processes per 100,000 jobs, " + s.name }
	for _, single := range []subject{worker, bare} {
		all = append(all, variant{single.name + ", one tenant and route", func(ctx context.Context) error {
			r, c, err := p.spread(ctx, single, 1, 1)
			for _, s := range many {
				if s.subject.name == single.name {
					p.report.beside(rate(s), "jobs/s", singles[single.name], r)
					p.report.beside(cost(s), "s", singles[single.name], c)
				}
			}
			return err
		}})
	}
	for _, s := range many {
		all = append(all, variant{s.name, func(ctx context.Context) error {
			r, c, err := p.spread(ctx, s.subject, s.tenants, s.routes)
			p.report.add(rate(s), "jobs/s", r)
			p.report.add(cost(s), "s", c)
			return err
		}})
	}
	return all
}

// spread tells how fast a backlog goes that is spread over tenants and routes, in jobs a second, and what 100,000 of its jobs cost all processes
// together, in seconds.
func (p *plan) spread(ctx context.Context, who subject, tenants, routes int) (rate, cpu float64, err error) {
	set, l := p.scene(), plain(p.jobs)
	set.routes, l.routes, l.tenants = routes, routes, tenants
	d, err := p.drain(ctx, who, set, l, p.jobs)
	if err != nil {
		return 0, 0, err
	}
	used := d.used.CPU
	for _, t := range d.around {
		used += t
	}
	return per(p.jobs, d.took), used.Seconds() * 100_000 / float64(p.jobs), nil
}

// per is how many a second that are.
func per(jobs int, took time.Duration) float64 { return float64(jobs) / took.Seconds() }
