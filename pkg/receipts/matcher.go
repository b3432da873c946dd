package receipts

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
)

const (
	// matchers is how many batches one worker is at together, and matchRows how many receipts a batch has at most, but for a letter more.
	matchers  = 4
	matchRows = 1000
	// comeBack is how long a letter is left alone that can't be settled now, and comeBackLater one of an account that this worker doesn't know:
	// another one may, whose configuration is newer.
	comeBack      = time.Second
	comeBackLater = time.Minute
	// keepParked is how long receipts of an account are parked that this worker doesn't know.
	keepParked = 72 * time.Hour
)

// match takes letters from the stream, until ctx ends, and settles them.
func (s *Service) match(ctx, hard context.Context) error {
	in := make(chan Delivery, matchers)
	var all sync.WaitGroup
	for range matchers {
		all.Go(func() {
			for first := range in {
				for account, batch := range s.gather(first, in) {
					s.settle(hard, account, batch)
				}
			}
		})
	}
	err := s.Store.Run(ctx, func(d Delivery) { in <- d })
	close(in)
	all.Wait()
	return err
}

// batch are letters of one account that are settled together.
type batch struct {
	letters  []Delivery
	receipts []Receipt
}

// gather takes what has come meanwhile beside the first letter, by account: while the matchers are busy letters gather, and an idle one waits for
// nothing.
func (s *Service) gather(first Delivery, in <-chan Delivery) map[string]*batch {
	by := map[string]*batch{}
	rows := 0
	for d, more := first, true; more; {
		b := by[d.Account]
		if b == nil {
			b = &batch{}
			by[d.Account] = b
		}
		receipts, err := open(d.Data)
		if err != nil { // of another version, or nobody's: it is acknowledged with the others
			s.log.Error("a letter that can't be read", zap.String("account", d.Account), zap.Int("bytes", len(d.Data)), zap.Error(err))
		}
		b.receipts = append(b.receipts, receipts...)
		rows += len(receipts)
		b.letters = append(b.letters, d)
		if rows >= matchRows {
			return by
		}
		select {
		case d, more = <-in:
		default:
			more = false
		}
	}
	return by
}

// settle is the way of a batch. In this order, so that a crash between any two steps loses nothing, and repeats nothing that can't be recognised:
//
//  1. the index tells which messages they are about; what is nobody's is parked, in the index and in the stream
//  2. the claim records number the events
//  3. the events are out
//  4. the index knows that they are
//  5. the letters are acknowledged
//
// A letter whose step fails stays unacknowledged and comes again: to this worker or to another.
func (s *Service) settle(ctx context.Context, account string, b *batch) {
	err := s.settled(ctx, account, b)
	pause := comeBack
	if s.accounts[account] == nil {
		pause = comeBackLater
	}
	for _, d := range b.letters {
		if err == nil {
			_ = d.Handle.Ack() // a lost one leads to a redelivery, which changes nothing
		} else {
			_ = d.Handle.Nak(pause)
		}
	}
	if err != nil {
		s.log.Warn("receipts come again", zap.String("account", account), zap.Int("receipts", len(b.receipts)), zap.Error(err))
	}
}

func (s *Service) settled(ctx context.Context, account string, b *batch) error {
	a := s.accountOf(account)
	steps, err := s.find(ctx, a, b)
	if err != nil {
		return err
	}
	var busy []Receipt
	for len(steps) > 0 { // more than once where an event was recorded and not published
		if err := s.advance(ctx, steps); err != nil {
			return err
		}
		if err := s.tell(ctx, a, steps); err != nil {
			return err
		}
		busy = append(busy, receiptsOf(steps, Busy)...)
		steps = slices.DeleteFunc(steps, func(st *step) bool { return st.advance.Verdict != Behind })
	}
	return s.storeAgain(ctx, a, b, busy)
}

// advance has the records say what was told.
func (s *Service) advance(ctx context.Context, steps []*step) error {
	var asked []*step
	var asks []Step
	for _, st := range steps {
		if !st.over {
			asked, asks = append(asked, st), append(asks, Step{Known: *st.entry.Event, Told: st.event})
		}
	}
	if len(asks) == 0 {
		return nil
	}
	answers, err := s.Records.Advance(ctx, asks)
	if err != nil {
		return err
	}
	for i, st := range asked {
		st.advance = answers[i]
	}
	return nil
}

// tell publishes the events, and lets the index know where the messages stand and that nothing is waited for any more.
func (s *Service) tell(ctx context.Context, a *Account, steps []*step) error {
	var events []dispatch.Event
	var settled []Entry
	now := time.Now()
	for _, st := range steps {
		if st.advance.Verdict == Busy {
			continue
		}
		if st.advance.Event != nil {
			events = append(events, *st.advance.Event)
			st.entry.Event = st.advance.Event
		}
		settled = append(settled, a.settled(*st.entry, now))
	}
	if len(events) > 0 {
		if err := s.insist(ctx, "publish events", func() error { return s.Publisher.Publish(ctx, events) }); err != nil {
			return err
		}
	}
	if len(settled) > 0 {
		if err := s.Index.Settle(ctx, a.Name, settled); err != nil {
			return err
		}
	}
	for _, st := range steps {
		if st.advance.Verdict == Advanced {
			s.Observer.Told(a.Name, st.event.State, time.Since(st.receipt.Came))
		}
	}
	return nil
}

// receiptsOf are the receipts of the steps with that verdict.
func receiptsOf(steps []*step, v Verdict) (out []Receipt) {
	for _, st := range steps {
		if st.advance.Verdict == v {
			out = append(out, *st.receipt)
		}
	}
	return out
}

// storeAgain stores the receipts again whose jobs a worker is at, so that the others of their letters are done with. Where there are no others the
// letters come again by themselves.
func (s *Service) storeAgain(ctx context.Context, a *Account, b *batch, busy []Receipt) error {
	if len(busy) == 0 {
		return nil
	}
	if len(busy) == len(b.receipts) {
		return errBusy
	}
	all, err := letters(a.Name, newID(), busy)
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, all)
}

// accountOf is the account of that name; one that isn't configured any more has the longest patience.
func (s *Service) accountOf(name string) *Account {
	if a := s.accounts[name]; a != nil {
		return a
	}
	return &Account{Name: name, GiveUp: keepParked}
}
