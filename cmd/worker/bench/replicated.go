package main

import "context"

// replicated gives the measurements with one NATS server and with three of which each has all streams, all on this machine.
func (p *plan) replicated() (all []variant) {
	const rate, cpu = "throughput, three NATS servers", "CPU of NATS per 100,000 jobs, three servers"
	run := func(ctx context.Context, servers int, note func(measure, unit string, value float64)) error {
		set := p.scene()
		set.servers = servers
		d, err := p.drain(ctx, p.workers(1), set, plain(p.jobs), p.jobs)
		if err != nil {
			return err
		}
		note(rate, "jobs/s", per(p.jobs, d.took))
		note(cpu, "s", d.around[0].Seconds()*100_000/float64(p.jobs))
		return nil
	}
	return []variant{
		{"three NATS servers", func(ctx context.Context) error { return run(ctx, 3, p.report.add) }},
		{"one NATS server", func(ctx context.Context) error {
			return run(ctx, 1, func(measure, unit string, value float64) { p.report.beside(measure, unit, "one server", value) })
		}},
	}
}
