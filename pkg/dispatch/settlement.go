package dispatch

import (
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// answer is what the server is told about a delivery.
type answer uint8

const (
	ack      answer = iota // done with: what became of it is stored
	giveBack               // deliver it again, after settlement.delay
	keepOn                 // nothing yet: it goes to another account
)

// settlement is how one delivery leaves the pipeline, as a value: settle carries it out. There is one constructor for each ending
// and no other way to make one, so the endings can be enumerated.
type settlement struct {
	answer answer
	burn   bool          // the attempt is used up
	final  bool          // the event is the job's last
	once   bool          // no event where one with the same code was told before
	told   bool          // due is in the event, as retry_at
	maybe  bool          // the message may have been sent through via
	delay  time.Duration // with giveBack

	phase Phase     // of the claim record from now on; empty: the record is left as it is
	state job.State // of the event; empty: none
	code  job.Code  // of the event's error; empty: none
	words string    // of the event's error
	reply reply
	due   time.Time // with Waiting: when LATER gives it back

	via   string   // the account that reply is of; empty: none was asked
	again *Record  // the settlement of an earlier delivery, to be carried out once more
	to    *account // with keepOn
}

// reply is what the event tells of the provider's result: many of them wait to be told, so it is no more than that.
type reply struct {
	id, status     string
	cost, currency string
	segments       int
	recipients     int
}

func replyOf(r providers.Result) reply {
	return reply{id: r.ID, status: r.Status, cost: r.Cost, currency: r.Currency, segments: r.Segments, recipients: r.Recipients}
}

// refuse ends what is not a job. Its id, if any, stays free.
func refuse(code job.Code, words string) settlement {
	return settlement{state: job.Rejected, final: true, code: code, words: words}
}

// suppress ends a publication whose id was spent by another; with code where the content differs.
func suppress(code job.Code, words string) settlement {
	return settlement{state: job.Duplicate, code: code, words: words}
}

// forget ends a copy of a job that another stored message carries on.
func forget() settlement { return settlement{} }

// repeat carries an earlier settlement out once more: its answer, or the worker that was to give it, was lost.
func repeat(found Record) settlement { return settlement{again: &found} }

// comeBack gives a job back that somebody else works on.
func comeBack(delay time.Duration) settlement { return settlement{answer: giveBack, delay: delay} }

// wait gives a claimed job back since no account can take it now, and says why, once for each cause. phase is Claimed, or Sending
// where it may have been sent before.
func wait(phase Phase, code job.Code, words string, delay time.Duration) settlement {
	return settlement{answer: giveBack, delay: delay, phase: phase, state: job.Waiting, code: code, words: words, once: true}
}

// move hands a claimed job to another account of its route. phase is as in wait.
func move(phase Phase, to *account) settlement {
	return settlement{answer: keepOn, phase: phase, to: to}
}

// schedule holds a job until its send_at.
func schedule(due time.Time) settlement {
	return settlement{phase: Waiting, state: job.Scheduled, due: due}
}

// retry holds a job until its next attempt; burn tells whether this one counts.
func retry(r providers.Result, due time.Time, burn bool) settlement {
	return settlement{phase: Waiting, burn: burn, state: job.Retrying, reply: replyOf(r), code: job.Code(r.Code), words: r.Message, due: due, told: true}
}

// submitted ends a job that the provider took; final where the account can't tell more.
func submitted(r providers.Result, final bool) settlement {
	return settlement{phase: Concluded, state: job.Submitted, final: final, reply: replyOf(r), burn: true}
}

// reject ends a job that its provider, or every account of its route, will never take.
func reject(r providers.Result) settlement {
	return settlement{phase: Concluded, state: job.Rejected, final: true, reply: replyOf(r), code: job.Code(r.Code), words: r.Message, burn: true}
}

// expire ends a job whose expires_at passed before it was sent.
func expire(words string) settlement {
	return settlement{phase: Concluded, state: job.Expired, final: true, code: job.CodeExpired, words: words}
}

// fail ends a job whose attempts are used up, with a dead letter.
func fail(r providers.Result) settlement {
	return settlement{phase: Dead, state: job.Failed, final: true, reply: replyOf(r), code: job.Code(r.Code), words: r.Message, burn: true}
}

// unknown ends a job that may have been sent and must not be sent again, with a dead letter.
func unknown(r providers.Result) settlement {
	return settlement{phase: Dead, state: job.Unknown, final: true, reply: replyOf(r), code: job.Ambiguous, words: r.Message, burn: true}
}
