package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// entry is what the status stream tells of a job.
type entry struct {
	sequences map[int]string // ce-state by sequence
	end       job.State
	why       string // of an end that is unknown
	attempt   int
	repeated  bool // a sequence stands twice with different states, or an end was followed by another event
}

// ledger is the account of a trial: what was published, what the events say of it, what recipients got.
type ledger struct {
	published int
	entries   map[int]*entry // by the job's number
	copies    map[int]int    // likewise
	states    map[job.State]int
	attempts  int // the highest
	stray     int // events of sequence 0
}

// audit reads the whole status stream and the providers' ledgers.
func (w *town) audit(ctx context.Context, published int) (*ledger, error) {
	l := &ledger{published: published, entries: map[int]*entry{}, copies: map[int]int{}, states: map[job.State]int{}}
	_, err := natsq.ReadStatus(ctx, w.js, natsq.Layout{Prefix: "dispatch"}, natsq.Excerpt{}, func(events []dispatch.Event, _ uint64) error {
		for i := range events {
			l.enter(&events[i].Event)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, e := range l.entries {
		l.states[e.end]++
		l.attempts = max(l.attempts, e.attempt)
	}
	for _, s := range w.sims() {
		for c, n := range s.All() {
			var i int
			if _, err := fmt.Sscanf(c.To, "7961%d", &i); err != nil {
				return nil, fmt.Errorf("a copy to %q, whom no job is for", c.To)
			}
			l.copies[i] += n
		}
	}
	return l, nil
}

// ends tells whether an event is a job's end, as far as the dispatch goes.
func ends(e *job.Event) bool { return e.Final || e.State == job.Submitted }

// receipt tells whether an event is what may follow a submitted one.
func receipt(e *job.Event) bool {
	return e.State == job.Delivered || e.State == job.Undelivered || e.State == job.Unknown && e.Error != nil && e.Error.Code == job.NoReceipt
}

func (l *ledger) enter(e *job.Event) {
	i, ours := numberOf(e.Job)
	if !ours || e.Sequence == 0 {
		l.stray++
		return
	}
	have := l.entries[i]
	if have == nil {
		have = &entry{sequences: map[int]string{}}
		l.entries[i] = have
	}
	if state, stands := have.sequences[e.Sequence]; stands {
		have.repeated = have.repeated || state != string(e.State)
		return
	}
	have.repeated = have.repeated || have.end != "" && (have.end != job.Submitted || !receipt(e))
	have.sequences[e.Sequence] = string(e.State)
	have.attempt = max(have.attempt, e.Attempt)
	if ends(e) && have.end == "" {
		have.end = e.State
	}
	if e.State == job.Unknown && e.Error != nil && !receipt(e) {
		have.why = e.Error.Message
	}
}

// bounds are what a trial allows beyond the laws.
type bounds struct {
	unknown int // jobs that may end so
	attempt int // the highest number of an attempt; 0: any
}

// fault is a law that was broken, and by which jobs.
type fault struct {
	law  string
	jobs []int
}

// judge lists the broken laws. violations are the providers' complaints.
func (l *ledger) judge(b bounds, violations []string) error {
	faults := []fault{{law: "lost: published, and no event tells an end"}, {law: "doubled: the recipient got more than one copy"},
		{law: "submitted, and the recipient got no copy"}, {law: "the recipient got a copy of what ended as not sent"},
		{law: "events of a job contradict each other"}, {law: "an event of a job is missing"}}
	for i := range l.published {
		e := l.entries[i]
		copies := l.copies[i]
		note := func(law int, broken bool) {
			if broken {
				faults[law].jobs = append(faults[law].jobs, i)
			}
		}
		note(1, copies > 1)
		if e == nil || e.end == "" {
			note(0, true)
			continue
		}
		note(2, e.end == job.Submitted && copies == 0)
		note(3, copies > 0 && e.end != job.Submitted && e.end != job.Unknown)
		note(4, e.repeated)
		note(5, !slices.Equal(slices.Sorted(maps.Keys(e.sequences)), upTo(len(e.sequences))))
	}
	var broken []error
	for _, f := range faults {
		if len(f.jobs) > 0 {
			broken = append(broken, fmt.Errorf("%d jobs %s: %s", len(f.jobs), f.law, l.some(f.jobs)))
		}
	}
	if n := l.states[job.Unknown]; n > b.unknown {
		broken = append(broken, fmt.Errorf("%d jobs are unknown, %d may be", n, b.unknown))
	}
	if b.attempt > 0 && l.attempts > b.attempt {
		broken = append(broken, fmt.Errorf("an attempt has number %d", l.attempts))
	}
	if len(violations) > 0 {
		broken = append(broken, fmt.Errorf("a provider complains: %s", violations[0]))
	}
	return errors.Join(broken...)
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// some shows the first of the jobs with what is known of them.
func (l *ledger) some(jobs []int) string {
	var words []string
	for _, i := range jobs[:min(5, len(jobs))] {
		story := "no event"
		if e := l.entries[i]; e != nil {
			story = fmt.Sprint(e.sequences)
		}
		words = append(words, fmt.Sprintf("%s (%s, %d copies)", jobID(i), story, l.copies[i]))
	}
	return strings.Join(words, ", ")
}

// String is the account in a line.
func (l *ledger) String() string {
	total, doubled, lost := 0, 0, 0
	for i := range l.published {
		total += l.copies[i]
		if l.copies[i] > 1 {
			doubled++
		}
		if e := l.entries[i]; e == nil || e.end == "" {
			lost++
		}
	}
	words := []string{fmt.Sprintf("published %d", l.published)}
	for _, s := range slices.Sorted(maps.Keys(l.states)) {
		words = append(words, fmt.Sprintf("%s %d", s, l.states[s]))
	}
	return strings.Join(append(words, fmt.Sprintf("copies %d, lost %d, doubled %d, highest attempt %d", total, lost, doubled, l.attempts)), ", ")
}

// whys are the reasons of jobs that are unknown, with the number of those whose recipient got a copy.
func (l *ledger) whys() []string {
	type count struct{ jobs, copies int }
	by := map[string]count{}
	for i, e := range l.entries {
		if e.end == job.Unknown {
			c := by[e.why]
			by[e.why] = count{c.jobs + 1, c.copies + l.copies[i]}
		}
	}
	var words []string
	for _, why := range slices.Sorted(maps.Keys(by)) {
		words = append(words, fmt.Sprintf("%d, %d of them sent: %s", by[why].jobs, by[why].copies, why))
	}
	return words
}

// settle ends a trial: it waits until all is done, sends the workers home, and judges the ledger.
func (w *town) settle(ctx context.Context, published int, b bounds) error {
	if err := w.drained(ctx); err != nil {
		if l, failed := w.audit(ctx, published); failed == nil {
			w.say("ledger: %s", l)
		}
		return err
	}
	if err := w.goHome(); err != nil {
		return err
	}
	l, err := w.audit(ctx, published)
	if err != nil {
		return err
	}
	w.say("ledger: %s", l)
	for _, why := range l.whys() {
		w.say("unknown: %s", why)
	}
	var violations []string
	for _, s := range w.sims() {
		violations = append(violations, s.Violations()...)
	}
	return l.judge(b, violations)
}
