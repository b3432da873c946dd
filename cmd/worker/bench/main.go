// Command bench measures the worker beside a bare loop that does the least possible over the same libraries, beside what arithmetic allows, and
// beside itself with less to do. Worker, bare loop, nats-server, redis-server and the provider they send to are processes of their own. Every
// measurement has fresh servers, all on loopback, their data in a temporary folder; nothing else is touched. Figures are printed, never
// judged: they are the machine's as much as the program's.
//
// It needs redis-server and go in PATH, and is run from within the module:
//
//	go run ./cmd/worker/bench [-rounds 3] [-jobs 100000] [-in-flight 16] [-delay 0] [-only throughput,idle,…] [-profile FOLDER]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is one of the processes: the program starts itself again for the others.
func run(args []string, out, errs io.Writer) int {
	parts := map[string]func([]string, io.Writer) error{"nats": lab.RunNATS, "provider": runProvider, "bare": runBare}
	if len(args) > 0 && parts[args[0]] != nil {
		if err := profiled(func() error { return parts[args[0]](args[1:], out) }); err != nil {
			fmt.Fprintln(errs, "bench", args[0]+":", err)
			return 1
		}
		return 0
	}
	o, err := parse(args, errs)
	if err != nil {
		return 2
	}
	// SIGPIPE, too: where nobody reads the figures any more, the processes must end all the same.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer cancel()
	switch err := bench(ctx, o, out, errs); {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(errs, "bench: interrupted, nothing is left behind")
		return 1
	case err != nil:
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

// options are what the command line says.
type options struct {
	rounds   int
	jobs     int
	inFlight int           // packets of a subject under way at once
	delay    time.Duration // of the provider's answers
	only     []string
	profile  string // folder for CPU profiles; empty: none are made
}

func parse(args []string, errs io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	f.IntVar(&o.rounds, "rounds", 3, "how often each measurement is repeated")
	f.IntVar(&o.jobs, "jobs", 100_000, "backlog of the throughput; those of the other measurements are in proportion, but for paced")
	f.IntVar(&o.inFlight, "in-flight", 16, "requests under way at once, but in paced")
	f.DurationVar(&o.delay, "delay", 0, "how long the provider takes to answer, but in paced, urgent and limit")
	only := f.String("only", strings.Join(measurements(), ","), "what to measure")
	f.StringVar(&o.profile, "profile", "", "folder for CPU profiles of worker, bare loop, NATS and provider; making them costs some CPU")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.only = strings.Split(*only, ",")
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.rounds < 1 || o.jobs < 1000 || o.inFlight < 1 || o.delay < 0:
		err = fmt.Errorf("use at least 1 round, 1000 jobs, 1 request in flight, and no negative delay")
	case slices.ContainsFunc(o.only, func(s string) bool { return !slices.Contains(measurements(), s) }):
		err = fmt.Errorf("-only %s: use any of %s, separated by commas", *only, strings.Join(measurements(), ", "))
	}
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
	}
	return o, err
}
