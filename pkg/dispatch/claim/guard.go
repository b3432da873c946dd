package claim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// rebuild is what a rebuilding works with.
type rebuild struct {
	tickets []string // of each shard: what Rearm is to make the guard, or the guard where nothing is lost
	lost    bool     // the first shard's guard was lost
}

// Ensure asks whether the records are whole; then this worker works with them, and a later loss is [dispatch.ErrClaimsLost]. It
// is called at the start and after a loss.
//
// Where it answers false, they were lost, in part at least, or have never been: the caller rebuilds them, see [Store.Lead], by Restore and
// then calls Rearm, or waits for another worker that does so, and calls Ensure again. Until then no worker takes a job.
func (s *Store) Ensure(ctx context.Context) (whole bool, err error) {
	random := rand.Text()[:16]
	calls := make([]*call, s.shards)
	for i := range calls {
		calls[i] = &call{script: s.scripts.ensure, shard: i, args: []any{nil, nil, 2, s.guardKey(i), s.ticketKey(i), random, s.term.Milliseconds()}}
	}
	calls[0].args = []any{nil, nil, 3, s.guardKey(0), s.ticketKey(0), s.boundsKey(), random, s.term.Milliseconds()}
	if err := s.try(ctx, calls); err != nil {
		return false, fmt.Errorf("claim: look for the guard of the records: %w", err)
	}
	expect := make([]string, s.shards)
	lost := 0
	for i, c := range calls {
		if len(c.answer) < 3 {
			return false, fmt.Errorf("claim: look for the guard of the records: the script answered %v", c.answer)
		}
		guard, _ := c.answer[0].(string)
		expect[i] = guard
		if guard == "" {
			expect[i], _ = c.answer[1].(string)
			lost++
		}
		if expect[i] == "" {
			return false, errors.New("claim: look for the guard of the records: the script answered neither guard nor ticket")
		}
	}
	if lost > 0 {
		s.guards.Store(nil)
		s.rebuild.Store(&rebuild{tickets: expect, lost: calls[0].answer[0] == ""})
		return false, nil
	}
	bounds, err := readBounds(calls[0].answer[2])
	if err != nil {
		return false, fmt.Errorf("claim: look for the guard of the records: %w", err)
	}
	s.arm(expect, bounds)
	return true, nil
}

// arm makes this worker work under these guards.
func (s *Store) arm(guards []string, b bounds) {
	s.bounds.Store(&b) // first: whoever works under the new guards must know them
	s.guards.Store(&guards)
	s.rebuild.Store(nil)
}

// Rearm ends a rebuilding that began with Ensure: the records count as whole again, for all workers. delivered tells how far each queue of
// jobs was handed over, see [dispatch.Place], at any time after Ensure: a job from there that comes again, without a record from after the loss,
// is ambiguous from now on. [dispatch.ErrClaimsLost] says that the records were lost once more meanwhile: begin again with Ensure. Where another
// worker was faster, its guard counts.
func (s *Store) Rearm(ctx context.Context, delivered map[string]uint64) error {
	rebuild := s.rebuild.Load()
	if rebuild == nil {
		return errors.New("claim: nothing to rearm: Ensure found the records whole, or wasn't called")
	}
	note := &call{script: s.scripts.bounds, args: []any{nil, nil, 3, s.guardKey(0), s.ticketKey(0), s.boundsKey(), rebuild.tickets[0], 0, bounds(delivered).text()}}
	if rebuild.lost {
		note.args[7] = 1
	}
	if err := s.try(ctx, []*call{note}); err != nil {
		return fmt.Errorf("claim: note what may have been under way: %w", err)
	}
	stand, err := readBounds(note.answer[0])
	if err != nil {
		return fmt.Errorf("claim: note what may have been under way: %w", err)
	}
	calls := make([]*call, s.shards)
	for i := range calls {
		calls[i] = &call{script: s.scripts.arm, shard: i, args: []any{nil, nil, 2, s.guardKey(i), s.ticketKey(i), rebuild.tickets[i]}}
	}
	if err := s.try(ctx, calls); err != nil {
		return fmt.Errorf("claim: set the guard of the records: %w", err)
	}
	s.arm(rebuild.tickets, stand)
	return nil
}

// NoticesRestarts tells whether a server that was started again counts as lost, as it should: it may have forgotten what it wrote last. It doesn't
// where INFO is forbidden to us. It is known once this worker works with the records.
func (s *Store) NoticesRestarts() bool {
	guards, err := s.armed()
	return err == nil && !slices.ContainsFunc(guards, func(guard string) bool { return strings.HasSuffix(guard, ".") })
}

// Lead makes this worker the one that rebuilds, for a time: it is to call it again before that is over. false: another one is. It
// saves work and no more, since several may rebuild at once.
func (s *Store) Lead(ctx context.Context, d time.Duration) (bool, error) {
	return s.lead(ctx, max(d, time.Millisecond).Milliseconds())
}

// Leave ends Lead.
func (s *Store) Leave(ctx context.Context) error {
	_, err := s.lead(ctx, 0)
	return err
}

func (s *Store) lead(ctx context.Context, ms int64) (bool, error) {
	c := &call{script: s.scripts.lead, args: []any{nil, nil, 1, s.leaderKey(), s.worker, ms}}
	if err := s.try(ctx, []*call{c}); err != nil {
		return false, fmt.Errorf("claim: agree on who rebuilds the records: %w", err)
	}
	return c.answer[0] == int64(1), nil
}

// armed is the guards that this worker works under.
func (s *Store) armed() ([]string, error) {
	guards := s.guards.Load()
	if guards == nil {
		return nil, fmt.Errorf("%w: no guard is known yet", dispatch.ErrClaimsLost)
	}
	return *guards, nil
}
