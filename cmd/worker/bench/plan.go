package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// subject is what is measured. start returns once it is ready for jobs.
type subject struct {
	name     string
	short    string // in file names
	finishes bool   // what it has in hand, when it is told to stop
	start    func(context.Context, *world) (crew, error)
}

// plan is what all measurements of a run share.
type plan struct {
	options
	self   string // this program
	worker string // the worker's binary
	dir    string // removed at the end
	report *report
	log    io.Writer
}

// measurement is one of those that can be chosen: several variants that are compared with each other, or one alone.
type measurement struct {
	name     string
	variants []variant
}

// variant adds its figures of one round to the report.
type variant struct {
	name    string
	measure func(context.Context) error
}

// The measurements' names, in their order.
func measurements() []string {
	return []string{"throughput", "idle", "memory", "paced", "urgent", "limit", "growth", "replicated"}
}

// measurements are all of them, in that order.
func (p *plan) measurements() []measurement {
	all := [][]variant{p.both(p.throughput), p.both(p.idle), p.both(p.memory), p.pacedBy(), p.urgent(), {{theWorker, p.limit}}, p.growth(), p.replicated()}
	list := make([]measurement, len(all))
	for i, name := range measurements() {
		list[i] = measurement{name, all[i]}
	}
	return list
}

// both measures the worker and the bare loop beside each other.
func (p *plan) both(measure func(context.Context, subject) error) (all []variant) {
	for _, s := range []subject{p.workers(1), p.bareLoop()} {
		all = append(all, variant{s.name, func(ctx context.Context) error { return measure(ctx, s) }})
	}
	return all
}

// workers is n workers that share the jobs.
func (p *plan) workers(n int) subject {
	return subject{theWorker, "worker", true, func(ctx context.Context, w *world) (crew, error) { return p.startWorkers(ctx, w, n) }}
}

// bareLoop is what the worker is measured beside.
func (p *plan) bareLoop() subject { return subject{theBareLoop, "bare", false, p.startBare} }

// of adds a figure that both subjects have.
func (p *plan) of(s subject, measure, unit string, value float64) {
	if s.name == theBareLoop {
		p.report.beside(measure, unit, theBareLoop, value)
	} else {
		p.report.add(measure, unit, value)
	}
}

// bench measures everything and prints the report.
func bench(ctx context.Context, o options, out, log io.Writer) (err error) {
	p := &plan{options: o, report: newReport(), log: log}
	if p.self, err = os.Executable(); err != nil {
		return err
	}
	if p.dir, err = os.MkdirTemp("", "gonets-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(p.dir) }() // a temporary folder
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o700); err != nil {
			return err
		}
	}
	if err := lab.ClearOverrides(); err != nil {
		return err
	}
	machine, err := lab.MachineFacts(ctx)
	if err != nil {
		return err
	}
	p.worker = filepath.Join(p.dir, "worker")
	if err := buildWorker(ctx, p.worker, p.profile != ""); err != nil {
		return err
	}
	for _, m := range p.measurements() {
		if !slices.Contains(o.only, m.name) {
			continue
		}
		if err := p.rounds(ctx, m); err != nil {
			return err
		}
	}
	return p.report.print(out, machine, o)
}

// rounds measures the variants in turn, each time in the reverse order.
func (p *plan) rounds(ctx context.Context, m measurement) error {
	for round := range p.options.rounds {
		for _, v := range m.variants {
			fmt.Fprintf(p.log, "%s, round %d of %d: %s\n", m.name, round+1, p.options.rounds, v.name)
			if err := v.measure(ctx); err != nil {
				return fmt.Errorf("%s, %s: %w", m.name, v.name, err)
			}
		}
		slices.Reverse(m.variants)
	}
	return nil
}
