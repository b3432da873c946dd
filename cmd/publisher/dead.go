package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) deadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List, show, replay and purge dead letters",
		Long: `List, show, replay and purge dead letters: jobs that failed, and those that may or may not have been sent (code ambiguous).

A dead letter is the job itself, with the recipient and the text, and stands in the stream for some days (30 unless
configured otherwise). All filters that are given must fit. WHICH is the number of a letter, as list shows it, or the id of a job;
for an id of digits alone there is --job.`,
		Example: `  publisher dead list --route otp --since 24h
  publisher dead replay --code unavailable --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef("a command is missing: list, show, replay or purge")
		},
	}
	cmd.AddCommand(a.deadListCommand(), a.deadShowCommand(), a.deadReplayCommand(), a.deadPurgeCommand())
	return cmd
}

type deadList struct{ letters }

func (a *app) deadListCommand() *cobra.Command {
	d := deadList{letters{app: a}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, oldest first",
		Long: `List dead letters, oldest first, without recipients and texts.

REPLAYS is how often the job was replayed before it came here again. EXPIRED tells that expires_at has passed: such a
letter can't be replayed any more. With --output json this is one array.`,
		Example: `  publisher dead list
  publisher dead list --tenant shop --code unavailable --since 2h
  publisher dead list --code ambiguous --output json | jq length`,
		Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error { return d.run(ctx) }),
	}
	d.flags(cmd)
	return cmd
}

func (d *deadList) run(ctx context.Context) error {
	ctx, l, err := d.open(ctx, nil)
	if err != nil {
		return err
	}
	defer l.close()
	out := newListing(d.app, letterRow, "LETTER", "TIME", "JOB", "ROUTE", "LANE", "STATE", "CODE", "ACCOUNT", "TRIES", "REPLAYS", "EXPIRED", "WORDS")
	err = d.each(ctx, func(found letter) error {
		v := found.view()
		expired := ""
		if v.Expired {
			expired = "yes"
		}
		return out.add(v, fmt.Sprint(v.Letter), clock(v.At), v.Tenant+"/"+v.Job, v.Route, string(v.Lane), string(v.State), string(v.Code), v.Account,
			count(v.Attempts), count(v.Replays), expired, v.Message)
	})
	if err != nil {
		return err
	}
	return out.end()
}

const letterRow = "%-8s  %-24s  %-32s  %-16s  %-6s  %-7s  %-18s  %-16s  %-5s  %-7s  %-7s  %s\n"
