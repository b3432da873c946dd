package receipts

import (
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

const (
	// afterGivingUp is how long a late receipt still finds the message whose receipt was given up, or that was called undelivered.
	afterGivingUp = 24 * time.Hour
	// afterDelivery is how long a repeated receipt finds its message. What comes later is parked in vain.
	afterDelivery = time.Hour
	// briefly is how long an entry lives at least.
	briefly = time.Second
)

// Entry is a message in the index.
type Entry struct {
	Key   string          // how receipts name it, see [ByID] and [ByClientID]
	Event *dispatch.Event // its last event that is known to be published. Of a delivered message epoch, sequence and state are enough
	Sent  time.Time       // when the provider took it, or may have
	Ask   time.Time       // when to ask about it next; zero: it waits no more
	Until time.Time       // when it is forgotten
}

// ByID is the key of a message by the provider's id.
func ByID(id string) string { return "i" + id }

// ByClientID is the key of a message by our own id.
func ByClientID(id string) string { return "c" + id }

// Keys are how a receipt names its message, the surest first. There is at least one.
func (r *Receipt) Keys() []string {
	keys := make([]string, 0, 2)
	if r.ID != "" {
		keys = append(keys, ByID(r.ID))
	}
	if r.ClientID != "" {
		keys = append(keys, ByClientID(r.ClientID))
	}
	return keys
}

// indexed are the states whose events make entries, and those that tell that nothing is waited for any more.
func indexed() []job.State {
	return []job.State{job.Submitted, job.Unknown, job.Delivered, job.Undelivered}
}

// entryOf is what an event puts into the index of its account; false: nothing.
func (a *Account) entryOf(e *dispatch.Event, now time.Time) (Entry, bool) {
	if e.Sequence == 0 || e.Hash == "" || e.Publication == "" {
		return Entry{}, false
	}
	entry := Entry{Event: e, Sent: e.At, Key: ByID(e.ProviderID)}
	if e.ProviderID == "" {
		entry.Key = a.keyOfOurs(e)
	}
	switch {
	case e.State == job.Submitted && e.Final:
		return Entry{}, false
	case e.State == job.Submitted, e.State == job.Unknown && !gaveUp(e):
		a.schedule(&entry)
	case e.State == job.Unknown, e.State == job.Delivered, e.State == job.Undelivered:
	default:
		return Entry{}, false
	}
	a.limit(&entry)
	if entry.Until.Before(now) {
		if entry.waits() {
			return Entry{}, false
		}
		entry.Until = now.Add(briefly) // it ends an entry that an earlier event made
	}
	return entry, true
}

// keyOfOurs is the key of a message of which we have no id of the provider's.
func (a *Account) keyOfOurs(e *dispatch.Event) string {
	key := job.KeyOf(e.Tenant, e.Job, e.Hash)
	if a.ClientID == nil {
		return ByClientID(providers.Base32ID(key)) // no receipt will name it; it is there to be given up
	}
	return ByClientID(a.ClientID(key))
}

// schedule sets when to ask about a message for the first time.
func (a *Account) schedule(e *Entry) {
	first := a.GiveUp
	if a.Asker != nil && e.Event.ProviderID != "" {
		first = min(a.firstAsk(), a.GiveUp)
	}
	e.Ask = e.Sent.Add(first)
}

// limit sets when an entry is forgotten.
func (a *Account) limit(e *Entry) {
	if e.Event.State == job.Delivered {
		e.Until = e.Event.At.Add(afterDelivery)
		return
	}
	e.Until = e.Sent.Add(a.GiveUp + afterGivingUp)
}

func (e *Entry) waits() bool { return !e.Ask.IsZero() }

func gaveUp(e *dispatch.Event) bool { return e.Error != nil && e.Error.Code == job.NoReceipt }

// settled is the entry once its event was published: nothing is waited for any more.
func (a *Account) settled(e Entry, now time.Time) Entry {
	e.Ask = time.Time{}
	a.limit(&e)
	if !e.Until.After(now) {
		e.Until = now.Add(briefly)
	}
	return e
}
