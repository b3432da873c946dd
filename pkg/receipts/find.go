package receipts

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// step is a receipt on its way.
type step struct {
	receipt *Receipt
	entry   *Entry
	event   dispatch.Event
	over    bool // it tells nothing new, and nothing more will come
	advance Advance
}

// find tells which messages the batch is about, of several receipts of one message the one that says most.
func (s *Service) find(ctx context.Context, a *Account, b *batch) ([]*step, error) {
	if len(b.receipts) == 0 {
		return nil, nil
	}
	entries, err := s.matchOrPark(ctx, a, b.receipts)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var steps []*step
	by := make(map[string]*step, len(entries))
	for i, e := range entries {
		if e == nil {
			continue
		}
		r := &b.receipts[i]
		before := by[e.Key]
		if before != nil && before.receipt.Rank() >= r.Rank() {
			continue
		}
		st := &step{receipt: r, entry: e, event: r.event(e, now)}
		if !Forward(e.Event.State, st.event.State) {
			if st.over = r.State == providers.Untold && e.Event.State != job.Delivered; !st.over {
				continue
			}
		}
		if before != nil {
			*before = *st
			continue
		}
		by[e.Key] = st
		steps = append(steps, st)
	}
	return steps, nil
}

// matchOrPark finds the message of each receipt, and parks those of nobody: in the index, where their message will find them, and in the stream, for
// when the index is lost. It looks for them once more after that: had the index been lost meanwhile, and made anew, nobody else would.
func (s *Service) matchOrPark(ctx context.Context, a *Account, receipts []Receipt) ([]*Entry, error) {
	entries, err := s.Index.Match(ctx, a.Name, receipts, a.GiveUp)
	if err != nil {
		return nil, err
	}
	var nobodys []Receipt
	var places []int
	for i, e := range entries {
		if e == nil {
			nobodys, places = append(nobodys, receipts[i]), append(places, i)
		}
	}
	if len(nobodys) == 0 {
		return entries, nil
	}
	all, err := letters(a.Name, newID(), nobodys)
	if err != nil {
		return nil, err
	}
	if err := s.Store.Park(ctx, all, a.GiveUp); err != nil {
		return nil, err
	}
	late, err := s.Index.Match(ctx, a.Name, nobodys, a.GiveUp)
	if err != nil {
		return nil, err
	}
	for k, i := range places {
		entries[i] = late[k]
	}
	return entries, nil
}

// Forward tells whether a message goes on from one state to another, by a receipt: from undelivered only to delivered, from delivered nowhere.
func Forward(from, to job.State) bool {
	switch from {
	case job.Submitted:
		return true
	case job.Unknown:
		return to == job.Delivered || to == job.Undelivered
	case job.Undelivered:
		return to == job.Delivered
	}
	return false
}
