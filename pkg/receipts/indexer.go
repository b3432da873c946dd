package receipts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
)

// index carries the index on with the status stream while ctx lasts. An account's index that isn't there, as for a new account or after a loss, is made
// from the stream's past first.
func (s *Service) index(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.indexOn(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, ErrOtherStream) {
			err = errors.Join(err, s.beginAll(ctx))
		}
		s.log.Warn("the index of what waits for a receipt is taken up again", zap.Error(err))
		sleep(ctx, time.Second)
	}
}

// beginAll has all indexes made anew.
func (s *Service) beginAll(ctx context.Context) error {
	for i := range s.Accounts {
		if err := s.Index.Begin(ctx, s.Accounts[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// indexOn returns with the first error, or ctx.
func (s *Service) indexOn(ctx context.Context) error {
	next := make(map[string]uint64, len(s.Accounts))
	var made []*Account
	for i := range s.Accounts {
		a := &s.Accounts[i]
		at, known, err := s.Index.Position(ctx, a.Name)
		if err != nil {
			return err
		}
		if !known {
			if err := s.Index.Begin(ctx, a.Name); err != nil {
				return err
			}
		}
		if next[a.Name] = at; at == 0 {
			made = append(made, a)
		}
	}
	if err := s.makeIndex(ctx, made, next); err != nil {
		return err
	}
	return s.follow(ctx, next)
}

// follow puts what comes into all indexes.
func (s *Service) follow(ctx context.Context, next map[string]uint64) error {
	from := uint64(0)
	for _, at := range next {
		if from == 0 || at < from {
			from = at
		}
	}
	return s.History.Follow(ctx, from, indexed(false), func(events []dispatch.Event, last uint64) error {
		by := s.sort(events)
		for name := range next {
			to := max(next[name], last+1)
			if err := s.put(ctx, s.accounts[name], next[name], to, by[name]); err != nil {
				return err
			}
			next[name] = to
		}
		return nil
	})
}

// makeIndex reads as far back as a receipt may come for. The position stays 0 until all is read, so that a worker that stops in the midst leaves
// nothing that looks whole.
func (s *Service) makeIndex(ctx context.Context, made []*Account, next map[string]uint64) error {
	if len(made) == 0 {
		return nil
	}
	start := time.Now()
	var reach time.Duration
	for _, a := range made {
		reach = max(reach, a.GiveUp+afterGivingUp)
	}
	read := 0
	last, err := s.History.Read(ctx, start.Add(-reach), indexed(true), func(events []dispatch.Event) error {
		read += len(events)
		by := s.sort(events)
		for _, a := range made {
			if err := s.put(ctx, a, 0, 0, by[a.Name]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make the index of what waits for a receipt: %w", err)
	}
	for _, a := range made {
		// What was parked when the index was lost finds its message soon, or is parked again.
		if err := s.Store.Unpark(ctx, a.Name); err != nil {
			return fmt.Errorf("take up what was parked: %w", err)
		}
		if err := s.put(ctx, a, 0, last+1, nil); err != nil {
			return err
		}
		next[a.Name] = last + 1
	}
	if read > 0 {
		s.log.Info("the index of what waits for a receipt was made from the status stream", zap.Int("events", read), zap.Duration("took", time.Since(start)))
	}
	return nil
}

// sort makes entries of events, by account.
func (s *Service) sort(events []dispatch.Event) map[string][]Entry {
	now := time.Now()
	by := map[string][]Entry{}
	for i := range events {
		a := s.accounts[events[i].Account]
		if a == nil {
			continue
		}
		if e, ok := a.entryOf(&events[i], now); ok {
			by[a.Name] = append(by[a.Name], e)
		}
	}
	return by
}

// put adds entries. Receipts that were parked for them are stored again first: the position moves only once none is left.
func (s *Service) put(ctx context.Context, a *Account, from, to uint64, entries []Entry) error {
	for {
		parked, err := s.Index.Put(ctx, a.Name, from, to, entries)
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
		if err := s.Index.Unpark(ctx, a.Name, parked); err != nil {
			return err
		}
	}
}
