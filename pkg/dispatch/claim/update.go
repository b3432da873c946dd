package claim

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	calls := s.writes(guards, updates, func(b []byte, i int) []byte {
		token := updates[i].Token
		if !strings.HasSuffix(token, ";") || token == free || token == rebuilt {
			return nil // not a token that Claim gave
		}
		return append(b, token...)
	})
	if err := s.try(ctx, calls); err != nil {
		return nil, fmt.Errorf("claim: record %d jobs: %w", len(updates), err)
	}
	out := make([]bool, len(updates))
	for _, c := range calls {
		for _, i := range c.jobs {
			out[i] = true
		}
		for _, answer := range c.answer {
			place, ok := answer.(int64)
			if !ok || place < 1 || int(place) > len(c.jobs) {
				return nil, fmt.Errorf("claim: record %d jobs: the script answered %v for a job's place", len(updates), answer)
			}
			out[c.jobs[place-1]] = false
		}
	}
	s.hands.drop(s.worker, updates)
	return out, nil
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
	calls := s.writes(guards, confirmed, func(b []byte, i int) []byte {
		// What must stand is the whole record as it was written: a token and more.
		return appendRecord(append(b, free...), &updates[i].Record)
	})
	if err := s.try(ctx, calls); err != nil {
		return fmt.Errorf("claim: confirm %d events: %w", len(updates), err)
	}
	return nil
}

// writes makes the calls that write records without a claim. appendOld appends what the standing record of the i-th must begin with,
// from the token on; nil leaves an update out.
func (s *Store) writes(guards []string, updates []dispatch.Update, appendOld func([]byte, int) []byte) []*call {
	a := newArena(3*len(updates), 352*len(updates))
	b := s.newBatch(len(updates))
	var old []byte
	for i := range updates {
		u := &updates[i]
		if old = appendOld(old[:0], i); old == nil {
			continue
		}
		shard := s.shard(u.Tenant, u.ID)
		b.add(i, shard, s.keepOf(u.Keep))
		a.buf = s.appendKey(a.buf, shard, u.Tenant, u.ID)
		a.end()
		a.buf = append(a.buf, old...)
		a.end()
		a.buf = append(a.buf, noLease+free...)
		a.buf = appendRecord(a.buf, &u.Record)
		a.end()
	}
	return b.calls(s.scripts.record, guards, s.guardKey, nil, a.strings())
}
