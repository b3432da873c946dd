package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// item is one job in hand: a delivery and what the stages learnt of it.
type item struct {
	delivery Delivery
	job      job.Job // its strings lie in delivery.Data; incomplete where the delivery was refused
	hash     string  // content hash; empty where refused
	route    *route
	refused  *job.Error        // why it isn't a job
	claim    *Claim            // the zero one until it is claimed; most share their route's, see item.hold
	token    string            // proof of the claim
	pinned   *account          // the only account that may send it, since it may have it already
	against  *objections       // nil: none
	fate     func() settlement // what is decided without an account; nil: it goes to one
	held     keep              // its heartbeat
}

// objections are what stands against accounts that a job could go to. Nearly no job has any.
type objections struct {
	asked    []*account // refused it in this round
	barred   []*account // can't send under its sender
	unusable string     // see item.unusable
}

// object returns the job's objections, to be added to.
func (it *item) object() *objections {
	if it.against == nil {
		it.against = new(objections)
	}
	return it.against
}

// attempt is the number of the attempt under way, from 1.
func (it *item) attempt() int { return it.claim.Record.Attempts + 1 }

// keepFor is how long a record must live that is written now: it outlives send_at by the dedupe window.
func (it *item) keepFor(now time.Time, window time.Duration) time.Duration {
	if ahead := it.job.SendAt.Sub(now); !it.job.SendAt.IsZero() && ahead > 0 {
		return window + ahead
	}
	return window
}

func (it *item) wasAsked(a *account) bool {
	return it.against != nil && slices.Contains(it.against.asked, a)
}

func (it *item) isBarred(a *account) bool {
	return it.against != nil && slices.Contains(it.against.barred, a)
}

// unusable tells why no account can send under its sender; empty: one can, or it is refused.
func (it *item) unusable() string {
	if it.against == nil {
		return ""
	}
	return it.against.unusable
}

// sender is the one under which the account would send the job; empty: the provider's own.
func (it *item) sender(a *account) string { return cmp.Or(it.job.Sender, a.Sender) }

// message is the job as the account's provider sees it, but for its key.
func (it *item) message(a *account) providers.Message {
	j := &it.job
	m := providers.Message{
		Channel:   providers.Channel(j.Channel),
		To:        j.To,
		Sender:    it.sender(a),
		Text:      j.Text,
		ExpiresAt: j.ExpiresAt,
		Trace:     it.delivery.Trace.Parent,
	}
	if j.Audience != nil {
		m.Audience = &providers.Audience{Collection: j.Audience.Collection, Query: j.Audience.Query, Everyone: j.Audience.Everyone}
	}
	if j.Push != nil {
		m.GCM, m.APNS = j.Push.GCM, j.Push.APNS
	}
	if a.NativeSchedule {
		m.SendAt = j.SendAt
	}
	return m
}
