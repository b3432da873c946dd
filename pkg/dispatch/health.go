package dispatch

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// restAtMost is how long the jobs of an account that asked not to be asked for a time stay with it. For longer they go to another one, or wait.
const restAtMost = 2 * time.Second

// offerFor is how long an account that is to be probed is offered no second job.
const offerFor = 5 * time.Second

// health is what this worker knows of an account's state, at most a poll behind the others. To ask it costs next to nothing.
type health struct {
	state   atomic.Pointer[AccountState]
	offered atomic.Int64           // until when it is offered no further job to be probed with, in Unix ns
	saving  atomic.Pointer[string] // why it takes no bulk; nil: it does
	changes *signal                // of all accounts

	mu    sync.Mutex
	heard time.Time // when the account's own last answer came
}

func newHealth(changes *signal) *health {
	h := &health{changes: changes}
	h.state.Store(&AccountState{Circuit: Closed})
	return h
}

// takes tells whether a job of the lane may be given to the account: it is closed, or will be in a moment, or wants one to be probed with.
func (h *health) takes(now time.Time, lane job.Lane) bool {
	if lane == job.Bulk && h.saving.Load() != nil {
		return false
	}
	s := h.state.Load()
	if s.Circuit == Closed {
		return true
	}
	return !s.shut(now) && (s.Itself || now.UnixNano() >= h.offered.Load())
}

// why is why it doesn't take a job of the lane.
func (h *health) why(now time.Time, lane job.Lane) *AccountState {
	s := h.state.Load()
	if words := h.saving.Load(); lane == job.Bulk && words != nil && !s.shut(now) {
		return &AccountState{Cause: job.InsufficientFunds, Words: *words}
	}
	return s
}

// save makes the account take no bulk, and tells why; nil: it takes it again.
func (h *health) save(why *string) {
	if old := h.saving.Swap(why); (old == nil) != (why == nil) {
		h.changes.tell()
	}
}

// shut tells whether the account is not to be asked for so long that its jobs must not wait for it.
func (s *AccountState) shut(now time.Time) bool {
	if s.Itself {
		return s.Until.Sub(now) > restAtMost
	}
	return s.Circuit != Closed && now.Before(s.Until)
}

// due tells whether nothing but a probe can be sent.
func (s *AccountState) due(now time.Time) bool {
	return s.Circuit != Closed && !s.Itself && !now.Before(s.Until)
}

// rest is how long an account that is closed by itself is still to be left alone.
func (s *AccountState) rest(now time.Time) time.Duration {
	if !s.Itself {
		return 0
	}
	return max(0, s.Until.Sub(now))
}

// given notes that the account was given a job of the lane. One that is to be probed needs no more for the time being; one that came not to take such jobs at
// the same moment is to see to it.
func (h *health) given(now time.Time, lane job.Lane) {
	if h.state.Load().due(now) {
		h.offered.Store(now.Add(offerFor).UnixNano())
	} else if h.takes(now, lane) {
		return
	}
	h.changes.tell()
}

// hear takes an answer about this account alone.
func (h *health) hear(s AccountState) {
	h.mu.Lock()
	h.heard = time.Now()
	h.set(s)
	h.mu.Unlock()
}

// see takes a state from a look at all accounts that was begun at the given time. What was heard since is newer.
func (h *health) see(s AccountState, begun time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heard.Before(begun) {
		h.set(s)
	}
}

func (h *health) set(s AccountState) {
	old := h.state.Swap(&s)
	moved := s.Until.Sub(old.Until).Abs() > lookEvery/2 // by more than the clocks' trembling
	if s.Circuit != old.Circuit || s.Generation != old.Generation || moved {
		h.offered.Store(0)
		h.changes.tell()
	}
}

// signal wakes all who wait for a change.
type signal struct {
	mu   sync.Mutex
	next chan struct{}
}

func newSignal() *signal { return &signal{next: make(chan struct{})} }

// changed is closed at the next change.
func (s *signal) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

func (s *signal) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.next)
	s.next = make(chan struct{})
}
