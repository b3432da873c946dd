package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/providers"
)

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // the command was understood and could not do its work
	exitUsage  = 2 // wrong usage or configuration
)

// program is what the commands share: where they read and write, and what they know.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer // results, diagnostics
	lookup         func(string) (string, bool)
	environ        []string
	kinds          []providers.Kind
	reread         time.Duration                       // how often a worker looks whether a secret changed
	around         func(dispatch.Ports) dispatch.Ports // what a worker's pipeline works through instead of its ports; nil: through them
}

// run is the whole program in one call. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, lookup: os.LookupEnv, environ: os.Environ(), kinds: catalogue(), reread: rereadEvery}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	root := rootCommand(p)
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(p.stderr, err)
	if _, ok := errors.AsType[failure](err); ok {
		return exitFailed
	}
	return exitUsage
}

func rootCommand(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "worker",
		Short: "Sends the jobs of gonets through the configured providers",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command given; see worker --help")
		},
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		runCommand(p),
		initCommand(p),
		checkCommand(p),
		accountCommand(p),
		sandboxCommand(p),
	)
	return root
}

// failure is an error of a command that was understood.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// does wraps what a command does, so that its errors are told from wrong usage. Faults of the configuration stay what they are.
func does(work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := work(cmd.Context(), args)
		if err == nil {
			return nil
		}
		if _, ok := errors.AsType[config.Faults](err); ok {
			return err
		}
		return failure{err}
	}
}

// configFlag adds --config, which a command that needs one requires.
func configFlag(cmd *cobra.Command) *string {
	path := cmd.Flags().String("config", "", "`FILE` with the configuration (required)")
	if err := cmd.MarkFlagRequired("config"); err != nil {
		panic(err) // the flag was added on the line above
	}
	return path
}

// load reads the configuration. Its errors are [config.Faults].
func (p *program) load(path string) (*config.Config, error) {
	return config.Load(path, p.lookup, p.environ, p.kinds)
}
