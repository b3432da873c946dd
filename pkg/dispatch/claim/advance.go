package claim

import (
	"context"
	"fmt"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

const (
	// advanceTries is how often a batch is taken up again because other workers were faster with some of its records.
	advanceTries = 10
	// keepAdvanced is how long a record lives that is written for a job whose own was forgotten, in ms: for as long as another receipt of the
	// same message may be under way.
	keepAdvanced = int64(time.Hour / time.Millisecond)
)

// Advance implements [receipts.Records]. A record keeps the time it has to live. To call it again with the same steps is safe: a record that
// says already what is to be told answers with the same event. [dispatch.ErrClaimsLost] says that the records were lost.
func (s *Store) Advance(ctx context.Context, steps []receipts.Step) ([]receipts.Advance, error) {
	guards, err := s.armed()
	if err != nil {
		return nil, fmt.Errorf("claim: advance %d jobs: %w", len(steps), err)
	}
	out := make([]receipts.Advance, len(steps))
	open := make([]int, len(steps))
	for i := range open {
		open[i] = i
	}
	for range advanceTries {
		if open, err = s.advanceSome(ctx, guards, steps, open, out); err != nil {
			return nil, fmt.Errorf("claim: advance %d jobs: %w", len(steps), err)
		}
		if len(open) == 0 {
			return out, nil
		}
	}
	for _, i := range open {
		out[i] = receipts.Advance{Verdict: receipts.Busy}
	}
	return out, nil
}

// advanceSome reads the records of the steps in open, judges them and writes those that go on. It returns the steps whose records changed meanwhile.
func (s *Store) advanceSome(ctx context.Context, guards []string, steps []receipts.Step, open []int, out []receipts.Advance) (again []int, err error) {
	values, olds, now, err := s.look(ctx, guards, steps, open)
	if err != nil {
		return nil, err
	}
	a := arena{buf: make([]byte, 0, 512*len(open)), ends: make([]int, 0, 3*len(open))}
	b := s.newBatch(len(open))
	for k, i := range open {
		var stands *found
		if values[k] != "" {
			f, err := decode(values[k])
			if err != nil { // of another version, which may be at it
				out[i] = receipts.Advance{Verdict: receipts.Busy}
				continue
			}
			stands = &f
		}
		var next dispatch.Record
		if next, out[i] = advance(stands, &steps[i], now); out[i].Verdict != receipts.Advanced {
			continue
		}
		known := &steps[i].Known
		shard := s.shard(known.Tenant, known.Job)
		b.add(i, shard, keepAdvanced)
		a.buf = appendField(a.buf, known.Tenant, known.Job)
		a.end()
		a.buf = append(a.buf, olds[k]...)
		a.end()
		a.buf = appendRecord(append(a.buf, noLease+free...), &next)
		a.end()
	}
	calls := b.calls(s.scripts.advance, guards, nil, a.strings())
	if err := s.try(ctx, calls); err != nil {
		return nil, err
	}
	for _, c := range calls {
		changed, err := c.named(c.answer)
		if err != nil {
			return nil, err
		}
		again = append(again, changed...)
	}
	return again, nil
}

// look reads the records of the steps in open, in their order; "" where there is none. olds are what tells that a record still is as it was read. now is
// the server's time, in ms.
func (s *Store) look(ctx context.Context, guards []string, steps []receipts.Step, open []int) (values, olds []string, now int64, err error) {
	a := arena{buf: make([]byte, 0, 64*len(open)), ends: make([]int, 0, len(open))}
	b := s.newBatch(len(open))
	for k, i := range open {
		known := &steps[i].Known
		shard := s.shard(known.Tenant, known.Job)
		b.add(k, shard, 0)
		a.buf = appendField(a.buf, known.Tenant, known.Job)
		a.end()
	}
	calls := b.calls(s.scripts.look, guards, nil, a.strings())
	if err := s.try(ctx, calls); err != nil {
		return nil, nil, 0, err
	}
	values, olds = make([]string, len(open)), make([]string, len(open))
	for _, c := range calls {
		if len(c.answer) != len(c.jobs)+1 {
			return nil, nil, 0, fmt.Errorf("the script answered with %d values for %d jobs", len(c.answer), len(c.jobs))
		}
		at, _ := c.answer[0].(int64)
		now = max(now, at)
		for k, answer := range c.answer[1:] {
			old := answer
			if paged, ok := answer.([]any); ok && len(paged) == 2 {
				old, answer = paged[0], paged[1]
			}
			olds[c.jobs[k]], _ = old.(string)
			values[c.jobs[k]], _ = answer.(string) // nil: no record
		}
	}
	return values, olds, now, nil
}

// advance decides what a receipt makes of a record; stands is nil where there is none. The record is to be written with Advanced.
//
// The event that is known to be out may be behind the record: an earlier try, or another worker with another receipt of the message, may have
// recorded an event and not published it. So that one is told first, and nothing is recorded over it.
func advance(stands *found, s *receipts.Step, now int64) (dispatch.Record, receipts.Advance) {
	r := dispatch.Record{Hash: s.Known.Hash, Publication: s.Known.Publication}
	sequence := s.Known.Sequence
	if stands != nil {
		r = stands.Record
		switch {
		case r.Publication != s.Known.Publication || r.Epoch > s.Known.Epoch:
			return r, receipts.Advance{Verdict: receipts.Stale}
		case stands.live(now):
			return r, receipts.Advance{Verdict: receipts.Busy}
		case r.Epoch == s.Known.Epoch && r.Sequence > sequence && r.Last != nil && told(r.Last):
			last := complete(*r.Last, &s.Known)
			if receipts.Forward(last.State, s.Told.State) {
				return r, receipts.Advance{Verdict: receipts.Behind, Event: &last}
			}
			return r, receipts.Advance{Verdict: receipts.Known, Event: &last}
		}
		sequence = max(sequence, r.Sequence)
	}
	if !receipts.Forward(s.Known.State, s.Told.State) {
		return r, receipts.Advance{Verdict: receipts.Known}
	}
	event := s.Told
	event.Sequence = sequence + 1
	r.Phase, r.Epoch, r.Sequence = dispatch.Concluded, s.Known.Epoch, event.Sequence
	r.Account, r.Due, r.Told = event.Account, time.Time{}, nil
	r.Last, r.Published = &event.Event, false
	return r, receipts.Advance{Verdict: receipts.Advanced, Event: &event}
}

// told tells whether an event was made of a receipt.
func told(e *job.Event) bool {
	switch e.State {
	case job.Delivered, job.Undelivered:
		return true
	case job.Unknown:
		return e.Error != nil && e.Error.Code == job.NoReceipt
	}
	return false
}

// complete adds to a record's event what the job itself carries.
func complete(e job.Event, known *dispatch.Event) dispatch.Event {
	e.Job, e.Tenant, e.Route, e.Lane, e.Channel, e.Metadata = known.Job, known.Tenant, known.Route, known.Lane, known.Channel, known.Metadata
	return dispatch.Event{Event: e, Trace: known.Trace, Hash: known.Hash, Publication: known.Publication, Epoch: known.Epoch}
}
