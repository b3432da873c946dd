package main

import (
	"context"
	"fmt"
	"time"
)

// growth gives the ways in which the same jobs are spread, one by one over tenants and over routes, and the single one of both that they are compared with.
func (p *plan) growth() (all []variant) {
	const unit, cpu = "jobs/s", "s"
	rate := func(name string) string { return "throughput, " + name }
	cost := func(name string) string { return "  CPU of all processes per 100,000 jobs, " + name }
	var names []string
	spread := func(name string, tenants, routes int) {
		names = append(names, name)
		all = append(all, variant{name, func(ctx context.Context) error {
			r, c, err := p.spread(ctx, tenants, routes)
			p.report.add(rate(name), unit, r)
			p.report.add(cost(name), cpu, c)
			return err
		}})
	}
	for _, n := range []int{10, 100, 1000} {
		spread(fmt.Sprintf("%d tenants", n), n, 1)
	}
	for _, n := range []int{5, 20} {
		spread(fmt.Sprintf("%d routes", n), 1, n)
	}
	single := variant{"one tenant and route", func(ctx context.Context) error {
		r, c, err := p.spread(ctx, 1, 1)
		for _, name := range names {
			p.report.beside(rate(name), unit, "one tenant, route", r)
			p.report.beside(cost(name), cpu, "one tenant, route", c)
		}
		return err
	}}
	return append([]variant{single}, all...)
}

// spread tells how fast a backlog goes that is spread over tenants and routes, in jobs a second, and what 100,000 of its jobs cost all processes
// together, in seconds.
func (p *plan) spread(ctx context.Context, tenants, routes int) (rate, cpu float64, err error) {
	set, l := p.scene(), plain(p.jobs)
	set.routes, l.routes, l.tenants = routes, routes, tenants
	d, err := p.drain(ctx, p.workers(1), set, l, p.jobs)
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
