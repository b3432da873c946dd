package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

type audit struct {
	*app
	tenant, route string
	since         string
	grace         time.Duration
	receipts      time.Duration

	ledger *ledger
}

func (a *app) auditCommand() *cobra.Command {
	c := audit{app: a, ledger: newLedger()}
	cmd := &cobra.Command{
		Use:   "audit --since TIME",
		Short: "Tell whether anything is lost",
		Long: `Tell whether anything is lost: reads the events since a time from the status stream and reports

  no end      a job that should have gone on (its last event, or the time it was held until, is older than --grace), has no
              submitted or final event, and is in no stream any more
  gap         a job whose events' numbers have a gap: an event was lost
  no receipt  a submitted message whose receipt hasn't come, only with --receipts

Exit status: 0 there is none of these, 1 there is, or the question couldn't be answered.

A job without an end is looked for in its job stream and in LATER: what waits there isn't lost. Credentials that may not look
there get it reported, and a word that says so. Submitted messages that wait for a receipt are counted, and no fault by themselves.

What it can't see: a publication without any event is still in its job stream (their numbers are told), since a worker acknowledges a
job only after its event. Of a job whose first events were stored before TIME only the rest is checked. The stream keeps events for some
days (7 unless configured otherwise). Memory: up to 220 bytes a job with an id of 36 characters, so 220 MB a million jobs; --tenant
and --route, or a later TIME, make it less.`,
		Example: `  publisher audit --since 24h
  publisher audit --since 2026-11-22T00:00:00Z --tenant shop --receipts 73h
  publisher audit --since 1h --grace 2m --output json | jq .problems`,
		Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error { return c.run(ctx) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&c.since, "since", "24h", "events stored since `TIME`: a duration up to now (2h), or RFC 3339")
	flags.StringVar(&c.tenant, "tenant", "", "only this `TENANT`")
	flags.StringVar(&c.route, "route", "", "only this `ROUTE`")
	flags.DurationVar(&c.grace, "grace", 10*time.Minute, "how long a job may be silent that should go on")
	flags.DurationVar(&c.receipts, "receipts", 0,
		"report submitted messages without a receipt after `DURATION`, which should be above the accounts' give_up (default: don't)")
	return cmd
}

func (c *audit) check() error {
	if c.tenant != "" {
		if err := checkToken("tenant", c.tenant); err != nil {
			return err
		}
	}
	if c.route != "" {
		if err := checkToken("route", c.route); err != nil {
			return err
		}
	}
	if c.grace < 0 || c.receipts < 0 {
		return usagef("--grace and --receipts must not be below 0")
	}
	if c.since == "" {
		return usagef("--since must be a duration up to now such as 2h, or a time in RFC 3339 such as 2026-11-22T20:00:00Z")
	}
	return nil
}

func (c *audit) run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	now := time.Now()
	since, err := parseSince(c.since, now)
	if err != nil {
		return err
	}
	ctx, l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	stream, err := c.status(ctx, l)
	if err != nil {
		return err
	}
	part := span{filter: statusFilter(c.prefix, c.tenant, c.route, ""), since: since}
	next, err := c.read(ctx, stream, part)
	if err != nil {
		return err
	}
	found, err := c.look(ctx, l, now)
	switch {
	case err != nil:
		c.sayf("audit: the job streams can't be looked at, so jobs without an end may be waiting there: %v", cause(ctx, err))
	case found.lost > 0: // or it came to its end while it was looked for
		if _, err := c.read(ctx, stream, span{filter: part.filter, from: max(next, 1)}); err != nil {
			return err
		}
	}
	r := c.ledger.report(since, now, c.grace, c.receipts, found)
	if err := c.print(r); err != nil {
		return err
	}
	if n := len(r.Problems); n > 0 {
		return fmt.Errorf("problems found: %d", n)
	}
	return nil
}

// read enters what the span holds now into the ledger and returns where to go on.
func (c *audit) read(ctx context.Context, stream jetstream.Stream, part span) (next uint64, err error) {
	last, err := newest(ctx, stream, part)
	if err != nil {
		return 0, err
	}
	return scan(ctx, stream, part, last, func(message jetstream.Msg, meta *jetstream.MsgMetadata) error {
		e, err := natsq.DecodeStatus(message.Headers(), message.Data())
		if err != nil {
			c.sayf("audit: %s: not a status event: %v", message.Subject(), err)
			return nil
		}
		c.ledger.enter(&e, meta.Timestamp)
		return nil
	})
}
