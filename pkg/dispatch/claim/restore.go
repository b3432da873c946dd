package claim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// Entry is a record as it follows from a job's events.
type Entry struct {
	Tenant, ID string
	Record     dispatch.Record // what may be out without an event that says so is Sending, a job in the dead letters Dead
	Keep       time.Duration   // how long it must live from now on
}

// Restore writes records that were lost, after Ensure said so and before Rearm, and returns how many it wrote. Entries may come in any order and
// repeatedly, from several workers: of each job the one with the highest epoch and sequence stays. So a record that survived stays as it is, unless
// an event proves that it is behind. Nothing is written where another worker has finished rebuilding. [dispatch.ErrClaimsLost] says that the
// records were lost once more: begin again with Ensure.
func (s *Store) Restore(ctx context.Context, entries []Entry) (int, error) {
	rebuild := s.rebuild.Load()
	if rebuild == nil {
		return 0, errors.New("claim: nothing to restore: Ensure found the records whole, or wasn't called")
	}
	return s.restore(ctx, rebuild, entries)
}

func (s *Store) restore(ctx context.Context, rebuild *rebuild, entries []Entry) (int, error) {
	if len(entries) == 0 {
		return 0, nil
	}
	by := make(map[int][]int)
	for i, e := range entries {
		shard := s.shard(e.Tenant, e.ID)
		by[shard] = append(by[shard], i)
	}
	var calls []*call
	for shard, all := range by {
		for len(all) > 0 {
			some := all[:min(callKeys, len(all))]
			all = all[len(some):]
			calls = append(calls, s.restoring(shard, rebuild.tickets[shard], entries, some))
		}
	}
	if err := s.try(ctx, calls); err != nil {
		return 0, fmt.Errorf("claim: restore %d records: %w", len(entries), err)
	}
	wrote := 0
	for _, c := range calls {
		n, _ := c.answer[0].(int64)
		wrote += int(n)
	}
	return wrote, nil
}

func (s *Store) restoring(shard int, ticket string, entries []Entry, some []int) *call {
	c := s.newCall(s.scripts.restore, shard, ticket, 5*len(some), s.ticketKey(shard))
	for _, i := range some {
		e := &entries[i]
		c.args = append(c.args, appendField(nil, e.Tenant, e.ID), e.Record.Epoch, e.Record.Sequence, appendRecord([]byte(noLease+rebuilt), &e.Record), s.keepOf(e.Keep))
	}
	return c
}
