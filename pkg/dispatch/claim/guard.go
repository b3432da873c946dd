package claim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// Ensure asks whether the records are whole; then this worker works with them, and a later loss is [dispatch.ErrClaimsLost]. It
// is called at the start and after a loss.
//
// Where it answers false, they were lost, in part at least, or have never been: the caller rebuilds them by Restore and then
// calls Rearm, or waits for another worker that does so, and calls Ensure again. Until then no worker takes a job.
func (s *Store) Ensure(ctx context.Context) (whole bool, err error) {
	random := rand.Text()[:16]
	calls := make([]*call, s.shards)
	for i := range calls {
		calls[i] = &call{script: s.scripts.ensure, shard: i, args: []any{nil, nil, 2, s.guardKey(i), s.ticketKey(i), random}}
	}
	if err := s.try(ctx, calls); err != nil {
		return false, fmt.Errorf("claim: look for the guard of the records: %w", err)
	}
	expect := make([]string, s.shards)
	whole = true
	for i, c := range calls {
		guard, _ := c.answer[0].(string)
		expect[i] = guard
		if guard == "" {
			expect[i], _ = c.answer[1].(string)
			whole = false
		}
		if expect[i] == "" {
			return false, errors.New("claim: look for the guard of the records: the script answered neither guard nor ticket")
		}
	}
	if whole {
		s.guards.Store(&expect)
		s.tickets.Store(nil)
		return true, nil
	}
	s.guards.Store(nil)
	s.tickets.Store(&expect)
	return false, nil
}

// Rearm ends a rebuilding that began with Ensure: the records count as whole again, for all workers. [dispatch.ErrClaimsLost] says that
// they were lost once more meanwhile: begin again with Ensure. Where another worker was faster, its guard counts.
func (s *Store) Rearm(ctx context.Context) error {
	tickets := s.tickets.Load()
	if tickets == nil {
		return errors.New("claim: nothing to rearm: Ensure found the records whole, or wasn't called")
	}
	calls := make([]*call, s.shards)
	for i := range calls {
		calls[i] = &call{script: s.scripts.arm, shard: i, args: []any{nil, nil, 2, s.guardKey(i), s.ticketKey(i), (*tickets)[i]}}
	}
	if err := s.try(ctx, calls); err != nil {
		return fmt.Errorf("claim: set the guard of the records: %w", err)
	}
	s.guards.Store(tickets)
	s.tickets.Store(nil)
	return nil
}

// Since tells from when on, by the server's clock, the records are whole: a job that was delivered before may have been under way when they
// were lost, although it has none. Zero where this worker isn't armed.
func (s *Store) Since() time.Time {
	guards := s.guards.Load()
	if guards == nil {
		return time.Time{}
	}
	var last int64
	for _, g := range *guards {
		_, at, _ := strings.Cut(g, ".")
		if ms, err := strconv.ParseInt(at, 10, 64); err == nil {
			last = max(last, ms)
		}
	}
	return time.UnixMilli(last)
}

// armed is the guards that this worker works under.
func (s *Store) armed() ([]string, error) {
	guards := s.guards.Load()
	if guards == nil {
		return nil, fmt.Errorf("%w: no guard is known yet", dispatch.ErrClaimsLost)
	}
	return *guards, nil
}
