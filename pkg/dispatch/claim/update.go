package claim

import (
	"context"
	"fmt"
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
	a := arena{buf: make([]byte, 0, 384*len(updates)), ends: make([]int, 0, 3*len(updates))}
	b := s.newBatch(len(updates))
	for i := range updates {
		u := &updates[i]
		if !strings.HasSuffix(u.Token, ";") || u.Token == free || u.Token == rebuilt {
			continue // not a token that Claim gave
		}
		shard := s.shard(u.Tenant, u.ID)
		b.add(i, shard, s.keepOf(u.Keep))
		a.buf = s.appendKey(a.buf, shard, u.Tenant, u.ID)
		a.end()
		a.buf = append(a.buf, u.Token...)
		a.end()
		a.buf = append(a.buf, noLease+free...)
		a.buf = appendRecord(a.buf, &u.Record)
		a.end()
	}
	calls := b.calls(s.scripts.record, guards, s.guardKey, nil, a.strings())
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
	return out, nil
}
