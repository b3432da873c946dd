package dispatch

import (
	"context"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// route is a configured route with its accounts.
type route struct {
	Route
	accounts []*account // in the order in which they are tried
}

// accepts tells whether any account of the route has what the job needs.
func (r *route) accepts(j *job.Job) error {
	for _, a := range r.accounts {
		if a.carries(j) {
			return nil
		}
	}
	p := &job.Error{Code: job.InvalidJob, Field: "channel", Problem: "no account of route " + r.Name + " carries " + string(j.Channel)}
	if j.Audience != nil {
		p.Problem += " to an audience"
	}
	return p
}

// carries tells whether the account has the job's channel and way of addressing.
func (a *account) carries(j *job.Job) bool {
	return a.Traits.Carries(providers.Channel(j.Channel)) && a.Traits.ByQuery == (j.Audience != nil)
}

// sole is the name of the only account that can have had the job; empty where there are several.
func (r *route) sole(j *job.Job) string {
	name := ""
	for _, a := range r.accounts {
		if !a.carries(j) {
			continue
		}
		if name != "" {
			return ""
		}
		name = a.Name
	}
	return name
}

// choose returns the account that is to take the job now: the pinned one, else the first that carries it, wasn't
// asked in this round and isn't paused. nil: none can now; then cause and delay tell why and when to ask again.
func (r *route) choose(it *item, now time.Time) (a *account, cause job.Code, words string, delay time.Duration) {
	for _, a := range r.accounts {
		if (it.pinned != nil && a != it.pinned) || it.wasAsked(a) || !a.carries(it.job) {
			continue
		}
		until, c, w, paused := a.health.paused(now)
		if !paused {
			return a, "", "", 0
		}
		if cause == "" {
			cause, words, delay = c, w, until.Sub(now)
		}
		delay = min(delay, until.Sub(now))
	}
	return nil, cause, words, delay
}

// schedulesNatively tells whether the account that would take the job now holds it until its send_at by itself.
func (r *route) schedulesNatively(it *item) bool {
	for _, a := range r.accounts {
		if a.carries(it.job) {
			return a.NativeSchedule
		}
	}
	return false
}

// open tells whether any account of the route is asked at present; if not, when the first will be again.
func (r *route) open(now time.Time) (reopens time.Time, ok bool) {
	for _, a := range r.accounts {
		until, _, _, paused := a.health.paused(now)
		if !paused {
			return time.Time{}, true
		}
		if reopens.IsZero() || until.Before(reopens) {
			reopens = until
		}
	}
	return reopens, false
}

// awaitOpen returns nil when the route is open, or ctx's error.
func (r *route) awaitOpen(ctx context.Context) error {
	for {
		reopens, ok := r.open(time.Now())
		if ok {
			return ctx.Err()
		}
		if err := sleep(ctx, time.Until(reopens)); err != nil {
			return err
		}
	}
}

// whileOpen returns a context that ends when no account of the route is open any more.
func (r *route) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	for _, a := range r.accounts {
		go func() {
			for {
				changed := a.health.change()
				if _, ok := r.open(time.Now()); !ok {
					cancel()
				}
				select {
				case <-ctx.Done():
					return
				case <-changed:
				}
			}
		}()
	}
	return ctx, cancel
}

// sleep waits for d or the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
