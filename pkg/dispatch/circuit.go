package dispatch

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Circuit is what is done with an account at present.
type Circuit string

// The circuits.
const (
	Closed   Circuit = "closed"    // it is asked
	Open     Circuit = "open"      // its requests failed: it is left alone
	HalfOpen Circuit = "half-open" // a probe of it is under way
	Paused   Circuit = "paused"    // it refuses everything, or asked not to be asked
)

// AccountState is what all workers together know of an account.
type AccountState struct {
	Circuit Circuit
	Cause   job.Code // why it isn't closed
	Words   string   // the same in the provider's words, masked
	// Until is when it is to be probed, or with Itself is closed again; when half-open, when the probe is given up. Zero when closed.
	Until      time.Time
	Itself     bool  // it is closed again at Until, without a probe
	Failures   int   // requests in a row that failed, when closed
	Generation int64 // what was asked in one says nothing of the next
}

// Finding is what a request says of its account.
type Finding int

// The findings.
const (
	NotMade   Finding = iota // the probe wasn't made: another may be
	Succeeded                // it answered
	Failed                   // it didn't
	Refused                  // it takes nothing until somebody mended it
	Blocked                  // it is not to be asked for a time
	Mended                   // what it was paused for is no more: Cause. Known from elsewhere than from a request
)

// AccountReport is a finding, on its way to the other workers.
type AccountReport struct {
	Finding    Finding
	Generation int64         // of the state that the request was made under
	Ticket     string        // of the probe that it was; empty: it was none
	Cause      job.Code      // of Failed, Refused, Blocked and Mended
	Words      string        // likewise
	For        time.Duration // with Blocked, how long; with Refused, how long before a probe; with Failed, at least
}

// Health is the states of the accounts, for all workers together.
type Health interface {
	// States returns the state of each account, in order.
	States(ctx context.Context, accounts []string) ([]AccountState, error)
	// Report takes a finding into account and returns the state from now on.
	Report(ctx context.Context, account string, r AccountReport) (AccountState, error)
	// Probe takes the one probe of an account over all workers, where it is due; else the ticket is empty. It must be reported within
	// hold, or another worker may have it.
	Probe(ctx context.Context, account string, hold time.Duration) (s AccountState, ticket string, err error)
}
