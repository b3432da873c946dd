package receipts

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// dueBatch is how many messages are looked at together where the account can't ask.
const dueBatch = 200

// ask asks about an account's messages that have waited for too long, and gives up those that have waited for ever, while ctx lasts.
func (s *Service) ask(ctx, hard context.Context, a *Account) {
	log := s.log.With(zap.String("account", a.Name))
	most := dueBatch
	if a.Asker != nil && a.MaxAsk > 0 {
		most = a.MaxAsk
	}
	var p pace
	defer s.Observer.Waiting(a.Name, 0)
	for ctx.Err() == nil {
		if waiting, _, err := s.Index.Look(ctx, a.Name); err == nil {
			s.Observer.Waiting(a.Name, waiting)
		}
		due, err := s.Index.Due(ctx, a.Name, time.Now(), most)
		if err != nil {
			log.Debug("what is to be asked about isn't known", zap.Error(err))
			sleep(ctx, a.Every)
			continue
		}
		old, open := a.split(due, time.Now())
		if !s.giveUp(ctx, hard, a, old) {
			return
		}
		rows, refusal := s.askAbout(ctx, a, open)
		if err := s.keep(hard, a, FromAsking, knownAll(rows, time.Now()), 0); err != nil {
			log.Warn("they are asked about again", zap.Error(err))
			return
		}
		if refusal == nil || about(refusal) {
			s.postpone(hard, a, open, func(e *Entry) time.Time { return a.nextAsk(e.Sent, time.Now()) })
		}
		if refusal != nil {
			log.Warn("the provider doesn't tell", zap.Int("messages", len(open)), zap.Error(refusal))
			sleep(ctx, p.afterFailure(a, refusal))
			continue
		}
		p.failures = 0
		if len(due) < most {
			sleep(ctx, a.Every)
		}
	}
}

// split tells the messages to be given up from those to be asked about. What can't be asked about is due at its end alone.
func (a *Account) split(due []Entry, now time.Time) (old, open []Entry) {
	for _, e := range due {
		if now.Before(e.Sent.Add(a.GiveUp)) {
			open = append(open, e)
		} else {
			old = append(old, e)
		}
	}
	return old, open
}

// giveUp stores receipts of our own that say that none came; so they go the way of all others. false: the worker must stop.
func (s *Service) giveUp(ctx, hard context.Context, a *Account, old []Entry) bool {
	receipts := make([]Receipt, len(old))
	for i, e := range old {
		receipts[i] = Receipt{State: providers.Untold, Came: time.Now().UTC()}
		if e.Key == ByID(e.Event.ProviderID) {
			receipts[i].ID = e.Event.ProviderID
		} else {
			receipts[i].ClientID = e.Key[1:]
		}
	}
	if err := s.keep(hard, a, FromAge, receipts, 0); err != nil {
		s.log.Warn("they are given up later", zap.Error(err))
		return false
	}
	s.postpone(hard, a, old, func(*Entry) time.Time { return time.Now().Add(giveUpAgain) })
	return ctx.Err() == nil
}

// giveUpAgain is when a message is given up once more whose first time came to nothing.
const giveUpAgain = 10 * time.Minute

// postpone notes when to ask about messages again. Where that fails they are due at once.
func (s *Service) postpone(ctx context.Context, a *Account, entries []Entry, until func(*Entry) time.Time) {
	if len(entries) == 0 {
		return
	}
	for i := range entries {
		entries[i].Ask = until(&entries[i])
	}
	if err := s.Index.Postpone(ctx, a.Name, entries); err != nil {
		s.log.Debug("they are due at once", zap.Error(err))
	}
}

// askAbout makes one request, in one of the account's slots.
func (s *Service) askAbout(ctx context.Context, a *Account, open []Entry) ([]providers.Receipt, *providers.Refusal) {
	if len(open) == 0 {
		return nil, nil
	}
	leave, ok := s.enter(ctx, a)
	if !ok {
		return nil, &providers.Refusal{Outcome: providers.Unavailable, Message: "all of the account's request slots are taken"}
	}
	defer leave()
	sent := make([]providers.Sent, len(open))
	for i := range open {
		e := open[i].Event
		sent[i] = providers.Sent{ID: e.ProviderID, Key: job.KeyOf(e.Tenant, e.Job, e.Hash)}
	}
	return asked(ctx, a, func(ctx context.Context) ([]providers.Receipt, error) { return a.Asker.AskReceipts(ctx, sent) })
}

// enter takes a request slot, waiting for one as long as a request may take.
func (s *Service) enter(ctx context.Context, a *Account) (leave func(), ok bool) {
	if a.Enter == nil {
		return func() {}, true
	}
	const again = 20 * time.Millisecond
	for till := time.Now().Add(a.Timeout); time.Now().Before(till); {
		leave, ok, err := a.Enter(ctx)
		if err == nil && ok {
			return leave, true
		}
		if !sleep(ctx, again) {
			break
		}
	}
	return nil, false
}
