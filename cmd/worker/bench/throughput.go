package main

import (
	"context"
	"time"
)

// throughput measures how fast a backlog goes, and what that costs.
func (p *plan) throughput(ctx context.Context, s subject) error {
	d, err := p.drain(ctx, s, p.scene(), plain(p.jobs), p.jobs)
	if err != nil {
		return err
	}
	per100k := func(t time.Duration) float64 { return t.Seconds() * 100_000 / float64(p.jobs) }
	requests, messages := float64(len(d.seen)), float64(d.seen.messages())
	p.of(s, "throughput", "jobs/s", per(p.jobs, d.took))
	p.of(s, "CPU per 100,000 jobs", "s", per100k(d.used.CPU))
	for i, server := range []string{"NATS", "Redis", "the provider"} {
		p.of(s, "  meanwhile of "+server, "s", per100k(d.around[i]))
	}
	p.of(s, "messages a request", "", messages/requests)
	p.of(s, "room of packets used", "%", 100*messages/(requests*packet))
	p.of(s, "packets full", "%", 100*float64(d.seen.full())/requests)
	perJob := func(bytes int64) float64 { return float64(bytes) / float64(p.jobs) }
	p.of(s, "a job in its stream", "bytes", perJob(d.held.jobs))
	p.of(s, "a job's event in its stream", "bytes", perJob(d.held.events))
	p.of(s, "a job in Redis", "bytes", perJob(d.held.redis))
	return nil
}
