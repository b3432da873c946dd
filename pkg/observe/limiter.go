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
func (l *countedLimiter) Reserve(ctx context.Context, name string, n int, maxWait time.Duration, turn dispatch.Turn) (dispatch.Tokens, error) {
	a := l.accounts[name]
	a.askedAgain(time.Now())
	t, err := l.Limiter.Reserve(ctx, name, n, maxWait, turn)
	if err != nil {
		return t, err
	}
	pause := t.Turn
	if t.OK {
		a.tokens.Add(int64(n))
		a.waits(t.Wait)
		pause -= t.Wait // that packet waits itself
	} else {
		pause = max(pause, t.Wait)
	}
	a.pausedFor(time.Now(), pause)
	return t, nil
}

// Refund implements [dispatch.Limiter].
func (l *countedLimiter) Refund(ctx context.Context, name string, n int) error {
	err := l.Limiter.Refund(ctx, name, n)
	if err == nil {
		l.accounts[name].tokens.Add(int64(-n))
	}
	return err
}

// pausedFor notes that no tokens are to be asked for, for some time to come.
func (a *account) pausedFor(now time.Time, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paused, a.pause = now, d
}

// askedAgain ends the wait that an answer began. It lasted no longer than the limiter wanted it to: what came after that was no wait for tokens.
func (a *account) askedAgain(now time.Time) {
	a.mu.Lock()
	since := a.paused
	d := min(now.Sub(since), a.pause)
	a.paused = time.Time{}
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
