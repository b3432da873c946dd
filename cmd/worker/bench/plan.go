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
	name  string
	short string // in file names
	start func(context.Context, *world) (*lab.Process, error)
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
	for _, m := range []struct {
		name    string
		measure func(context.Context, subject) error
	}{{throughput, p.throughput}, {idle, p.idle}, {memory, p.memory}} {
		if !slices.Contains(o.only, m.name) {
			continue
		}
		if err := p.rounds(ctx, m.name, m.measure); err != nil {
			return err
		}
	}
	return p.report.print(out, machine, o)
}

// rounds measures both subjects in turn, each time the other one first.
func (p *plan) rounds(ctx context.Context, name string, measure func(context.Context, subject) error) error {
	subjects := []subject{{theWorker, "worker", p.startWorker}, {theBareLoop, "bare", p.startBare}}
	for round := range p.options.rounds {
		for _, s := range subjects {
			fmt.Fprintf(p.log, "%s, round %d of %d: %s\n", name, round+1, p.options.rounds, s.name)
			if err := measure(ctx, s); err != nil {
				return fmt.Errorf("%s of the %s: %w", name, s.name, err)
			}
		}
		slices.Reverse(subjects)
	}
	return nil
}
