package dispatch

import (
	"errors"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// admit makes a delivery a job in hand. It looks at nothing but the delivery: what is no job is told so by item.refused.
func admit(d Delivery, r *route, region string) *item {
	it := &item{delivery: d, route: r, claim: &r.unclaimed}
	err := it.job.DecodeInPlace(d.Data, region)
	if err == nil {
		err = r.accepts(&it.job)
	}
	if err == nil && !job.ValidToken(d.Address.Tenant) {
		err = &job.Error{Code: job.InvalidJob, Field: "subject", Problem: "the tenant is not a valid token: use a-z, 0-9 and -, at most 32"}
	}
	if err != nil {
		var refused *job.Error
		if !errors.As(err, &refused) {
			refused = &job.Error{Code: job.InvalidJob, Problem: err.Error()}
		}
		it.refused = refused
		return it
	}
	it.hash = it.job.Hash()
	return it
}

// due tells until when the job is to be held; ok is false where it can go on now.
func (it *item) due(now time.Time) (at time.Time, ok bool) {
	if it.job.SendAt.IsZero() || !it.job.SendAt.After(now) || it.route.schedulesNatively(it) {
		return time.Time{}, false
	}
	return it.job.SendAt, true
}
