package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"
)

func (a *app) traceCommand() *cobra.Command {
	tenant := ""
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show the whole life of one job",
		Long: `Show the whole life of one job, from the status stream, in order and without repeats, its receipts among the rest: SEG
and COST are what the provider charged, WHY has its own word for the state.

The stream keeps events for some days (7 unless configured otherwise) and knows no index by job: all of the
tenant's events in it are read, about half a kilobyte each, so a tenant of a million events costs half a gigabyte.
An ID may also be a publication such as DISPATCH_JOBS_URGENT:42, as in the events about one that no job could be read from.`,
		Example: `  publisher trace ord-42 --tenant shop
  publisher trace ord-42 --output json | jq '.[-1].state'`,
		Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error { return a.trace(ctx, tenant, args[0]) }),
	}
	cmd.Flags().StringVar(&tenant, "tenant", "default", "the job's `TENANT`")
	return cmd
}

func (a *app) trace(ctx context.Context, tenant, id string) error {
	if err := checkToken("tenant", tenant); err != nil {
		return err
	}
	if id == "" {
		return usagef("the ID is empty")
	}
	ctx, l, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	stream, err := a.status(ctx, l)
	if err != nil {
		return err
	}
	events, _, err := a.life(ctx, stream, tenant, id)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("no events of a job with this id and tenant %s: either is another, they are older than the status stream keeps, or no worker has taken it yet", tenant)
	}
	return a.printLife(events)
}

func (a *app) printLife(events []event) error {
	if a.json() {
		all := make([]json.RawMessage, len(events))
		for i, ev := range events {
			all[i] = ev.data
		}
		return printJSON(a.stdout, all)
	}
	if err := printEventHeader(a.stdout); err != nil {
		return err
	}
	for _, ev := range events {
		if err := printEvent(a.stdout, ev, false); err != nil {
			return err
		}
	}
	return nil
}

// life gives all events with a job's id that the status stream holds, each once and in order, and the sequence to follow it from.
func (a *app) life(ctx context.Context, stream jetstream.Stream, tenant, id string) ([]event, uint64, error) {
	var events []event
	seen := make(map[string]bool)
	all := span{filter: statusFilter(a.prefix, tenant, "", "")}
	last, err := newest(ctx, stream, all)
	if err != nil {
		return nil, 0, err
	}
	from, err := scan(ctx, stream, all, last, func(message jetstream.Msg, _ *jetstream.MsgMetadata) error {
		if !about(message, id) {
			return nil
		}
		ev, err := readEvent(message)
		if err != nil {
			a.sayf("%v", err)
			return nil
		}
		if !seen[ev.id] {
			seen[ev.id] = true
			events = append(events, ev)
		}
		return nil
	})
	return inOrder(events), from, err
}

// inOrder sorts a job's events by their sequence. Those of publications that never became the job have none: each stands before
// the first event that is later than it.
func inOrder(events []event) []event {
	var own, others []event
	for _, ev := range events {
		if ev.Sequence > 0 {
			own = append(own, ev)
		} else {
			others = append(others, ev)
		}
	}
	slices.SortStableFunc(own, func(a, b event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	slices.SortStableFunc(others, func(a, b event) int { return a.At.Compare(b.At) })
	var all []event
	for _, ev := range own {
		for len(others) > 0 && others[0].At.Before(ev.At) {
			all = append(all, others[0])
			others = others[1:]
		}
		all = append(all, ev)
	}
	return append(all, others...)
}
