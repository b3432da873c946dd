package prostor

import "github.com/gonets/gonets/pkg/providers"

// statusAccepted is the API's word for a message that was taken.
const statusAccepted = "accepted"

// dictionary is the meaning of the API's texts, for a packet and for a row alike.
func dictionary() providers.Phrases {
	rejected := func(c providers.Code) providers.Verdict {
		return providers.Verdict{Outcome: providers.Rejected, Code: c}
	}
	of := func(o providers.Outcome) providers.Verdict { return providers.Verdict{Outcome: o} }
	return providers.NewPhrases(map[string]providers.Verdict{
		statusAccepted: of(providers.Submitted),

		"invalid mobile phone":   rejected(providers.InvalidRecipient),
		"sender address invalid": rejected(providers.InvalidSender),
		"text is empty":          rejected(providers.InvalidContent),
		"text must be string":    rejected(providers.InvalidContent),
		"wapurl invalid":         rejected(providers.InvalidContent),

		"not enough balance":  of(providers.InsufficientFunds),
		"not enough credits":  of(providers.InsufficientFunds),
		"error authorization": of(providers.Unauthorized),

		"invalid schedule time format": of(providers.Misconfigured),
		"invalid status queue name":    of(providers.Misconfigured),
		"absent required param":        of(providers.Misconfigured),
		"method not found":             of(providers.Misconfigured),
	})
}

// states is the meaning of the API's delivery statuses.
func states() providers.ReceiptWords {
	return providers.NewReceiptWords(map[string]providers.ReceiptState{
		statusAccepted:   providers.Pending,
		"queued":         providers.Pending,
		"smsc submit":    providers.Pending,
		"delivered":      providers.Delivered,
		"delivery error": providers.Undelivered,
		"smsc reject":    providers.Undelivered,
		"incorrect id":   providers.Untold,
	})
}
