package dispatch

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// OnUnknown is a route's policy for a message that may or may not have been sent.
type OnUnknown string

// The policies. The zero value is [Resend] where the provider recognises repeats, else [Hold].
const (
	Hold   OnUnknown = "hold"   // never send again, end as unknown
	Resend OnUnknown = "resend" // send again and accept the risk of a second copy
)

// Retry is a route's policy for attempts that surely failed.
type Retry struct {
	Attempts int           // at most, from 1
	Initial  time.Duration // the longest wait before the second attempt; it doubles with each further one
	Max      time.Duration // the longest wait before any
}

// Route is where jobs of one kind go.
type Route struct {
	Name      string
	Accounts  []string // tried in this order
	Retry     Retry
	OnUnknown OnUnknown
}

// Account is one account at one provider.
type Account struct {
	Name           string
	ProviderName   string // as in events
	Provider       providers.Provider
	Traits         providers.Traits
	Sender         string        // for jobs without one
	Rate           float64       // messages a second that the limiter allows over all workers; 0: any
	Burst          int           // with Rate: messages that it allows at once
	Bounded        bool          // the limiter has a bound of requests over all replicas for it
	InFlight       int           // concurrent requests of this worker
	Batch          int           // messages a request at most
	Timeout        time.Duration // of one request; below the claim's lease
	Recheck        time.Duration // how long a pause lasts before the account is asked again
	NativeSchedule bool          // give SendAt to the provider instead of holding the job

	// SenderFault tells why nothing can be sent through the account under a sender; empty: it can be, or nobody knows. It may ask, for a few seconds,
	// while which jobs of the same lane and route wait. Nil: senders aren't checked.
	SenderFault func(ctx context.Context, sender string) string

	// Limit is the rate and burst that the limiter allows now, where they may be changed while the pipeline runs; nil: Rate and Burst, always.
	Limit func() (rate float64, burst int)
}

// Config is what a Pipeline works with.
type Config struct {
	Routes      []Route
	Accounts    []Account
	PhoneRegion string        // ISO 3166-1 alpha-2, for phones without a country code
	Dedupe      time.Duration // how long a spent id is remembered
	AckWait     time.Duration // the server's; a job held longer than half of it is reported in progress
	Lease       time.Duration // the claims'; a busy job is asked for again after it at the latest
	Drain       time.Duration // how long Run may take to finish what is in hand after its context ended
}
