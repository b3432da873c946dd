package receipts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
)

// lookAfter is how often a worker looks whether an index was lost.
const lookAfter = time.Second

// Track puts published events into the indexes of their accounts. Whoever publishes them calls it before it lets the job go: should it not come to that,
// the job comes again, its event is published again, and is tracked then.
func (s *Service) Track(ctx context.Context, events []dispatch.Event) error {
	var done []*Account
	for i := range events {
		a := s.accounts[events[i].Account]
		if a == nil || slices.Contains(done, a) {
			continue
		}
		if err := s.add(ctx, a, events[i:]); err != nil {
			return err
		}
		done = append(done, a)
	}
	return nil
}

// add puts those of the events into an account's index that are its.
func (s *Service) add(ctx context.Context, a *Account, events []dispatch.Event) error {
	room, ok := s.rooms.Get().(*[]Entry)
	if !ok {
		room = new([]Entry)
	}
	entries := a.entries((*room)[:0], events)
	err := s.put(ctx, a, entries)
	clear(entries) // they hold the events
	*room = entries
	s.rooms.Put(room)
	return err
}

// index has each index made that isn't there, as of a new account or after a loss, while ctx lasts.
func (s *Service) index(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.makeLost(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the index of what waits for a receipt isn't whole", zap.Error(err))
		}
		sleep(ctx, lookAfter)
	}
}

// makeLost makes the indexes that aren't whole.
func (s *Service) makeLost(ctx context.Context) error {
	var lost []*Account
	for i := range s.Accounts {
		a := &s.Accounts[i]
		whole, err := s.Index.Whole(ctx, a.Name)
		if err != nil {
			return err
		}
		if !whole {
			lost = append(lost, a)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return s.makeIndex(ctx, lost)
}

// makeIndex reads the status stream as far back as a receipt may come for. What is published meanwhile its publisher tracks by itself. The index counts as
// whole once all is read, so that a worker that stops in the midst leaves nothing that looks so.
func (s *Service) makeIndex(ctx context.Context, lost []*Account) error {
	start := time.Now()
	var reach time.Duration
	tickets := make([]string, len(lost))
	for i, a := range lost {
		var err error
		if tickets[i], err = s.Index.Begin(ctx, a.Name); err != nil {
			return err
		}
		reach = max(reach, a.GiveUp+afterGivingUp)
	}
	read := 0
	err := s.History.Read(ctx, start.Add(-reach), indexed(), func(events []dispatch.Event) error {
		read += len(events)
		for _, a := range lost {
			if err := s.add(ctx, a, events); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make the index of what waits for a receipt: %w", err)
	}
	for i, a := range lost {
		// What was parked when the index was lost finds its message soon, or is parked again.
		if err := s.Store.Unpark(ctx, a.Name); err != nil {
			return fmt.Errorf("take up what was parked: %w", err)
		}
		if err := s.Index.End(ctx, a.Name, tickets[i]); err != nil {
			return err
		}
	}
	if read > 0 {
		s.log.Info("the index of what waits for a receipt was made from the status stream", zap.Int("events", read), zap.Duration("took", time.Since(start)))
	}
	return nil
}

// entries appends what events put into the index of the account.
func (a *Account) entries(all []Entry, events []dispatch.Event) []Entry {
	now := time.Now()
	for i := range events {
		if events[i].Account != a.Name {
			continue
		}
		if e, ok := a.entryOf(&events[i], now); ok {
			all = append(all, e)
		}
	}
	return all
}

// put adds entries, and stores the receipts again that were parked for them.
func (s *Service) put(ctx context.Context, a *Account, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	parked, err := s.Index.Put(ctx, a.Name, entries)
	if err != nil || len(parked) == 0 {
		return err
	}
	all, err := letters(a.Name, newID(), parked)
	if err != nil {
		return err
	}
	if err := s.Store.Put(ctx, all); err != nil {
		return err
	}
	return s.Index.Unpark(ctx, a.Name, parked)
}
