package dispatch

import (
	"fmt"
	"time"
)

// expired tells whether the job must not be sent any more.
func (it *item) expired(now time.Time) bool {
	return !it.job.ExpiresAt.IsZero() && !now.Before(it.job.ExpiresAt)
}

// passed is why most jobs expire.
const passed = "expires_at passed before it was sent"

// tooLate ends a job that can't be sent in time, unless it may have been sent before.
func (it *item) tooLate(why string) settlement {
	if it.ambiguous() {
		return it.lost("it may have been sent, and can't be sent again: " + why)
	}
	return expire(why)
}

// hopeless is the ending of a job that the account can't send in time, by its rate and what goes before it; nil: it may.
func (a *account) hopeless(it *item, now time.Time) func() settlement {
	if !a.limited() || it.job.ExpiresAt.IsZero() {
		return nil
	}
	own, urgent := a.shelf.before(laneIndex(it.delivery.Address.Lane))
	rate, burst := a.Rate, a.Burst
	if a.Limit != nil {
		rate, burst = a.Limit()
	}
	if !outlasts(own, urgent, rate, burst, it.job.ExpiresAt.Sub(now)) {
		return nil
	}
	return func() settlement {
		return it.tooLate(fmt.Sprintf("expires_at can't be met: %d messages go before it, at %g a second", own+urgent, rate))
	}
}

// outlasts tells whether it takes longer than left, at best, until messages are sent that go before another one: own ones of its lane, and those of more
// urgent lanes, which leave it at least, and while they last at most, one in share + 1.
func outlasts(own, urgent int, rate float64, burst int, left time.Duration) bool {
	before := min(own+urgent, own*(share+1))
	return float64(before-burst)/rate > left.Seconds()
}
