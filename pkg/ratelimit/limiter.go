package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// RefundWithin is how long after its tokens became good a reservation can be refunded at the latest. A later refund must not be made: it
// could exceed the limit.
const RefundWithin = 30 * time.Second

// ErrInvalid says that a call can never succeed: an impossible limit, or a cost above the burst.
var ErrInvalid = errors.New("ratelimit: invalid call")

// Limit is a bound of tokens over time. Limits of the same key are the same limit, in whatever calls they stand; where rate or
// burst change from call to call, the call's own count.
type Limit struct {
	Key   string
	Rate  float64 // tokens per second, 1e-6 to 1e9; fractions are kept
	Burst int     // tokens at once, from 1
}

// Turn asks for a time to come back at, so that callers who wait for the same limit come one after another, each when there is something for it, and a
// call is seldom made in vain. The zero value asks for none.
//
// A turn binds nobody: whoever asks gets what is there. One that its caller doesn't come to is lost with the tokens that nobody else asks for then,
// where the burst doesn't hold them.
type Turn struct {
	Caller string // who asks, unique over all replicas and without spaces; it has one turn of a limit at a time
	More   bool   // it wants to come back for as many tokens again; else only where it was refused
}

// Reservation is the answer to Reserve.
type Reservation struct {
	OK      bool          // the tokens are taken
	Wait    time.Duration // with OK: when they are good, from now on; else: when it is worth asking again
	Blocked bool          // not OK, and one of the keys is blocked
	Turn    time.Duration // where a turn was given: when it is, from now on; 0: now
}

// Limiter grants tokens. Implementations are safe for concurrent use.
type Limiter interface {
	// Reserve takes n tokens of each limit, or of none. They become good after Reservation.Wait. Where that would be more than
	// maxWait it takes none. n above the burst of a limit is [ErrInvalid]. After any other error the tokens may be taken.
	//
	// A turn is half of maxWait before the tokens are expected to be good, so that callers that come a little early or late find them.
	Reserve(ctx context.Context, limits []Limit, n int, maxWait time.Duration, turn Turn) (Reservation, error)
	// Refund gives back n reserved tokens of each limit that were not and won't be used. It must come within [RefundWithin].
	Refund(ctx context.Context, limits []Limit, n int) error
	// Block makes no token of the key good for d from now on; a longer block that stands already stays. What was
	// reserved before remains good.
	Block(ctx context.Context, key string, d time.Duration) error
}

// Slot is one of a bounded number of places.
type Slot struct {
	Key string
	ID  string // unique over all replicas
}

// Slots bounds what is done at the same time over all replicas. Implementations are safe for concurrent use.
type Slots interface {
	// Acquire takes one of most slots of the key, for hold at most: then it falls free by itself, so that those of a replica
	// that was killed come back. ok is false where all are taken. After an error a slot may be taken until hold has passed.
	Acquire(ctx context.Context, key string, most int, hold time.Duration) (slot Slot, ok bool, err error)
	// Release gives a slot back. One that fell free already is no error.
	Release(ctx context.Context, slot Slot) error
}

// check refuses calls that can't be meant.
func check(limits []Limit, n int) error {
	for i, l := range limits {
		switch {
		case !(l.Rate >= 1e-6) || l.Rate > 1e9:
			return fmt.Errorf("%w: limit %q: a rate of %v per second; 1e-6 to 1e9 are possible", ErrInvalid, l.Key, l.Rate)
		case n < 1 || n > l.Burst:
			return fmt.Errorf("%w: limit %q: %d tokens at once; 1 to its burst of %d are possible", ErrInvalid, l.Key, n, l.Burst)
		}
		for _, other := range limits[:i] {
			if other.Key == l.Key {
				return fmt.Errorf("%w: limit %q stands twice in one call", ErrInvalid, l.Key)
			}
		}
	}
	return nil
}

// check refuses callers that a list of turns can't hold.
func (t Turn) check() error {
	if strings.ContainsFunc(t.Caller, unicode.IsSpace) {
		return fmt.Errorf("%w: a caller with spaces in its name: %q", ErrInvalid, t.Caller)
	}
	return nil
}

// micros gives whole microseconds, rounded up: neither wait nor block may end early.
func micros(d time.Duration) int64 {
	return int64((max(d, 0) + time.Microsecond - 1) / time.Microsecond)
}

// span is the reverse of micros.
func span(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }
