package claim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// Record implements [dispatch.Claims]. It tries once; to call it again with the same updates is safe. Where the record itself was
// lost, and nobody claimed the job since, the update is written.
func (s *Store) Record(ctx context.Context, updates []dispatch.Update) ([]bool, error) {
	if len(updates) == 0 {
		return nil, nil
	}
	guards, err := s.armed()
	if err != nil {
		return nil, fmt.Errorf("claim: record %d jobs: %w", len(updates), err)
	}
	out := make([]bool, len(updates))
	whole, rest := s.hands.pages(s.worker, updates)
	pages := s.writePages(guards, updates, whole)
	rest, err = s.record(ctx, pages, s.writes(guards, updates, rest, claimed), whole, out)
	if err == nil && len(rest) > 0 { // of pages that aren't as they were claimed
		_, err = s.record(ctx, nil, s.writes(guards, updates, rest, claimed), nil, out)
	}
	if err != nil {
		return nil, fmt.Errorf("claim: record %d jobs: %w", len(updates), err)
	}
	s.hands.drop(s.worker, updates)
	return out, nil
}

// record runs calls, of pages and of single jobs, in one round trip, and notes what was written. left are the updates of refused pages.
func (s *Store) record(ctx context.Context, pages, single []*call, whole []fill, out []bool) (left []int, err error) {
	if err := s.try(ctx, slices.Concat(pages, single)); err != nil {
		return nil, err
	}
	for _, c := range pages {
		refused, err := c.named(c.answer)
		if err != nil {
			return nil, err
		}
		for _, k := range c.jobs {
			f := &whole[k]
			if slices.Contains(refused, k) {
				left = append(left, f.updates[:]...)
				continue
			}
			for _, i := range f.updates {
				out[i] = true
			}
		}
	}
	for _, c := range single {
		refused, err := c.named(c.answer)
		if err != nil {
			return nil, err
		}
		for _, i := range c.jobs {
			out[i] = true
		}
		for _, i := range refused {
			out[i] = false
		}
	}
	return left, nil
}

// writePages makes the calls that write whole pages, one for each sheaf and keep; their jobs are the indices of whole.
func (s *Store) writePages(guards []string, updates []dispatch.Update, whole []fill) []*call {
	if len(whole) == 0 {
		return nil
	}
	a := newArena(2*len(whole), 80*pageSize*len(whole))
	var text sheet
	for k := range whole {
		f := &whole[k]
		a.buf = strconv.AppendInt(a.buf, int64(f.page.number), 10)
		a.end()
		text.begin()
		for _, i := range f.updates {
			a.buf = text.add(a.buf, []byte(free), &updates[i].Record)
		}
		a.end()
	}
	texts := a.strings()
	var calls []*call
	type bundle struct {
		sheaf *sheaf
		keep  time.Duration
	}
	of := make(map[bundle]*call)
	for k := range whole {
		f := &whole[k]
		c := of[bundle{f.page.sheaf, f.keep}]
		if c == nil {
			first := &updates[f.updates[0]]
			shard := s.shard(first.Tenant, first.ID)
			number, _, _ := placeOf(s.worker, first.Token)
			c = s.newCall(s.scripts.page, shard, guards[shard], 3+2*len(f.page.sheaf.pages))
			c.args = append(c.args, s.keepOf(f.keep), "@"+strconv.FormatInt(f.page.sheaf.number, 10), string(s.appendFront(nil, number)))
			of[bundle{f.page.sheaf, f.keep}] = c
			calls = append(calls, c)
		}
		c.jobs = append(c.jobs, k)
		c.args = append(c.args, &texts[2*k], &texts[2*k+1])
	}
	return calls
}

// Confirm implements [dispatch.Claims].
func (s *Store) Confirm(ctx context.Context, updates []dispatch.Update) error {
	if len(updates) == 0 {
		return nil
	}
	guards, err := s.armed()
	if err != nil {
		return fmt.Errorf("claim: confirm %d events: %w", len(updates), err)
	}
	confirmed := slices.Clone(updates)
	for i := range confirmed {
		confirmed[i].Record.Published = true
	}
	all := make([]int, len(updates))
	for i := range all {
		all[i] = i
	}
	// What must stand is the whole record as it was written: a token and more.
	calls := s.writes(guards, confirmed, all, func(b []byte, u *dispatch.Update) []byte {
		stands := u.Record
		stands.Published = false
		return appendRecord(append(b, free...), &stands)
	})
	if err := s.try(ctx, calls); err != nil {
		return fmt.Errorf("claim: confirm %d events: %w", len(updates), err)
	}
	return nil
}

// claimed appends what the record of an update must begin with, from the token on: nil where that isn't a token that Claim gave.
func claimed(b []byte, u *dispatch.Update) []byte {
	if !strings.HasSuffix(u.Token, ";") || u.Token == free || u.Token == rebuilt {
		return nil
	}
	return append(b, u.Token...)
}

// writes makes the calls that write records job by job, without a claim: of some of the updates. old appends what the standing one must begin with; nil
// leaves an update out.
func (s *Store) writes(guards []string, updates []dispatch.Update, some []int, old func([]byte, *dispatch.Update) []byte) []*call {
	if len(some) == 0 {
		return nil
	}
	a := newArena(3*len(some), 352*len(some))
	b := s.newBatch(len(some))
	var front []byte
	for _, i := range some {
		u := &updates[i]
		if front = old(front[:0], u); front == nil {
			continue
		}
		b.add(i, s.shard(u.Tenant, u.ID), s.keepOf(u.Keep))
		a.buf = appendField(a.buf, u.Tenant, u.ID)
		a.end()
		a.buf = append(a.buf, front...)
		a.end()
		a.buf = append(a.buf, noLease+free...)
		a.buf = appendRecord(a.buf, &u.Record)
		a.end()
	}
	return b.calls(s.scripts.record, guards, nil, a.strings())
}
