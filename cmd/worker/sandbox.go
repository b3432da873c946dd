package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/cmd/worker/sandbox"
)

func sandboxCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sandbox [--jobs N] [--keep]",
		Short: "Runs the whole system in this process, with nothing to install",
		Long: `Starts NATS, Redis, three simulated providers and a worker in this process, sends sample jobs through all of them, and
says what became of them. Nothing is left behind. With --keep it goes on until interrupted, and prints how to reach it.`,
		Args: cobra.NoArgs,
	}
	jobs := cmd.Flags().Int("jobs", 1000, "how many sample jobs to send")
	keep := cmd.Flags().Bool("keep", false, "leave it running, and print how to reach it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *jobs < 0 {
			return errors.New("--jobs: a number from 0 is needed")
		}
		return does(func(ctx context.Context, _ []string) error {
			ctx, stop := untilSignal(ctx)
			defer stop()
			return sandbox.Run(ctx, sandbox.Options{Jobs: *jobs, Keep: *keep, Results: p.stdout, Progress: p.stderr, Worker: p.work})
		})(cmd, args)
	}
	return cmd
}
