package dispatch

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// line is what the stages share.
type line struct {
	cfg      Config
	claims   Claims
	limiter  Limiter
	health   Health
	outlet   Outlet
	keeper   *keeper
	accounts map[string]*account
	names    []string // of the accounts
	changes  *signal  // of the accounts' states
	desk     *desk
	log      *zap.Logger
	soft     context.Context // ends when no more is to be begun
	hard     context.Context // ends when what is in hand must be left as it is
	requests stock[ClaimRequest]
	messages stock[providers.Message]
	ends     stock[ending]
	pads     sync.Pool // of papers
}

// ending is one delivery with its settlement.
type ending struct {
	it *item
	settlement
}

// judge decides on a job by the answer to its claim; over is false where the claim is ours and the job is to go on.
func (l *line) judge(it *item) (s settlement, over bool) {
	c := it.claim
	switch c.Verdict {
	case Taken:
		return settlement{}, false
	case TakenAmbiguous:
		return l.crashed(it)
	case Busy:
		return comeBack(min(max(time.Until(c.Until), 100*time.Millisecond), l.cfg.Lease)), true
	case Settled:
		return repeat(c.Record), true
	case Duplicate:
		return suppress("", ""), true
	case Reused:
		return suppress(job.IDReused, "the id was used before, by a job with other content: use another id"), true
	case Stale:
		return forget(), true
	}
	return comeBack(l.cfg.Lease), true
}

// crashed decides on a job that a worker which is no more may have sent, or that may have been under way when the claims lost their data.
func (l *line) crashed(it *item) (s settlement, over bool) {
	name := it.claim.Record.Account
	a, known := l.accounts[name]
	again := known && mayResend(it.route.OnUnknown, a.Traits.Dedupes)
	if name == "" { // no account can be trusted to recognise what another one may have
		again = it.route.OnUnknown == Resend
	}
	if !again || it.attempt() > it.route.Retry.Attempts {
		return it.lost("it may have been sent before, nobody is left to tell"), true
	}
	return settlement{}, false
}

// lost ends an ambiguous job that is not to be sent again.
func (it *item) lost(why string) settlement {
	s := unknown(providers.Result{Code: providers.CodeAmbiguous, Message: why})
	s.via, s.maybe = it.claim.Record.Account, true
	return s
}

// ambiguous tells whether the job in hand may have been sent before.
func (it *item) ambiguous() bool {
	return it.claim.Verdict == TakenAmbiguous ||
		it.claim.Verdict == Taken && it.claim.Record.Phase == Waiting && it.claim.Record.Account != ""
}

// phase is what the record of a job says that is released unsent.
func (it *item) phase() Phase {
	if it.ambiguous() {
		return Sending
	}
	return Claimed
}

// pin returns the account that alone may send an ambiguous job: the one that may have it, where it recognises repeats.
func (l *line) pin(it *item) *account {
	if a := l.accounts[it.claim.Record.Account]; a != nil && a.Traits.Dedupes {
		return a
	}
	return nil
}

// place brings a job to the account that takes it now, or to the desk where none does or none is needed. It blocks while there is no room.
func (l *line) place(ctx context.Context, it *item) {
	now := time.Now()
	for it.fate = l.fate(it, now); it.fate == nil; now = time.Now() {
		a := l.choose(it, now)
		if a == nil {
			break
		}
		if it.fate = a.hopeless(it, now); it.fate != nil {
			break
		}
		if a.put(it, now) {
			return
		}
		a.shelf.announce(it)
		changed := l.changes.changed()
		if a.health.takes(now, it.delivery.Address.Lane) && a.shelf.await(ctx, it, changed) {
			a.health.given(now, it.delivery.Address.Lane)
			return
		}
		if ctx.Err() != nil {
			l.giveBack([]*item{it})
			return
		}
	}
	if l.desk.put(ctx, it) != nil {
		l.giveBack([]*item{it})
	}
}

// choose returns the account that takes the job now; nil: none can, and its fate is to wait.
func (l *line) choose(it *item, now time.Time) *account {
	a, why := it.route.choose(it, now)
	if a == nil {
		cause, words := job.Unavailable, "no account of the route can take it now"
		if why != nil {
			cause, words = why.Cause, why.Words
		}
		it.fate = func() settlement {
			return wait(it.phase(), cause, words, it.route.comeBack(time.Now(), it.delivery.Address.Lane))
		}
	}
	return a
}

// fate is the ending of a job that needs no account; nil: it needs one.
func (l *line) fate(it *item, now time.Time) func() settlement {
	if it.refused != nil {
		return func() settlement { return refuse(it.refused.Code, it.refused.Error()) }
	}
	if it.expired(now) {
		return func() settlement { return it.tooLate(passed) }
	}
	if it.unusable() != "" {
		return func() settlement { return it.senderless() }
	}
	if at, ok := it.due(now); ok {
		return func() settlement { return schedule(at) }
	}
	return nil
}

// replace finds other places for jobs whose account was shut. It doesn't wait for room in another account, since that one's
// loop may be waiting for room in this one.
func (l *line) replace(items []*item) {
	now := time.Now()
	for _, it := range items {
		a := l.choose(it, now)
		if a == nil {
			if l.desk.put(l.soft, it) == nil {
				continue
			}
		} else if a.put(it, now) {
			continue
		}
		l.giveBack([]*item{it})
	}
}

// giveBack returns unclaimed jobs to the server, for any worker to take at once.
func (l *line) giveBack(items []*item) {
	for _, it := range items {
		l.keeper.remove(it)
		_ = it.delivery.Handle.Nak(0) // a lost one leads to a redelivery after the server's ack wait
	}
}

// drop leaves jobs as they are: the server delivers them again.
func (l *line) drop(items []*item) {
	for _, it := range items {
		l.keeper.remove(it)
	}
}
