package breaker

import (
	"context"
	"time"
)

// Longest is how many times the policy's Open a breaker stays open at most.
const Longest = 16

// Policy is when a thing that fails is left alone.
type Policy struct {
	Failures int           // in a row, from 1
	Open     time.Duration // how long before a probe
}

// Kind is what is done with a thing at present.
type Kind string

// The kinds.
const (
	Closed   Kind = "closed"    // it is asked
	Open     Kind = "open"      // it failed, and is left alone
	HalfOpen Kind = "half-open" // a probe is under way: it is left to that one
	Paused   Kind = "paused"    // it is left alone for another cause
)

// State is what is known of a thing.
type State struct {
	Kind  Kind
	Cause string // why it isn't closed, in the caller's own terms
	Words string // the same, for people
	// Until is when it may be probed or, with Itself, is closed again; when half-open, when the probe is given up. By this process's clock;
	// zero when closed.
	Until      time.Time
	Itself     bool  // it becomes closed at Until without a probe
	Failures   int   // in a row, when closed
	Generation int64 // of the state; to be given back in reports of what was asked under it
}

// Finding is what somebody who asked learnt.
type Finding int

// The findings. The zero value says nothing.
const (
	Nothing   Finding = iota // a probe wasn't made: another may be
	Succeeded                // there was an answer
	Failed                   // there was none
	Refused                  // the answer was that it is no use to ask until somebody mends it
	Blocked                  // the answer was not to ask for a time
	Mended                   // what it is paused for is no more: Cause. It is no answer to what was asked, but to the same generation
)

// Report is a finding.
type Report struct {
	Finding    Finding
	Generation int64  // of the state under which it was asked
	Ticket     string // of the probe; empty: it was none
	Cause      string // of Failed, Refused, Blocked: for State; of Mended: which pause is over
	Words      string // likewise
	// For is how long it is left alone: with Blocked, and with Refused before a probe. With Failed, at least, if it opens.
	For time.Duration
}

// Breakers are the states of many things by key, each unknown one being closed. Implementations are safe for concurrent use.
type Breakers interface {
	// Look returns the state of each key, in order.
	Look(ctx context.Context, keys []string) ([]State, error)
	// Report takes a finding into account and returns the state from now on. After an error it may have been.
	Report(ctx context.Context, key string, p Policy, r Report) (State, error)
	// Probe takes the one probe of a thing whose time is over, to be reported within hold. The ticket is empty where there is none to take:
	// another has it, or it isn't time, or the thing is closed.
	Probe(ctx context.Context, key string, hold time.Duration) (s State, ticket string, err error)
}
