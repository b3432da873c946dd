package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// report is what an audit found.
type report struct {
	Since    time.Time         `json:"since"`
	Events   int               `json:"events"`
	Jobs     int               `json:"jobs"`
	Cut      int               `json:"cut"`               // jobs whose first events weren't seen: stored before Since, or lost
	Others   int               `json:"others"`            // events about publications that never became a job
	Ended    int               `json:"ended"`             // jobs with a final event
	Awaiting int               `json:"awaiting_receipt"`  // submitted, and the receipt is to come
	UnderWay int               `json:"under_way"`         // jobs that go on
	States   map[job.State]int `json:"states"`            // of the jobs' last events
	Streams  map[string]uint64 `json:"streams,omitempty"` // jobs that wait, by lane, and in LATER those of everybody; absent: it couldn't be asked
	Problems []problem         `json:"problems"`
}

// problem is what is wrong with a job.
type problem struct {
	Problem  string    `json:"problem"`
	Job      string    `json:"job"`
	Tenant   string    `json:"tenant"`
	Route    string    `json:"route"`
	Lane     job.Lane  `json:"lane"`
	State    job.State `json:"state"` // of the last event
	Sequence int       `json:"sequence"`
	At       time.Time `json:"at"` // when it was stored
	Missing  []int     `json:"missing,omitempty"`
}

// The problems.
const (
	noEnd     = "no end"
	gap       = "gap"
	noReceipt = "no receipt"
)

// report judges all jobs as of now.
func (l *ledger) report(since, now time.Time, grace, receipts time.Duration, f found) *report {
	r := &report{Since: since, Events: l.events, Jobs: len(l.jobs), Others: l.others, Streams: f.waiting, States: make(map[job.State]int), Problems: []problem{}}
	for key, e := range l.jobs {
		tell := func(what string, missing []int) {
			tenant, id, _ := strings.Cut(key, "/")
			r.Problems = append(r.Problems, problem{what, id, tenant, l.routes[e.route], job.Lanes()[e.lane], l.known[e.state], int(e.last),
				time.UnixMilli(e.stored).UTC(), missing})
		}
		r.States[l.known[e.state]]++
		if e.first > 1 {
			r.Cut++
		}
		switch l.standing(&e, now, grace) {
		case ended:
			r.Ended++
		case awaiting:
			r.Awaiting++
			if receipts > 0 && now.UnixMilli()-e.stored > receipts.Milliseconds() {
				tell(noReceipt, nil)
			}
		case underWay:
			r.UnderWay++
		case silent:
			if f.held[key] {
				r.UnderWay++
			} else {
				tell(noEnd, nil)
			}
		}
		if e.gaps() {
			tell(gap, e.missing())
		}
	}
	slices.SortFunc(r.Problems, func(a, b problem) int {
		return cmp.Or(strings.Compare(a.Problem, b.Problem), strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Job, b.Job))
	})
	return r
}

const problemRow = "%-10s  %-32s  %-16s  %-6s  %-11s  %-4s  %-24s  %s\n"

func (c *audit) print(r *report) error {
	if c.json() {
		return printJSON(c.stdout, r)
	}
	if len(r.Problems) > 0 {
		if err := printRow(c.stdout, problemRow, "PROBLEM", "JOB", "ROUTE", "LANE", "LAST", "SEQ", "AT", "MISSING"); err != nil {
			return err
		}
	}
	for _, p := range r.Problems {
		missing := strings.Trim(fmt.Sprint(p.Missing), "[]")
		if err := printRow(c.stdout, problemRow, p.Problem, p.Tenant+"/"+p.Job, p.Route, string(p.Lane), string(p.State), count(p.Sequence), clock(p.At), missing); err != nil {
			return err
		}
	}
	streams := "the job streams couldn't be asked"
	if r.Streams != nil {
		all := uint64(0)
		for _, n := range r.Streams {
			all += n
		}
		streams = fmt.Sprintf("%d jobs are still waiting in streams: urgent %d, normal %d, bulk %d, held for a time or a retry %d",
			all, r.Streams["urgent"], r.Streams["normal"], r.Streams["bulk"], r.Streams["later"])
		if c.tenant+c.route != "" {
			streams += " (these of all tenants and routes)"
		}
	}
	_, err := fmt.Fprintf(c.stdout, `%d jobs since %s, by %d events; of %d jobs only the later events
%d ended, %d wait for a receipt, %d under way; last events: %s
%d events about publications that never became a job
%s
problems: %d
`, r.Jobs, clock(r.Since), r.Events, r.Cut, r.Ended, r.Awaiting, r.UnderWay, stateCounts(r.States), r.Others, streams, len(r.Problems))
	return err
}

// stateCounts are the states that there are, in their order.
func stateCounts(states map[job.State]int) string {
	var parts []string
	for _, s := range job.States() {
		if n := states[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s, n))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}
