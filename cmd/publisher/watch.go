package main

import (
	"context"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

type watch struct {
	*app
	tenant, route, state, id string
}

func (a *app) watchCommand() *cobra.Command {
	w := watch{app: a}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show status events as they come",
		Long: `Show status events as they come, until interrupted.

Without filters these are the events of all tenants, as far as the credentials allow. Events that come
while the connection is lost are shown when it is back. With --output json each line is one event's data.`,
		Example: `  publisher watch
  publisher watch --tenant shop --route otp --state failed
  publisher watch --job ord-42 --output json`,
		Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error { return w.run(ctx) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&w.tenant, "tenant", "", "only this `TENANT`")
	flags.StringVar(&w.route, "route", "", "only this `ROUTE`")
	flags.StringVar(&w.state, "state", "", "only this `STATE`: "+states())
	flags.StringVar(&w.id, "job", "", "only the job with this `ID`")
	return cmd
}

func states() string {
	var names []string
	for _, s := range job.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func (w *watch) check() error {
	if w.tenant != "" {
		if err := checkToken("tenant", w.tenant); err != nil {
			return err
		}
	}
	if w.route != "" {
		if err := checkToken("route", w.route); err != nil {
			return err
		}
	}
	if w.state != "" && !slices.Contains(job.States(), job.State(w.state)) {
		return usagef("--state must be one of %s", states())
	}
	return nil
}

func (w *watch) run(interrupt context.Context) error {
	if err := w.check(); err != nil {
		return err
	}
	ctx, l, err := w.connect(interrupt)
	if err != nil {
		return err
	}
	defer l.close()
	f, err := w.open(ctx, l)
	if err != nil {
		return err
	}
	defer f.close()
	if !w.json() {
		if err := printEventHeader(w.stdout); err != nil {
			return err
		}
	}
	for {
		message, err := f.next(ctx)
		if interrupt.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if w.id != "" && !about(message, w.id) {
			continue
		}
		if err := w.show(message); err != nil {
			return err
		}
	}
}

func (w *watch) open(ctx context.Context, l *link) (*feed, error) {
	stream, err := w.status(ctx, l)
	if err != nil {
		return nil, err
	}
	return follow(ctx, stream, span{filter: statusFilter(w.prefix, w.tenant, w.route, w.state), from: stream.CachedInfo().State.LastSeq + 1})
}

// show prints one event. One that can't be read is said and passed over: the next ones can.
func (w *watch) show(message jetstream.Msg) error {
	ev, err := readEvent(message)
	if err != nil {
		w.sayf("watch: %v", err)
		return nil
	}
	return printEvent(w.stdout, ev, w.json())
}
