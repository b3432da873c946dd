package observe

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// countedLimiter measures how long packets wait for tokens, and how many they use.
type countedLimiter struct {
	dispatch.Limiter
	accounts map[string]*account
}

// Reserve implements [dispatch.Limiter].
func (l *countedLimiter) Reserve(ctx context.Context, name string, n int, maxWait time.Duration) (time.Duration, bool, error) {
	a := l.accounts[name]
	a.askedAgain(time.Now())
	wait, ok, err := l.Limiter.Reserve(ctx, name, n, maxWait)
	switch {
	case err != nil:
	case ok:
		a.tokens.Add(int64(n))
		a.waits(wait)
	default:
		a.refusedFor(time.Now(), wait)
	}
	return wait, ok, err
}

// Refund implements [dispatch.Limiter].
func (l *countedLimiter) Refund(ctx context.Context, name string, n int) error {
	err := l.Limiter.Refund(ctx, name, n)
	if err == nil {
		l.accounts[name].tokens.Add(int64(-n))
	}
	return err
}

// refusedFor notes that tokens were refused, for some time to come.
func (a *account) refusedFor(now time.Time, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused, a.pause = now, d
}

// askedAgain ends the wait that a refusal began. It lasted no longer than the limiter wanted it to: what came after that was no wait for tokens.
func (a *account) askedAgain(now time.Time) {
	a.mu.Lock()
	since := a.refused
	d := min(now.Sub(since), a.pause)
	a.refused = time.Time{}
	a.mu.Unlock()
	if !since.IsZero() {
		a.waits(d)
	}
}

func (a *account) waits(d time.Duration) {
	if d <= 0 {
		return
	}
	a.waited.Add(int64(d))
	a.wait.Add(d.Seconds())
}
