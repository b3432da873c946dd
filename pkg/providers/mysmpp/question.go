package mysmpp

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// The paths of questions, below the account's URL.
const (
	statePath   = "json/state.php"
	balancePath = "json/balance.php"
)

// ask makes the one request of a question.
func (p *provider) ask(ctx context.Context, path string, question any) providers.Reply {
	body, err := json.Marshal(question)
	if err != nil { // can't be: it is made of strings
		return providers.Reply{Fate: providers.NotSent, Err: err}
	}
	return p.endpoint.Post(ctx, path, contentType, body)
}

// understood tells whether a reply's body is worth reading.
func understood(r providers.Reply) bool {
	return r.Fate == providers.Answered && (r.Status < 300 || r.Status >= 400)
}

// refusal is why a question has no answer.
func (rd reader) refusal(r providers.Reply) error {
	var body reply
	if understood(r) && json.Unmarshal(r.Body, &body) == nil {
		return rd.refusalOf(r, strings.TrimSpace(string(body.Error)))
	}
	return rd.refusalOf(r, "")
}

// refusalOf is what words about a question mean; where there are none, the way it failed or the status decides.
func (rd reader) refusalOf(r providers.Reply, words string) error {
	if words == "" {
		return r.Result(rd.secrets...).Refusal()
	}
	return rd.packetError(r, words, 1, rd.secrets).Refusal()
}

// remains is the reply to a question about the balance.
type remains struct {
	Error       providers.Scalar `json:"error"`
	Money       providers.Scalar `json:"money"`
	Currency    providers.Scalar `json:"currency"`
	Information json.RawMessage  `json:"information"`
}

// allowance is how many messages of a type to an area are left.
type allowance struct {
	Type  providers.Scalar `json:"type_sms"`
	Area  providers.Scalar `json:"area"`
	Count providers.Scalar `json:"num_sms"`
	Other providers.Scalar `json:"sms"` // the document's other name of the same
}

// Balance implements [providers.Balancer]: the money first, then the messages that are left, by type and area.
func (p *provider) Balance(ctx context.Context) ([]providers.Balance, error) {
	r := p.ask(ctx, balancePath, p.credentials())
	var body remains
	if !understood(r) || json.Unmarshal(r.Body, &body) != nil || body.Error != "" || r.Status >= 400 && body.Money == "" {
		return nil, p.reader.refusal(r)
	}
	unit := func(words ...providers.Scalar) string {
		var parts []string
		for _, w := range words {
			if w != "" {
				parts = append(parts, string(w))
			}
		}
		return providers.Redact(strings.Join(parts, " "), p.reader.secrets...)
	}
	var balances []providers.Balance
	if amount := body.Money.Amount(); amount != "" {
		balances = append(balances, providers.Balance{Amount: amount, Unit: unit(body.Currency)})
	}
	var list []allowance
	if json.Unmarshal(body.Information, &list) == nil {
		for _, left := range list {
			if amount := cmp.Or(left.Count, left.Other).Amount(); amount != "" {
				balances = append(balances, providers.Balance{Amount: amount, Unit: unit(left.Type, left.Area)})
			}
		}
	}
	if len(balances) == 0 {
		return nil, &providers.Refusal{Outcome: providers.Ambiguous, Message: "the reply has no balance that can be read"}
	}
	return balances, nil
}
