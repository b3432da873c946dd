package main

import (
	"context"
	"fmt"
)

// growth gives the ways in which the same jobs are spread: one by one tenants and routes, and the single one of both that they are compared with.
func (p *plan) growth() (all []variant) {
	var many []string
	spread := func(name string, tenants, routes int) {
		many = append(many, name)
		all = append(all, variant{name, func(ctx context.Context) error {
			rate, err := p.spread(ctx, tenants, routes)
			p.report.add("throughput, "+name, "jobs/s", rate)
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
		rate, err := p.spread(ctx, 1, 1)
		for _, name := range many {
			p.report.beside("throughput, "+name, "jobs/s", "one tenant, route", rate)
		}
		return err
	}}
	return append([]variant{single}, all...)
}

// spread tells how fast a backlog goes that is spread over tenants and routes.
func (p *plan) spread(ctx context.Context, tenants, routes int) (float64, error) {
	set, l := p.scene(), plain(p.jobs)
	set.routes, l.routes, l.tenants = routes, routes, tenants
	d, err := p.drain(ctx, p.workers(1), set, l, p.jobs)
	return float64(p.jobs) / d.took.Seconds(), err
}
