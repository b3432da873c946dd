package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// letters are the dead letters that the flags choose. Route, tenant and code are chosen by the server, the rest here.
type letters struct {
	*app
	tenant, route, code string
	account, job        string
	since               string
	limit               int
	which               which

	stored time.Time // what since means; zero: whenever
	stream jetstream.Stream
	span   span
	last   uint64 // of those that the stream held at first: what dies again meanwhile isn't taken up
	taken  int
}

func (d *letters) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.tenant, "tenant", "", "only this `TENANT`")
	flags.StringVar(&d.route, "route", "", "only this `ROUTE`")
	flags.StringVar(&d.code, "code", "", "only this `CODE` of the reason, such as unavailable or ambiguous")
	flags.StringVar(&d.account, "account", "", "only those that were last sent through this `ACCOUNT`")
	flags.StringVar(&d.job, "job", "", "only the job with this `ID`")
	flags.StringVar(&d.since, "since", "", "only letters stored since `TIME`: a duration up to now (2h), or RFC 3339")
	flags.IntVar(&d.limit, "limit", 0, "at most `N` letters, the oldest first (default: all)")
}

// chosen tells whether anything was given that narrows the choice.
func (d *letters) chosen() bool {
	return d.tenant+d.route+d.code+d.account+d.job+d.since != "" || !d.which.empty()
}

func (d *letters) check(args []string) (err error) {
	for _, token := range []struct{ flag, value string }{{"tenant", d.tenant}, {"route", d.route}, {"account", d.account}} {
		if token.value == "" {
			continue
		}
		if err := checkToken(token.flag, token.value); err != nil {
			return err
		}
	}
	if d.code != "" && !slices.Contains(job.Codes(), job.Code(d.code)) {
		return usagef("--code must be one of %s", codes())
	}
	if d.limit < 0 {
		return usagef("--limit must not be below 0")
	}
	if d.stored, err = parseSince(d.since, time.Now()); err != nil {
		return err
	}
	d.span.since = d.stored
	d.which, err = parseWhich(args)
	return err
}

func codes() string {
	var names []string
	for _, c := range job.Codes() {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

// open connects and looks how far the letters go.
func (d *letters) open(ctx context.Context, args []string) (context.Context, *link, error) {
	if err := d.check(args); err != nil {
		return nil, nil, err
	}
	ctx, l, err := d.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	name := natsq.Layout{Prefix: d.prefix}.DeadStream()
	if d.stream, err = stream(ctx, l, name); err == nil {
		d.span.filter = filterOf(d.prefix, "dead", d.tenant, d.route, d.code)
		d.last, err = newest(ctx, d.stream, d.span)
	}
	if err != nil {
		l.close()
		return nil, nil, err
	}
	if first, last, ok := d.which.bounds(); ok && d.last > 0 {
		d.span.from, d.span.since, d.last = first, time.Time{}, min(d.last, last)
	}
	return ctx, l, nil
}

// each hands over the letters, one at a time.
func (d *letters) each(ctx context.Context, do func(letter) error) error {
	_, err := d.some(ctx, do)
	return err
}

// page takes up at most n more letters; none: that was all.
func (d *letters) page(ctx context.Context, n int) (page []letter, err error) {
	next, err := d.some(ctx, func(l letter) error {
		if page = append(page, l); len(page) == n {
			return errEnough
		}
		return nil
	})
	d.span.from, d.span.since = next, time.Time{}
	if next > d.last {
		d.last = 0
	}
	return page, err
}

func (d *letters) some(ctx context.Context, do func(letter) error) (next uint64, err error) {
	if d.limit > 0 && d.taken == d.limit {
		return d.last + 1, nil
	}
	return scan(ctx, d.stream, d.span, d.last, func(message jetstream.Msg, meta *jetstream.MsgMetadata) error {
		dead, err := natsq.DecodeDead(message.Subject(), message.Headers(), message.Data())
		if err != nil {
			d.sayf("letter %d: %v", meta.Sequence.Stream, err)
			return nil
		}
		l := letter{natsq.Letter{DeadLetter: dead, Sequence: meta.Sequence.Stream}}
		if meta.Timestamp.Before(d.stored) || d.account != "" && dead.Account != d.account || d.job != "" && dead.JobID != d.job || !d.which.takes(l) {
			return nil
		}
		d.taken++
		if err := do(l); err != nil {
			return err
		}
		if d.taken == d.limit {
			return errEnough
		}
		return nil
	})
}

// missing tells which of the letters asked for by number or id there aren't.
func (d *letters) missing() error {
	if d.limit > 0 && d.taken == d.limit {
		return nil
	}
	var missed []string
	for what, found := range d.which.seen {
		if !found {
			missed = append(missed, what)
		}
	}
	if len(missed) == 0 {
		return nil
	}
	slices.Sort(missed)
	return errors.New("no dead letter, as far as the other filters go: " + strings.Join(missed, ", "))
}

// which are letters by their number or their job's id.
type which struct {
	seen    map[string]bool // of each whether it was found
	numbers []uint64
}

func parseWhich(args []string) (w which, err error) {
	if len(args) > 0 {
		w.seen = make(map[string]bool)
	}
	for _, arg := range args {
		if arg == "" {
			return w, usagef("WHICH is empty")
		}
		w.seen[arg] = false
		if strings.Trim(arg, "0123456789") != "" {
			continue
		}
		n, err := strconv.ParseUint(arg, 10, 64)
		if err != nil || n == 0 || fmt.Sprint(n) != arg {
			return w, usagef("%s is no number of a letter; for the id of a job there is --job", arg)
		}
		w.numbers = append(w.numbers, n)
	}
	return w, nil
}

func (w which) empty() bool { return len(w.seen) == 0 }

// bounds are the first and the last letter, where all are given by number.
func (w which) bounds() (first, last uint64, ok bool) {
	if w.empty() || len(w.numbers) < len(w.seen) {
		return 0, 0, false
	}
	return slices.Min(w.numbers), slices.Max(w.numbers), true
}

func (w which) takes(l letter) bool {
	if w.empty() {
		return true
	}
	taken := w.mark(fmt.Sprint(l.Sequence))
	if strings.Trim(l.JobID, "0123456789") != "" { // else it would be a number
		taken = w.mark(l.JobID) || taken
	}
	return taken
}

func (w which) mark(name string) bool {
	_, asked := w.seen[name]
	if asked {
		w.seen[name] = true
	}
	return asked
}
