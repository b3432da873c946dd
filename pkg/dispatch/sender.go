package dispatch

import (
	"context"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// checkSender notes which accounts can't send the job under its sender. Where none can, a publication that comes for the first time is refused on
// admission. Any other one may be known to the claims, and even have been sent: it is ended under a claim.
func (it *item) checkSender(ctx context.Context) {
	why, able := "", false
	for _, a := range it.route.accounts {
		if !a.carries(&it.job) {
			continue
		}
		fault := ""
		if a.SenderFault != nil {
			fault = a.SenderFault(ctx, it.sender(a))
		}
		if fault == "" {
			able = true
			continue
		}
		o := it.object()
		o.barred = append(o.barred, a)
		if why == "" {
			why = "account " + a.Name + ": " + fault
		}
	}
	switch d := &it.delivery; {
	case able:
	case d.Redelivered || d.Hop > 0 || d.Epoch > 0:
		it.object().unusable = why
	default:
		it.refused = &job.Error{Code: job.InvalidSender, Field: "sender", Problem: why}
	}
}

// senderless ends a claimed job that no account can send under its sender.
func (it *item) senderless() settlement {
	if it.ambiguous() {
		return it.lost("it may have been sent, and can't be sent again: " + it.unusable())
	}
	return reject(providers.Result{Outcome: providers.Rejected, Code: providers.InvalidSender, Message: it.unusable()})
}
