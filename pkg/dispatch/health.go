package dispatch

import (
	"sync"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// health tells whether an account is asked at present. It is open until something about the account, not about a message, is
// refused, and open again when the pause is over: the next request is the probe.
type health struct {
	mu      sync.Mutex
	until   time.Time
	cause   job.Code
	words   string
	changed chan struct{} // closed at the next change
}

func newHealth() *health { return &health{changed: make(chan struct{})} }

// pause closes the account for d.
func (h *health) pause(now time.Time, d time.Duration, cause job.Code, words string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until, h.cause, h.words = now.Add(d), cause, words
	close(h.changed)
	h.changed = make(chan struct{})
}

// paused tells why and until when the account isn't asked; ok is false where it is open.
func (h *health) paused(now time.Time) (until time.Time, cause job.Code, words string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until, h.cause, h.words, now.Before(h.until)
}

// change is closed when the account is next paused.
func (h *health) change() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}
