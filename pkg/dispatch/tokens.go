package dispatch

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// How long before they are good tokens may be reserved by jobs that aren't urgent: half of it, where all come at their turns. That is the time to claim
// in, as long as claims took of late, and the longest that an urgent job can be kept waiting.
const (
	aheadLeast = 10 * time.Millisecond
	aheadMost  = 30 * time.Millisecond
)

// urgentAhead is the same for urgent jobs, which nothing overtakes.
const urgentAhead = 20 * time.Millisecond

// reaskAfter is how long it takes at most until a limit that was raised meanwhile is noticed.
const reaskAfter = time.Second

// stale is the age of tokens that aren't used any more: those of a packet whose claims took longer than the wait for its tokens. By so much a
// request may be late, and the next one on time.
const stale = 10 * time.Millisecond

// staleUrgent is the same for a few urgent jobs, no more than the rate gives in the time of stale: changed tokens would lie behind those that bulk has
// reserved meanwhile.
const staleUrgent = 50 * time.Millisecond

// limited tells whether the limiter has a rate for the account.
func (a *account) limited() bool { return a.Rate > 0 }

// reserve gets tokens for the packet and notes when they are good, and when it is this worker's turn to ask again. A packet that isn't urgent asks
// at its turn alone.
func (a *account) reserve(ctx context.Context, r *request) (Tokens, error) {
	if !a.limited() {
		r.asked = time.Now()
		r.good = r.asked
		return Tokens{OK: true}, nil
	}
	mayWait, turn := min(max(aheadLeast, 2*time.Duration(a.claiming.Load())), aheadMost), Later
	switch {
	case r.items[0].delivery.Address.Lane == job.Urgent:
		mayWait, turn = urgentAhead, NoTurn
	case a.shelf.more(r.items) && (a.spare() || time.Duration(a.took.Load()) <= a.distance):
		turn = Again // there will be jobs, and a place for their request
	}
	r.asked = time.Now()
	t, err := a.line.limiter.Reserve(ctx, a.Name, len(r.items), mayWait, turn)
	now := time.Now()
	r.good = now.Add(t.Wait)
	if turn != NoTurn && err == nil {
		a.distance = t.Turn
		a.turn, a.turnRate = now.Add(t.Turn), a.rate()
	}
	return t, err
}

// rate is the rate in force, messages a second.
func (a *account) rate() float64 {
	if a.Limit == nil {
		return a.Rate
	}
	rate, _ := a.Limit()
	return rate
}

// soon is how long to wait at most where the limit may be changed meanwhile.
func (a *account) soon(wait time.Duration) time.Duration {
	if a.Limit != nil {
		return min(wait, reaskAfter)
	}
	return wait
}

// refund gives back tokens that weren't used. Lost ones only leave a gap in the rate.
func (a *account) refund(n int) {
	if n == 0 || !a.limited() {
		return
	}
	if err := a.line.limiter.Refund(a.line.hard, a.Name, n); err != nil {
		a.log.Debug("tokens not refunded", zap.Int("tokens", n), zap.Error(err))
	}
}

// inTime waits until the tokens of a claimed packet are good, and tells whether its n messages may be sent then: the request has its time before the
// deadline, a probe is still this worker's, and the tokens are fresh. Those of a time past are changed for others, since to use them would exceed the rate.
func (a *account) inTime(ctx context.Context, r request, n int, deadline time.Time) bool {
	if sleep(a.line.hard, time.Until(r.good)) != nil {
		return false
	}
	late := time.Since(r.good)
	fresh := !a.limited() || late <= stale ||
		late <= staleUrgent && r.items[0].delivery.Address.Lane == job.Urgent && float64(n) <= a.rate()*stale.Seconds()
	if !fresh {
		a.refund(n)
		t, err := a.line.limiter.Reserve(ctx, a.Name, n, time.Second, NoTurn)
		if err != nil || !t.OK {
			return false
		}
		fresh = sleep(ctx, t.Wait) == nil
	}
	if fresh && time.Until(deadline) >= a.needs() && (r.ticket == "" || late <= probeMargin) {
		return true
	}
	a.refund(n)
	return false
}
