package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// app is the program with everything it touches of its surroundings, so that a test runs it whole.
type app struct {
	stdin  io.Reader
	stdout io.Writer // results
	stderr io.Writer // diagnostics
	env    func(string) string

	nats   string
	creds  string
	nkey   string
	inbox  string
	ca     string
	cert   string
	key    string
	prefix string
	output string
}

// failure is an error of a command that was used rightly.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// usageError is a wrong use that cobra can't know of.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run runs one command line, without the program's name, and returns the exit status.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	a.sayf("%s: %v", cmd.CommandPath(), err)
	if _, failed := errors.AsType[failure](err); failed {
		return exitFailed
	}
	a.sayf("See '%s --help'.", cmd.CommandPath())
	return exitUsage
}

// sayf writes one line of diagnostics. Where standard error is gone there is nobody left to tell.
func (a *app) sayf(format string, args ...any) { _, _ = fmt.Fprintf(a.stderr, format+"\n", args...) }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "publisher",
		Short: "Publish jobs to gonets and see what became of them",
		Long: `Publish jobs to gonets and see what became of them.

Results go to standard output, diagnostics to standard error.
Exit status: 0 done, 1 failed, 2 wrong usage.`,
		Example: `  publisher send --route otp --lane urgent --to +79612242243 --text "Code 1234" --wait
  publisher import clients.csv --route news --lane bulk
  publisher watch --tenant shop
  publisher trace ord-42 --tenant shop
  publisher dead list --since 24h
  publisher audit --since 24h
  publisher estimate --text "Ready" --price 2.35`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkGlobals() },
		RunE:              func(*cobra.Command, []string) error { return usagef("a command is missing") },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.nats, "nats", "", "NATS `URL`, several separated by commas (environment NATS_URL; default nats://127.0.0.1:4222)")
	flags.StringVar(&a.creds, "creds", "", "`FILE` with NATS credentials (environment NATS_CREDS)")
	flags.StringVar(&a.nkey, "nkey", "", "`FILE` with the seed of an nkey, in place of --creds (environment NATS_NKEY)")
	flags.StringVar(&a.inbox, "inbox-prefix", "", "`PREFIX` of the inboxes that these credentials may subscribe to (environment NATS_INBOX_PREFIX; default _INBOX)")
	flags.StringVar(&a.ca, "ca", "", "`FILE` with the CA's certificate that NATS is known by, PEM (environment NATS_CA; default the system's)")
	flags.StringVar(&a.cert, "cert", "", "`FILE` with the client's certificate, PEM (environment NATS_CERT)")
	flags.StringVar(&a.key, "key", "", "`FILE` with the key of --cert, PEM (environment NATS_KEY)")
	flags.StringVar(&a.prefix, "prefix", "dispatch", "`PREFIX` of all subjects and streams")
	flags.StringVar(&a.output, "output", "table", "`FORMAT` of the results: table or json")
	root.AddCommand(a.sendCommand(), a.importCommand(), a.watchCommand(), a.traceCommand(), a.deadCommand(), a.auditCommand(), a.estimateCommand())
	return root
}

// does makes a command's work cobra's: an error of it is a failure unless it says otherwise.
func (a *app) does(work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := work(cmd.Context(), args)
		if _, usage := errors.AsType[usageError](err); err == nil || usage {
			return err
		}
		return failure{err}
	}
}

func (a *app) checkGlobals() error {
	if a.output != "table" && a.output != "json" {
		return usagef("--output must be table or json")
	}
	if !validPrefix(a.prefix) {
		return usagef("--prefix must be tokens of letters, digits, - and _, separated by dots")
	}
	return nil
}

func (a *app) json() bool { return a.output == "json" }

// validPrefix tells whether prefix can stand before subjects.
func validPrefix(prefix string) bool {
	for token := range strings.SplitSeq(prefix, ".") {
		if token == "" || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// checkToken checks a flag that is a token of a subject.
func checkToken(flag, value string) error {
	if !job.ValidToken(value) {
		return usagef("--%s must match [a-z0-9][a-z0-9-]{0,31}", flag)
	}
	return nil
}
