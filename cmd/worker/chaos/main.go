// Command chaos breaks things under load and keeps a ledger: workers are killed, nats-server and redis-server die, forget and come back, the provider
// fails in every way of its simulator. Each trial has servers of its own, as real processes on loopback with their data in a temporary folder, three
// workers, and providers that count what each recipient would have got. It ends with what the laws of the dispatch ask: nothing lost, nothing doubled,
// each job ended once with its events in sequence.
//
// It needs redis-server and go in PATH, and is run from within the module:
//
//	go run ./cmd/worker/chaos [-only kill,flush,…] [-for 60s] [-jobs 20000] [-seed N]
//
// The exit status is 1 where a law was broken; then the folder with the logs is kept, and its name printed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
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

// run is one of the processes: the program starts itself again for nats-server.
func run(args []string, out, errs io.Writer) int {
	if len(args) > 0 && args[0] == "nats" {
		if err := lab.RunNATS(args[1:], out); err != nil {
			fmt.Fprintln(errs, "chaos nats:", err)
			return 1
		}
		return 0
	}
	o, err := parse(args, errs)
	if err != nil {
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	self, err := os.Executable()
	if err == nil {
		err = chaos(ctx, self, o, out)
	}
	if err != nil {
		fmt.Fprintln(errs, "chaos:", err)
		return 1
	}
	return 0
}

// options are what the command line says.
type options struct {
	only     []string
	duration time.Duration
	jobs     int
	records  int
	held     int
	seed     uint64
}

func parse(args []string, errs io.Writer) (o options, err error) {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(errs)
	var names []string
	for _, t := range trials() {
		names = append(names, t.name)
	}
	only := f.String("only", strings.Join(names, ","), "the trials, in this order")
	f.DurationVar(&o.duration, "for", time.Minute, "how long the trial \"all\" breaks things")
	f.IntVar(&o.jobs, "jobs", 20_000, "jobs of most trials")
	f.IntVar(&o.records, "records", 100_000, "records that Redis holds when it loses them")
	f.IntVar(&o.held, "held", 1_000_000, "jobs that are held for later")
	f.Uint64Var(&o.seed, "seed", rand.Uint64(), "of what is random in what is broken when; it is printed")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.only = strings.Split(*only, ",")
	unknown := func(name string) bool { return !slices.Contains(names, name) }
	switch i := slices.IndexFunc(o.only, unknown); {
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case i >= 0:
		err = fmt.Errorf("-only %s: the trials are %s", o.only[i], strings.Join(names, ", "))
	case o.duration <= 0 || o.jobs < 100 || o.records < 100 || o.held < 100:
		err = fmt.Errorf("use some time, and at least 100 jobs, records and held ones")
	}
	if err != nil {
		fmt.Fprintln(errs, "chaos:", err)
	}
	return o, err
}
