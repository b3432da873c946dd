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
	accounts  []*account // in the order in which they are tried
	unclaimed Claim      // of the jobs that aren't claimed; nobody writes to it
	anew      Claim      // of those that were taken and had no record; likewise
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

// choose returns the account that is to take the job now: the pinned one, else the first that carries it, has its sender, wasn't asked in this round
// and takes jobs. nil: none can now; why says the state of the first of them.
func (r *route) choose(it *item, now time.Time) (a *account, why *AccountState) {
	lane := it.delivery.Address.Lane
	for _, a := range r.accounts {
		if (it.pinned != nil && a != it.pinned) || it.wasAsked(a) || !a.carries(&it.job) || (it.pinned == nil && it.isBarred(a)) {
			continue
		}
		if a.health.takes(now, lane) {
			return a, nil
		}
		if why == nil {
			why = a.health.why(now, lane)
		}
	}
	return nil, why
}

// waitAtMost is how long a job is given back for that no account can take, while the route's other jobs go on.
const waitAtMost = 5 * time.Second

// comeBack is how long a job is given back for that no account can take: where none takes any job of its lane, nothing is pulled, and it can come
// as soon as one does.
func (r *route) comeBack(now time.Time, lane job.Lane) time.Duration {
	if r.usable(now, lane) {
		return waitAtMost
	}
	return lookEvery
}

// schedulesNatively tells whether the account that would take the job now holds it until its send_at by itself.
func (r *route) schedulesNatively(it *item) bool {
	for _, a := range r.accounts {
		if a.carries(&it.job) && !it.isBarred(a) {
			return a.NativeSchedule
		}
	}
	return false
}

// usable tells whether any account of the route takes jobs of the lane at present.
func (r *route) usable(now time.Time, lane job.Lane) bool {
	for _, a := range r.accounts {
		if a.health.takes(now, lane) {
			return true
		}
	}
	return false
}

// awaitUsable returns nil when the route is usable for the lane, or ctx's error.
func (r *route) awaitUsable(ctx context.Context, lane job.Lane, changes *signal) error {
	tick := time.NewTicker(lookEvery) // that an account is due is no change
	defer tick.Stop()
	for {
		changed := changes.changed()
		if r.usable(time.Now(), lane) {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-tick.C:
		}
	}
}

// whileUsable returns a context that ends when the route isn't usable for the lane any more.
func (r *route) whileUsable(ctx context.Context, lane job.Lane, changes *signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		for {
			changed := changes.changed()
			if !r.usable(time.Now(), lane) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
		}
	}()
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
