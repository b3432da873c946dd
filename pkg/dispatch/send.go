package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// margin is what is left of a lease for recording the results of a request.
const margin = 5

// deadline is until when a request must be over whose jobs are claimed now.
func (a *account) deadline(now time.Time) time.Time {
	lease := a.line.cfg.Lease
	return now.Add(lease - lease/margin)
}

// needs is how much of the time until its deadline a request must have, else it isn't made.
func (a *account) needs() time.Duration { return min(a.Timeout, a.line.cfg.Lease/2) }

// claim takes the packet's jobs for this worker. It returns those to be sent, and until when a request must be over; the endings of
// the others are added.
func (a *account) claim(items []*item, ends *[]ending) (send []*item, deadline time.Time) {
	deadline = a.deadline(time.Now())
	if !a.line.claim(items, a) {
		return nil, deadline
	}
	send = make([]*item, 0, len(items))
	for _, it := range items {
		if s, over := a.judge(it); over {
			*ends = append(*ends, ending{it, s})
		} else {
			send = append(send, it)
		}
	}
	return send, deadline
}

// judge decides on a job whose claim was answered; over is false where it is to be sent through a now.
func (a *account) judge(it *item) (s settlement, over bool) {
	if s, over := a.line.judge(it); over {
		return s, true
	}
	if it.pinned != nil && it.pinned != a {
		return move(Sending, it.pinned), true
	}
	return settlement{}, false
}

// unexpired returns those of the claimed jobs that may still be sent; the endings of the others are added.
func unexpired(items []*item, now time.Time, ends *[]ending) []*item {
	return slices.DeleteFunc(items, func(it *item) bool {
		if !it.expired(now) {
			return false
		}
		*ends = append(*ends, ending{it, it.tooLate(passed)})
		return true
	})
}

// sendLater releases jobs whose tokens were lost to a delay, or that stood by in vain, for this account to take up again.
func (a *account) sendLater(items []*item, ends *[]ending) {
	for _, it := range items {
		*ends = append(*ends, ending{it, move(it.phase(), a)})
	}
}

// send makes the request.
func (a *account) send(items []*item, deadline time.Time) []providers.Result {
	ctx, cancel := context.WithTimeout(a.line.hard, min(a.Timeout, time.Until(deadline)))
	defer cancel()
	msgs := a.line.messages.take(len(items))
	for _, it := range items {
		m := it.message(a)
		m.Key = job.KeyOf(it.delivery.Address.Tenant, it.job.ID, it.hash)
		msgs = append(msgs, m)
	}
	defer a.line.messages.give(msgs)
	start := time.Now()
	results, err := a.ask(ctx, msgs)
	if err != nil {
		a.log.Error("the provider's client is faulty, the outcome is unknown", zap.Error(err))
		results = providers.All(len(msgs), providers.Result{Code: providers.CodeAmbiguous, Message: "no result"})
	}
	if a.log.Core().Enabled(zap.DebugLevel) {
		a.log.Debug("request done", zap.Int("messages", len(msgs)), zap.Duration("took", time.Since(start)))
	}
	return results
}

// ask calls the provider; a panic in it, or a wrong number of results, is an error.
func (a *account) ask(ctx context.Context, msgs []providers.Message) (rs []providers.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in provider %s: %T", a.ProviderName, p)
		}
	}()
	rs = a.Provider.Send(ctx, msgs)
	if len(rs) != len(msgs) {
		return nil, fmt.Errorf("provider %s: %d results for %d messages", a.ProviderName, len(rs), len(msgs))
	}
	return rs, nil
}

// decide adds the endings that follow from results, and tells all workers what they say of the account.
func (a *account) decide(r request, items []*item, results []providers.Result, ends *[]ending) {
	a.observe(r, results)
	now := time.Now()
	for i, it := range items {
		res := results[i]
		f := facts{
			now:      now,
			attempt:  it.attempt(),
			retry:    it.route.Retry,
			resend:   mayResend(it.route.OnUnknown, a.Traits.Dedupes),
			before:   it.ambiguous(),
			probe:    r.ticket != "",
			expires:  it.job.ExpiresAt,
			terminal: !a.Traits.ReportsDelivery,
		}
		if res.Outcome != providers.Submitted {
			o := it.object()
			o.asked = append(o.asked, a)
			if it.pinned == nil {
				f.next, _ = it.route.choose(it, now)
			}
			f.pause = it.route.comeBack(now, it.delivery.Address.Lane)
		}
		s := decide(res, f)
		s.via, s.maybe = a.Name, it.ambiguous() || !res.Outcome.SurelyNotSent()
		*ends = append(*ends, ending{it, s})
	}
}

// claim asks for the items, again and again while the claims don't answer; false where the worker was stopped before they did. Nothing is sent
// meanwhile. a is the account that is to send them; nil: none is.
func (l *line) claim(items []*item, a *account) bool {
	now := time.Now()
	reqs := l.requests.take(len(items))
	for _, it := range items {
		req := ClaimRequest{
			Tenant: it.delivery.Address.Tenant, ID: it.job.ID, Hash: it.hash, Publication: it.delivery.Publication,
			Hop: it.delivery.Hop, Epoch: it.delivery.Epoch, Sequence: it.delivery.Sequence, Keep: it.keepFor(now, l.cfg.Dedupe),
		}
		if a != nil {
			req.Account = a.Name
		}
		if _, early := it.due(now); it.delivery.Redelivered && !early { // what isn't due was never sent
			req.Redelivered = it.delivery.Place
		}
		reqs = append(reqs, req)
	}
	claims, err := backoff.RetryNotifyWithData(func() ([]Claim, error) { return l.claims.Claim(l.hard, reqs) },
		backoff.WithContext(untilStored(), l.hard),
		func(err error, _ time.Duration) {
			l.log.Warn("no answer from the claims, nothing is sent", zap.Error(err))
		})
	l.requests.give(reqs)
	if err != nil {
		l.drop(items)
		return false
	}
	for i, it := range items {
		it.hold(&claims[i])
		if it.claim.Verdict == TakenAmbiguous && it.claim.Record.Account == "" {
			it.claim.Record.Account = it.route.sole(&it.job)
		}
		if it.ambiguous() {
			it.pinned = l.pin(it)
		}
	}
	return true
}

// hold notes the answer to the job's claim. Nearly all say no more than that the job is this worker's, and wait for long: those keep nothing of a
// packet's answers but the token.
func (it *item) hold(c *Claim) {
	it.token = c.Token
	if r := &c.Record; c.Verdict == Taken && r.Phase == "" && r.Hop == 0 && r.Sequence == 0 {
		it.claim = &it.route.anew
		return
	}
	own := *c
	it.claim = &own
}
