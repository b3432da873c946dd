package dispatch

import (
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// facts is what decide must know beside the result.
type facts struct {
	now      time.Time
	attempt  int           // under way, from 1
	retry    Retry         // of the route
	resend   bool          // an ambiguous message may be sent again, see mayResend
	before   bool          // it may have been sent before this request, too
	probe    bool          // the request was a probe of an account that was left alone
	next     *account      // another account of the route that may be asked in this round; nil: none
	pause    time.Duration // how long a job is given back for that waits for an account
	expires  time.Time     // zero: never
	terminal bool          // the account can't report delivery
}

// phase is what the record says once this request surely didn't send the message.
func (f facts) phase() Phase {
	if f.before {
		return Sending
	}
	return Claimed
}

// decide is the policy: what the result of one request means for its job. It is pure but for the jitter of retries.
func decide(r providers.Result, f facts) settlement {
	switch r.Outcome {
	case providers.Submitted:
		return submitted(r, f.terminal)
	case providers.Rejected:
		return reject(r)
	case providers.ClosedDestination:
		if f.next != nil {
			return move(f.phase(), f.next)
		}
		return reject(r)
	case providers.InsufficientFunds, providers.Unauthorized, providers.Misconfigured:
		if f.next != nil {
			return move(f.phase(), f.next)
		}
		return wait(f.phase(), job.Code(r.Code), r.Message, f.pause)
	case providers.Throttled:
		// Not before the account is asked again, and spread. It counts no attempt, so the spread doesn't grow.
		return f.later(r, max(r.RetryAfter, blockFor)+backoffBefore(2, f.retry), false)
	case providers.Unavailable:
		if f.next != nil {
			return move(f.phase(), f.next)
		}
		if f.probe { // the job waited, and still does
			return wait(f.phase(), job.Code(r.Code), r.Message, f.pause)
		}
		if f.before {
			return decideAmbiguous(r, f)
		}
		return again(r, f, fail)
	case providers.Stalled:
		return unknown(r)
	case providers.Ambiguous:
		return decideAmbiguous(r, f)
	}
	return unknown(r) // a result outside the closed set says nothing
}

// decideAmbiguous decides on a message that may have been sent: by this request, or by a worker that died.
func decideAmbiguous(r providers.Result, f facts) settlement {
	if !f.resend {
		return unknown(r)
	}
	return again(r, f, unknown)
}

// again holds the job for another attempt, or ends it where this was the last.
func again(r providers.Result, f facts, end func(providers.Result) settlement) settlement {
	if f.attempt >= f.retry.Attempts {
		return end(r)
	}
	return f.later(r, max(r.RetryAfter, backoffBefore(f.attempt+1, f.retry)), true)
}

// later holds the job for d, or ends it where it would be too late then.
func (f facts) later(r providers.Result, d time.Duration, burn bool) settlement {
	due := f.now.Add(d)
	if f.expires.IsZero() || due.Before(f.expires) {
		return retry(r, due, burn)
	}
	if f.before || !r.Outcome.SurelyNotSent() {
		return unknown(r)
	}
	return expire("expires_at can't be met, the next attempt would come " + due.UTC().Format(time.RFC3339) + ": " + r.Message)
}

// mayResend tells whether a message that account a may have sent can be sent through it again.
func mayResend(policy OnUnknown, dedupes bool) bool {
	if policy == "" {
		return dedupes
	}
	return policy == Resend
}
