package mysmpp

import (
	"cmp"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// validityLayout is the document's YYYY-MM-DD HH:MM:SS.
const validityLayout = time.DateTime

// credentials are what every request carries: login and password, or a token.
type credentials struct {
	Login    string `json:"login,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"`
}

// packet is the body of a send request.
type packet struct {
	credentials
	Message []group `json:"message"`
}

// group is one text of one sender to many phones.
type group struct {
	Type   string  `json:"type_send_1"` // sms or viber
	Sender string  `json:"sender"`
	Text   string  `json:"text"`
	Phones []phone `json:"phones"`
}

// phone is one recipient. The document calls number and id integers and quotes them in its example: both are sent quoted.
type phone struct {
	Phone          string `json:"phone"`         // digits only
	ClientIDSMS    string `json:"client_id_sms"` // digits; a repeat isn't sent again
	ValidityPeriod string `json:"validity_period,omitempty"`
}

// plan is what becomes of a batch: the groups to ask for, and the results known without asking.
type plan struct {
	groups []group
	// order tells which message each phone of the packet stands for: the reply is a flat list in the order of the
	// phones, over all groups, with neither phone nor client id.
	order   []int
	results []providers.Result // one a message; still to be filled in where order names it
}

// newPlan groups the messages by channel, sender and text. Groups stand in the order of their first message, and
// messages keep their order within a group.
func newPlan(msgs []providers.Message, sender string, zone *time.Location, now time.Time) plan {
	type groupKey struct {
		channel      providers.Channel
		sender, text string
	}
	p := plan{results: make([]providers.Result, len(msgs))}
	at := map[groupKey]int{}
	var members [][]int
	for i, m := range msgs {
		m.Sender = cmp.Or(m.Sender, sender)
		ph, refusal := newPhone(m, zone, now)
		if refusal != nil {
			p.results[i] = *refusal
			continue
		}
		k := groupKey{m.Channel, m.Sender, m.Text}
		g, seen := at[k]
		if !seen {
			g = len(p.groups)
			at[k] = g
			p.groups = append(p.groups, group{Type: string(m.Channel), Sender: m.Sender, Text: m.Text})
			members = append(members, nil)
		}
		p.groups[g].Phones = append(p.groups[g].Phones, ph)
		members[g] = append(members[g], i)
	}
	for _, g := range members {
		p.order = append(p.order, g...)
	}
	return p
}

// newPhone is the message's entry in the packet, or why it is not asked for.
func newPhone(m providers.Message, zone *time.Location, now time.Time) (phone, *providers.Result) {
	reject := func(code providers.Code, why string) (phone, *providers.Result) {
		return phone{}, &providers.Result{Outcome: providers.Rejected, Code: code, Message: why}
	}
	number := strings.TrimPrefix(m.To, "+")
	switch {
	case m.Channel != providers.SMS && m.Channel != providers.Viber:
		return reject(providers.InvalidContent, "this provider carries sms and viber only")
	case m.To == "" && m.Audience != nil:
		return reject(providers.InvalidRecipient, "this provider addresses by phone, not by query")
	case number == "" || strings.Trim(number, "0123456789") != "":
		return reject(providers.InvalidRecipient, "the recipient is not a phone number")
	case m.Sender == "":
		return reject(providers.InvalidSender, "this provider requires a sender: neither the message nor the account has one")
	}
	validity, late := validityPeriod(m.ExpiresAt, zone, now)
	if late {
		return phone{}, &providers.Result{Outcome: providers.Unavailable, Code: providers.CodeUnavailable,
			Message: "the message expires before it can be sent"}
	}
	return phone{Phone: number, ClientIDSMS: providers.DecimalID(m.Key), ValidityPeriod: validity}, nil
}

// validityPeriod is the moment after which the provider shall give up, on the account's clock, to the second below.
// A message whose last second has begun is late: it is not sent, since neither a validity in the past nor a message
// without one would do, and package dispatch ends it as expired when it looks at it again. Empty: no validity,
// either because the message has none or because the account's clock can't name it: in the hour that a clock set
// back repeats, the wall time of a future moment may already be past.
func validityPeriod(expires time.Time, zone *time.Location, now time.Time) (validity string, late bool) {
	if expires.IsZero() {
		return "", false
	}
	if expires.Unix() <= now.Unix() {
		return "", true
	}
	v := expires.In(zone).Format(validityLayout)
	if v <= now.In(zone).Format(validityLayout) {
		return "", false
	}
	return v, false
}
