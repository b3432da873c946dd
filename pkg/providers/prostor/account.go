package prostor

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/providers"
)

// version is the one of the API that this package is written for.
const version = "2"

// purse is one entry of the balance. A bare amount reads as a purse without credit and type.
type purse struct {
	Balance providers.Scalar `json:"balance"` // "0.00" or -508784
	Credit  providers.Scalar `json:"credit"`  // 0.0 or 1000000
	Type    providers.Scalar `json:"type"`    // RUB or SMS
}

// UnmarshalJSONFrom reads an object or a bare amount.
func (p *purse) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if kind := dec.PeekKind(); kind == '"' || kind == '0' {
		return json.UnmarshalDecode(dec, &p.Balance)
	}
	type object purse
	return json.UnmarshalDecode(dec, (*object)(p))
}

// Balance implements [providers.Balancer]. A purse whose amount can't be read is left out, unless there is no other.
func (p *provider) Balance(ctx context.Context) ([]providers.Balance, error) {
	a := p.ask(ctx, balancePath, question{})
	if !a.answered() {
		return nil, p.refusal(a)
	}
	balances := make([]providers.Balance, 0, len(a.Balance))
	for _, purse := range a.Balance {
		if amount := purse.Balance.Amount(); amount != "" {
			balances = append(balances, providers.Balance{Amount: amount, Credit: purse.Credit.Amount(),
				Unit: providers.Redact(string(purse.Type), p.secrets()...)})
		}
	}
	if len(balances) == 0 && (a.Balance == nil || len(a.Balance) > 0) {
		return nil, unreadable("the reply has no balance that can be read")
	}
	return balances, nil
}

// senderEntry is one entry of the senders' list.
type senderEntry struct {
	Status providers.Scalar `json:"status"`
	Info   providers.Scalar `json:"info"`
	Name   providers.Scalar `json:"name"`
}

// Senders implements [providers.SenderLister]. Names are given back byte for byte; those without a name are left out.
func (p *provider) Senders(ctx context.Context) ([]providers.Sender, error) {
	a := p.ask(ctx, sendersPath, question{})
	switch {
	case !a.answered():
		return nil, p.refusal(a)
	case a.Senders == nil:
		return nil, unreadable("the reply has no list of senders")
	}
	senders := make([]providers.Sender, 0, len(a.Senders))
	for _, entry := range a.Senders {
		if entry.Name == "" {
			continue
		}
		status := strings.ToLower(strings.TrimSpace(string(entry.Status)))
		senders = append(senders, providers.Sender{
			Name:   string(entry.Name),
			Status: providers.Redact(status, p.secrets()...),
			Info:   providers.Redact(string(entry.Info), p.secrets()...),
			Usable: status == "active" || status == "default",
		})
	}
	return senders, nil
}

// Version implements [providers.Versioner].
func (p *provider) Version(ctx context.Context) (got, want string, err error) {
	a := p.ask(ctx, versionPath, question{})
	if !a.answered() {
		return "", version, p.refusal(a)
	}
	if got = providers.Redact(string(a.Version), p.secrets()...); got == "" {
		return "", version, unreadable("the reply has no version")
	}
	return got, version, nil
}
