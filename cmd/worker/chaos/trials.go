package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// trial is one thing that is broken, or measured.
type trial struct {
	name string
	what string
	run  func(context.Context, *town) error
}

func trials() []trial {
	return []trial{
		{"kill", "3 workers, a random one killed -9 every second", killWorkers},
		{"rolling", "3 workers stopped with SIGTERM one after the other, three rounds", roll},
		{"flush", "FLUSHALL in mid-load", flushRedis},
		{"empty", "redis-server killed -9 and started again empty, in mid-load", emptyRedis},
		{"forget", "redis-server killed -9 and started again with an append-only file a second old", forgetfulRedis},
		{"restart", "redis-server killed -9, away for longer than workers keep what they don't handle, and back with all its data", restartRedis},
		{"slow", "Redis slow: each answer delayed by 100 ms, 400 ms, 1.5 s and 4 s in turn", slowRedis},
		{"flap", "Redis flapping: all connections cut every 100 to 500 ms", flapRedis},
		{"nats", "nats-server killed -9 and started again, again and again", killNATS},
		{"provider", "the providers fail in every way of their simulators", breakProviders},
		{"dead", "a route whose first account refuses connections", deadAccount},
		{"hang", "an account that never answers, beside others", hangingAccount},
		{"late", "how long after send_at jobs are sent", lateness},
		{"held", "jobs held for an hour from now", holdMany},
		{"all", "everything at random", breakAll},
	}
}

// errBroken says that a law was broken.
var errBroken = errors.New("a law was broken")

// chaos runs the trials that o names. self is the program that becomes nats-server with that argument.
func chaos(ctx context.Context, self string, o options, out io.Writer) error {
	if err := lab.ClearOverrides(); err != nil {
		return err
	}
	machine, err := lab.MachineFacts(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gonets-chaos-")
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			_ = os.RemoveAll(dir) // a temporary folder
		}
	}()
	worker := filepath.Join(dir, "worker")
	if err := lab.BuildWorker(ctx, worker); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\nseed %d\n", machine, o.seed)
	var broken []error
	for _, t := range trials() {
		if !slices.Contains(o.only, t.name) {
			continue
		}
		fmt.Fprintf(out, "\n%s: %s\n", t.name, t.what)
		if err := try(ctx, t, self, worker, filepath.Join(dir, t.name), o, out); err != nil {
			if ctx.Err() != nil {
				return errors.New("interrupted, nothing is left behind")
			}
			keep = true
			fmt.Fprintf(out, "  BROKEN: %v\n", err)
			broken = append(broken, fmt.Errorf("%s: %w", t.name, err))
		}
	}
	if keep {
		return fmt.Errorf("%w; logs are in %s\n%w", errBroken, dir, errors.Join(broken...))
	}
	return nil
}

func try(ctx context.Context, t trial, self, worker, dir string, o options, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	w, err := build(ctx, self, worker, dir, o, out)
	if err != nil {
		return err
	}
	defer w.close()
	return t.run(ctx, w)
}
