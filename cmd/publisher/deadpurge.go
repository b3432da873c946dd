package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

type deadPurge struct {
	letters
	dryRun bool
	all    bool
	tally  outcomes
}

func (a *app) deadPurgeCommand() *cobra.Command {
	d := deadPurge{letters: letters{app: a}, tally: outcomes{purging: true}}
	cmd := &cobra.Command{
		Use:   "purge [WHICH...]",
		Short: "Delete dead letters for good",
		Long: `Delete dead letters for good: the job in each, with recipient and text, is then nowhere any more. Its events stay.

WHICH, a filter or --all must be given; --limit is no filter. Look with --dry-run first.`,
		Example: `  publisher dead purge --tenant shop --code invalid_sender --dry-run
  publisher dead purge 42 43
  publisher dead purge --all`,
		RunE: a.does(func(ctx context.Context, args []string) error { return d.run(ctx, args) }),
	}
	d.flags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&d.dryRun, "dry-run", false, "tell what would be deleted, and do nothing")
	flags.BoolVar(&d.all, "all", false, "delete all letters, of all tenants and routes")
	return cmd
}

func (d *deadPurge) run(ctx context.Context, args []string) error {
	switch narrowed := d.chosen() || len(args) > 0; {
	case d.all && narrowed:
		return usagef("--all excludes WHICH and filters")
	case !d.all && !narrowed && !d.dryRun:
		return usagef("this would delete every dead letter: give WHICH, a filter, or --all")
	}
	ctx, l, err := d.open(ctx, args)
	if err != nil {
		return err
	}
	defer l.close()
	for {
		page, err := d.page(ctx, maxPage)
		if err == nil && len(page) == 0 {
			break
		}
		if err == nil {
			err = d.purge(ctx, l, page)
		}
		if err != nil {
			return errors.Join(d.tally.print(d.app, d.dryRun), fmt.Errorf("stopped, run the same command again to go on: %w", cause(ctx, err)))
		}
	}
	return errors.Join(d.tally.print(d.app, d.dryRun), d.missing())
}

func (d *deadPurge) purge(ctx context.Context, l *link, page []letter) error {
	if !d.dryRun {
		finish, cancel := finishing(ctx)
		defer cancel()
		if _, err := natsq.Discard(finish, l.js, natsq.Layout{Prefix: d.prefix}, bare(page)); err != nil {
			return cause(finish, err)
		}
	}
	for _, gone := range page {
		if err := d.tally.add(d.app, outcomePurged, gone); err != nil {
			return err
		}
	}
	return nil
}
