package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// What becomes of letters.
const (
	outcomeReplayed = "replayed"
	outcomeExpired  = "expired"
	outcomeUnserved = "unserved"
	outcomePurged   = "purged"
)

// maxPage is how many letters are dealt with together, and held in memory, at most.
const maxPage = 256

// outcomes counts and tells what became of letters: each on a line of its own, the sum at the end.
type outcomes struct {
	purging                             bool // else it is replaying
	replayed, expired, unserved, purged int
}

func (o *outcomes) add(a *app, outcome string, l letter) error {
	switch outcome {
	case outcomeReplayed:
		o.replayed++
	case outcomeExpired:
		o.expired++
	case outcomeUnserved:
		o.unserved++
	case outcomePurged:
		o.purged++
	}
	v := l.view()
	if a.json() {
		return printJSON(a.stdout, struct {
			Letter  uint64 `json:"letter"`
			Job     string `json:"job"`
			Tenant  string `json:"tenant"`
			Route   string `json:"route"`
			Code    string `json:"code"`
			Outcome string `json:"outcome"`
		}{v.Letter, v.Job, v.Tenant, v.Route, string(v.Code), outcome})
	}
	return printRow(a.stdout, "%-8s  %-8s  %-32s  %-16s  %s\n", outcome, fmt.Sprint(v.Letter), v.Tenant+"/"+v.Job, v.Route, string(v.Code))
}

func (o *outcomes) print(a *app, dryRun bool) error {
	switch {
	case a.json() && o.purging:
		return printJSON(a.stdout, struct {
			Purged int  `json:"purged"`
			DryRun bool `json:"dry_run"`
		}{o.purged, dryRun})
	case a.json():
		return printJSON(a.stdout, struct {
			Replayed int  `json:"replayed"`
			Expired  int  `json:"expired"`
			Unserved int  `json:"unserved"`
			DryRun   bool `json:"dry_run"`
		}{o.replayed, o.expired, o.unserved, dryRun})
	}
	sum := fmt.Sprintf("%d replayed, %d expired, %d unserved", o.replayed, o.expired, o.unserved)
	if o.purging {
		sum = fmt.Sprintf("%d purged", o.purged)
	}
	if dryRun {
		sum += " (dry run: nothing was changed)"
	}
	_, err := fmt.Fprintln(a.stdout, sum)
	return err
}

// finishWithin is how long what was begun may take to be finished once the command was told to stop.
const finishWithin = 30 * time.Second

// finishing outlives ctx for a while, so that what is begun is brought to its end; not where ctx ended since NATS denies a subject.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	finish, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		if why := context.Cause(ctx); errors.Is(why, nats.ErrPermissionViolation) {
			stop(why)
		}
	})
	finish, cancel := context.WithTimeout(finish, finishWithin)
	return finish, func() { unhook(); cancel(); stop(nil) }
}

func bare(page []letter) []natsq.Letter {
	out := make([]natsq.Letter, len(page))
	for i, l := range page {
		out[i] = l.Letter
	}
	return out
}
