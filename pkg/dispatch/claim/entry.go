package claim

import (
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// EntryOf is the record that follows from one of a job's events, to live as long as the record would have: window after the event, or after the
// job is due. false: none does, since the event is of no job, or the record would be gone by now.
func EntryOf(e *dispatch.Event, now time.Time, window time.Duration) (Entry, bool) {
	if e.Sequence == 0 || e.Hash == "" || e.Publication == "" {
		return Entry{}, false
	}
	from := e.At
	if e.Due.After(from) {
		from = e.Due
	}
	keep := from.Add(window).Sub(now)
	if keep <= 0 {
		return Entry{}, false
	}
	last := e.Event
	r := dispatch.Record{Phase: phaseOf(e), Epoch: e.Epoch, Hop: e.Hop, Attempts: e.Attempts, Sequence: e.Sequence, Hash: e.Hash, Publication: e.Publication,
		Account: e.Maybe, Due: e.Due, Told: e.Told, Last: &last, Published: true}
	if r.Phase == dispatch.Concluded || r.Phase == dispatch.Dead {
		r.Account = e.Account
	}
	return Entry{Tenant: e.Tenant, ID: e.Job, Record: r, Keep: keep}, true
}

// phaseOf is the phase of the record that an event was derived from. A state that this version doesn't know may mean anything: the message may
// have been sent.
func phaseOf(e *dispatch.Event) dispatch.Phase {
	switch e.State {
	case job.Submitted, job.Delivered, job.Undelivered, job.Rejected, job.Expired:
		return dispatch.Concluded
	case job.Failed:
		return dispatch.Dead
	case job.Unknown:
		if e.Error != nil && e.Error.Code == job.NoReceipt {
			return dispatch.Concluded // it was sent
		}
		return dispatch.Dead
	case job.Scheduled, job.Retrying:
		return dispatch.Waiting
	case job.Waiting:
		if e.Maybe == "" {
			return dispatch.Claimed
		}
	}
	return dispatch.Sending
}
