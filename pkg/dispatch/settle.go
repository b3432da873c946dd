package dispatch

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// settle is the one door: every delivery leaves through it, or stays unacknowledged. In this order, so that a crash
// between any two steps loses nothing and repeats nothing that can't be recognised:
//
//  1. the claim record says what became of the job
//  2. the dead letters hold what failed
//  3. the status events are out
//  4. LATER holds what goes on
//  5. the server is answered
//
// An event that was recorded and perhaps not published, by a worker that stopped between 1 and 3, comes before all: what is
// recorded next wouldn't tell of it any more.
//
// Each step is repeated until its store has answered. A job whose claim was taken over meanwhile is left to the one that took it. When
// the worker must stop before a step is done, the jobs stay as they are and are delivered again.
func (l *line) settle(ends []ending) {
	if len(ends) == 0 {
		return
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	all := l.papers(len(ends))
	defer l.shred(all)
	out := all.out
	for i := range ends {
		out[i] = l.prepare(&ends[i], now, all)
	}
	ok := l.publishEarlier(ends)
	if ok {
		out, ok = l.record(out, all.updates)
	}
	if !ok || !l.bury(out) || !l.publish(out, all.events) || !l.hold(out) {
		for _, o := range out {
			l.keeper.remove(o.it)
		}
		return
	}
	l.confirm(out)
	for _, o := range out {
		l.answer(o)
	}
}

// outgoing is an ending made concrete.
type outgoing struct {
	*ending
	update *Update
	event  *Event
	held   *Held
	dead   *DeadLetter
}

// add puts what has room at the end and returns where it lies.
func add[T any](to *[]T, v T) *T {
	*to = append(*to, v)
	return &(*to)[len(*to)-1]
}

// prepare works out what is to be stored for an ending. It is pure, but for what it adds to the papers.
func (l *line) prepare(e *ending, now time.Time, all *papers) outgoing {
	if e.again != nil {
		return l.prepareAgain(*e, all)
	}
	o := outgoing{ending: e}
	if e.phase != "" {
		r := e.it.record(e.settlement)
		o.update = add(&all.updates, Update{Tenant: e.it.delivery.Address.Tenant, ID: e.it.job.ID, Token: e.it.token,
			Keep: e.it.keepFor(now, l.cfg.Dedupe)})
		told := e.once && slices.Contains(e.it.claim.Record.Told, string(e.code))
		if e.state != "" && !told {
			r.Sequence++
			o.event = add(&all.events, e.it.event(l.eventOf(e, r, now), r))
			r.Last, r.Published = &o.event.Event, false
			if e.once {
				r.Told = append(slices.Clone(r.Told), string(e.code))
			}
		}
		o.update.Record = r
	} else if e.state != "" {
		o.event = add(&all.events, e.it.event(l.eventOf(e, Record{}, now), Record{}))
		o.event.Publication, o.event.Event.Publication = e.it.delivery.Publication, e.it.delivery.Publication
	}
	l.store(&o)
	return o
}

// prepareAgain works out what an earlier settlement stored, from its record.
func (l *line) prepareAgain(e ending, all *papers) outgoing {
	o := outgoing{ending: &e} // a copy, which is changed
	r := *e.again
	if r.Last == nil {
		return o
	}
	o.event = add(&all.events, e.it.event(*r.Last, r))
	o.update = &Update{Record: r} // for store; it isn't written
	o.code, o.words, o.via = "", "", r.Last.Account
	if r.Last.Error != nil {
		o.code, o.words = r.Last.Error.Code, r.Last.Error.Message
	}
	o.phase = r.Phase
	l.store(&o)
	o.update = nil
	return o
}

// store adds what LATER or the dead letters are to hold.
func (l *line) store(o *outgoing) {
	switch o.phase {
	case Waiting:
		o.held = &Held{Delivery: o.it.delivery, JobID: o.it.job.ID, Hop: o.update.Record.Hop, Due: o.update.Record.Due}
		o.held.Delivery.Sequence = o.update.Record.Sequence
	case Dead:
		o.dead = &DeadLetter{Delivery: o.it.delivery, JobID: o.it.job.ID, Reason: o.code, Attempts: o.update.Record.Attempts,
			Account: o.via, Words: o.words, At: o.event.At}
		o.dead.Delivery.Sequence = o.update.Record.Sequence
	}
}

// record is the claim record that a settlement leaves behind.
func (it *item) record(s settlement) Record {
	r := it.claim.Record
	r.Published = true // by publishEarlier; a new event sets it back
	r.Phase, r.Hash, r.Publication, r.Epoch = s.phase, it.hash, it.delivery.Publication, it.delivery.Epoch
	if s.burn {
		r.Attempts++
	}
	switch s.phase {
	case Waiting:
		r.Hop, r.Due = r.Hop+1, s.due
		if !s.maybe {
			r.Account = ""
		} else if s.via != "" {
			r.Account = s.via
		}
	case Claimed:
		r.Account = ""
	case Concluded, Dead:
		r.Account, r.Due = s.via, time.Time{}
	}
	return r
}

// eventOf is the event of a settlement, but for what the job itself carries.
func (l *line) eventOf(e *ending, r Record, now time.Time) job.Event {
	res := &e.reply
	ev := job.Event{
		State: e.state, Final: e.final, Sequence: r.Sequence, At: now,
		Account: e.via, ProviderID: res.id, ProviderStatus: job.Mask(res.status, maxWords),
		Segments: res.segments, Cost: res.cost, Currency: res.currency, Recipients: res.recipients,
	}
	if a := l.accounts[e.via]; a != nil {
		ev.Provider = a.ProviderName
		ev.Attempt = e.it.attempt()
	}
	if e.code != "" {
		ev.Error = &job.Reason{Code: e.code, Message: job.Mask(e.words, maxWords)}
	}
	if e.told {
		ev.RetryAt = e.due
	}
	if e.state == job.Submitted && ev.Segments == 0 && e.it.job.Channel == job.SMS && e.it.job.Text != "" {
		ev.Segments, _ = job.Segments(e.it.job.Text)
	}
	return ev
}

// maxWords is the length of an event's error message at most, in bytes.
const maxWords = 500

// event completes an event with what the job itself carries.
func (it *item) event(ev job.Event, r Record) Event {
	ad := it.delivery.Address
	ev.Job, ev.Tenant, ev.Route, ev.Lane = it.job.ID, ad.Tenant, ad.Route, ad.Lane
	ev.Channel, ev.Metadata = it.job.Channel, it.job.Metadata
	if ev.Job == "" {
		ev.Job = it.delivery.Publication
	}
	e := Event{Event: ev, Trace: it.delivery.Trace, Hash: r.Hash, Publication: r.Publication, Epoch: r.Epoch}
	if r.Phase != Concluded && r.Phase != Dead {
		e.Hop, e.Attempts, e.Due, e.Told, e.Maybe = r.Hop, r.Attempts, r.Due, r.Told, r.Account
	}
	return e
}

// record writes the claim records, the updates of out, and returns the endings that still are this worker's to carry out.
func (l *line) record(out []outgoing, updates []Update) ([]outgoing, bool) {
	if len(updates) == 0 {
		return out, true
	}
	held, err := backoff.RetryNotifyWithData(func() ([]bool, error) { return l.claims.Record(l.hard, updates) },
		backoff.WithContext(untilStored(), l.hard),
		func(err error, _ time.Duration) { l.log.Warn("the outcome isn't recorded yet", zap.Error(err)) })
	if err != nil {
		return out, false
	}
	i := 0
	return slices.DeleteFunc(out, func(o outgoing) bool {
		if o.update == nil {
			return false
		}
		i++
		if held[i-1] {
			return false
		}
		l.keeper.remove(o.it)
		l.log.Warn("the claim was taken over, its new owner settles the job", zap.String("tenant", o.update.Tenant), zap.String("job", o.update.ID))
		return true
	}), true
}

// bury stores the dead letters.
func (l *line) bury(out []outgoing) bool {
	var dead []DeadLetter
	for _, o := range out {
		if o.dead != nil {
			dead = append(dead, *o.dead)
		}
	}
	return len(dead) == 0 || l.stored("dead letters", func() error { return l.outlet.Bury(l.hard, dead) })
}

// hold stores what LATER is to give back.
func (l *line) hold(out []outgoing) bool {
	var held []Held
	for _, o := range out {
		if o.held != nil {
			held = append(held, *o.held)
		}
	}
	return len(held) == 0 || l.stored("held jobs", func() error { return l.outlet.Hold(l.hard, held) })
}

// publish stores the status events: those prepared, but for those of endings that are out no more.
func (l *line) publish(out []outgoing, events []Event) bool {
	left := 0
	for _, o := range out {
		if o.event != nil {
			left++
		}
	}
	if left < len(events) {
		events = make([]Event, 0, left)
		for _, o := range out {
			if o.event != nil {
				events = append(events, *o.event)
			}
		}
	}
	return len(events) == 0 || l.stored("events", func() error { return l.outlet.Publish(l.hard, events) })
}

// publishEarlier stores the last events of jobs that were claimed by a worker which may not have come to it. A copy out of LATER
// proves that it had: the event was stored first.
func (l *line) publishEarlier(ends []ending) bool {
	var events []Event
	for i := range ends {
		e := &ends[i]
		if r := &e.it.claim.Record; e.phase != "" && r.Last != nil && !r.Published && r.Phase != Waiting {
			events = append(events, e.it.event(*r.Last, *r))
		}
	}
	return len(events) == 0 || l.stored("events", func() error { return l.outlet.Publish(l.hard, events) })
}

// confirm notes of released jobs that their waiting events are out. It is tried once: without it the event is only repeated.
func (l *line) confirm(out []outgoing) {
	var told []Update
	for _, o := range out {
		if o.once && o.event != nil {
			told = append(told, *o.update)
		}
	}
	if len(told) == 0 {
		return
	}
	if err := l.claims.Confirm(l.hard, told); err != nil {
		l.log.Debug("waiting events will be repeated", zap.Error(err))
	}
}

// stored repeats store until it succeeds; false where the worker must stop before it did.
func (l *line) stored(what string, store func() error) bool {
	return nil == backoff.RetryNotify(store, backoff.WithContext(untilStored(), l.hard),
		func(err error, _ time.Duration) { l.log.Warn("not stored yet: "+what, zap.Error(err)) })
}

// moveLater is how long a job is given back for that the next account has no room for.
const moveLater = 100 * time.Millisecond

// answer tells the server, or the next account. A lost answer leads to a redelivery, which the claim recognises.
func (l *line) answer(o outgoing) {
	h := o.it.delivery.Handle
	switch o.answer {
	case ack:
		l.keeper.remove(o.it)
		_ = h.Ack()
	case giveBack:
		l.keeper.remove(o.it)
		_ = h.Nak(o.delay)
	case keepOn:
		o.it.claim = &o.it.route.unclaimed
		if !o.to.put(o.it, time.Now()) {
			l.keeper.remove(o.it)
			_ = h.Nak(moveLater)
		}
	}
}
