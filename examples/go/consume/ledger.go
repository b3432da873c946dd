package main

import "github.com/gonets/gonets/pkg/dispatch/job"

// ledger tells events that are new from repeats. A real one stands in the database where the event has its effect, and in the same transaction;
// in memory it knows nothing of what was before it.
type ledger struct {
	last  map[string]int  // the last sequence of each job
	apart map[string]bool // the ce-id of events about publications that never became a job
}

func newLedger() *ledger {
	return &ledger{map[string]int{}, map[string]bool{}}
}

// isNew notes the event. One that is not above the last of its job is a repeat, or late.
func (l *ledger) isNew(e *job.Event, id string) bool {
	if e.Sequence == 0 {
		before := l.apart[id]
		l.apart[id] = true
		return !before
	}
	key := e.Tenant + "/" + e.Job
	if e.Sequence <= l.last[key] {
		return false
	}
	l.last[key] = e.Sequence
	return true
}
