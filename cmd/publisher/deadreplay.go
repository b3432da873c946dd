package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

type deadReplay struct {
	letters
	dryRun bool
	rate   int

	outlet *natsq.Outlet
	served map[destination]bool
	tally  outcomes
}

// destination is one lane of a route.
type destination struct {
	lane  job.Lane
	route string
}

func (a *app) deadReplayCommand() *cobra.Command {
	d := deadReplay{letters: letters{app: a}, served: make(map[destination]bool)}
	cmd := &cobra.Command{
		Use:   "replay [WHICH...]",
		Short: "Give jobs back to the workers",
		Long: `Give jobs back to the workers, with their attempts anew; without WHICH and filters all of them. Each goes on by the
numbers of its events, and its letter is deleted once its job is stored again. A job that fails again is a new letter, which this run leaves.

A job with the code ambiguous may have been sent: where its provider recognises repeats (MySMPP) it isn't sent twice, elsewhere the
recipient may get a second copy. To replay it is to accept that.

Not replayed, and left as letters: jobs whose expires_at has passed (expired), and those of a lane and route that no worker
is configured for (unserved). Exit status 1 then.

It may be stopped at any point and run again. Where it was killed between the two steps, a letter is left whose job is under way or
done: replayed once more within the time that ids are remembered (dedupe.window, 72h unless configured otherwise), it isn't sent again.`,
		Example: `  publisher dead replay --code unavailable --since 2h --dry-run
  publisher dead replay --code unavailable --since 2h --rate 50
  publisher dead replay 42 43`,
		RunE: a.does(func(ctx context.Context, args []string) error { return d.run(ctx, args) }),
	}
	d.flags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&d.dryRun, "dry-run", false, "tell what would be done, and do nothing")
	flags.IntVar(&d.rate, "rate", 0, "at most `N` jobs a second (default: as fast as they can be stored; workers keep their accounts' limits anyway)")
	return cmd
}

func (d *deadReplay) run(ctx context.Context, args []string) error {
	if d.rate < 0 {
		return usagef("--rate must not be below 0")
	}
	ctx, l, err := d.open(ctx, args)
	if err != nil {
		return err
	}
	defer l.close()
	if d.outlet, err = natsq.NewOutlet(l.conn, d.prefix); err != nil {
		return err
	}
	size, pace := maxPage, rate.NewLimiter(rate.Inf, 0)
	if d.rate > 0 {
		size = min(max(d.rate/10, 1), maxPage) // a tenth of a second at a time
		pace = rate.NewLimiter(rate.Limit(d.rate), size)
	}
	for {
		page, err := d.page(ctx, size)
		if err == nil && len(page) == 0 {
			break
		}
		if err == nil {
			page, err = d.sift(ctx, l, page)
		}
		if err == nil && !d.dryRun {
			err = pace.WaitN(ctx, len(page))
		}
		if err == nil {
			err = d.replay(ctx, l, page)
		}
		if err != nil {
			return errors.Join(d.tally.print(d.app, d.dryRun), fmt.Errorf("stopped: %w", cause(ctx, err)))
		}
	}
	return errors.Join(d.tally.print(d.app, d.dryRun), d.missing(), d.left())
}

// sift tells of the letters that can't be replayed and returns the others.
func (d *deadReplay) sift(ctx context.Context, l *link, page []letter) (good []letter, err error) {
	now := time.Now()
	for _, found := range page {
		to := destination{found.Delivery.Address.Lane, found.Delivery.Address.Route}
		if _, known := d.served[to]; !known {
			if d.served[to], err = natsq.Serves(ctx, l.js, natsq.Layout{Prefix: d.prefix}, to.lane, to.route); err != nil {
				return nil, err
			}
		}
		outcome := ""
		switch {
		case found.expired(now):
			outcome = outcomeExpired
		case !d.served[to]:
			outcome = outcomeUnserved
		default:
			good = append(good, found)
			continue
		}
		if err := d.tally.add(d.app, outcome, found); err != nil {
			return nil, err
		}
	}
	return good, nil
}

func (d *deadReplay) replay(ctx context.Context, l *link, page []letter) error {
	if len(page) > 0 && !d.dryRun {
		finish, cancel := finishing(ctx)
		defer cancel()
		layout := natsq.Layout{Prefix: d.prefix}
		deleted, err := natsq.Replay(finish, l.js, layout, d.outlet, bare(page))
		if err != nil {
			return fmt.Errorf("of the letters %d to %d, %d were replayed and deleted; of the others it isn't known, run the same command again: %w",
				page[0].Sequence, page[len(page)-1].Sequence, deleted, cause(finish, err))
		}
	}
	for _, done := range page {
		if err := d.tally.add(d.app, outcomeReplayed, done); err != nil {
			return err
		}
	}
	return nil
}

// left is the error that something wasn't replayed; in a dry run it is only told.
func (d *deadReplay) left() error {
	if n := d.tally.expired + d.tally.unserved; n > 0 && !d.dryRun {
		return fmt.Errorf("letters not replayed: %d", n)
	}
	return nil
}
