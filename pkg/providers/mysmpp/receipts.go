package mysmpp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// asked is the question about one message. Each carries the credentials: a request is a list of them, and nothing else.
type asked struct {
	credentials
	ID     string `json:"id_sms"`
	Detail string `json:"detail"` // 1: with parts and price
}

// told is what the provider says of one message, in its reply to a question or in a post of its own.
type told struct {
	ID      json.RawMessage  `json:"id_sms"`
	State   providers.Scalar `json:"state"`
	Error   providers.Scalar `json:"error"`
	Changed providers.Scalar `json:"time_change_state"` // in a reply
	Time    providers.Scalar `json:"time"`              // in a post; empty with state send
	Parts   providers.Scalar `json:"num_parts"`
	Price   providers.Scalar `json:"price"` // of one part
}

// AskReceipts implements [providers.ReceiptAsker]. A message without an id of the provider's is left out of the question.
func (p *provider) AskReceipts(ctx context.Context, sent []providers.Sent) ([]providers.Receipt, error) {
	if len(sent) > maxAsk {
		return nil, &providers.Refusal{Outcome: providers.Misconfigured,
			Message: fmt.Sprintf("%d messages in one question, %d are allowed", len(sent), maxAsk)}
	}
	var question []asked
	ours := make(map[string]bool, len(sent))
	for _, s := range sent {
		if validID(s.ID) && !ours[s.ID] {
			ours[s.ID] = true
			question = append(question, asked{p.credentials(), s.ID, "1"})
		}
	}
	if len(question) == 0 {
		return nil, nil
	}
	r := p.ask(ctx, statePath, question)
	rows, ok := toldRows(r.Body)
	if !ok || !understood(r) {
		return nil, p.reader.refusal(r)
	}
	byID := make(map[string]providers.Receipt, len(rows))
	var fault error
	for _, row := range rows {
		receipt, problem, ok := p.receipt(row)
		switch {
		case problem != "":
			fault = p.reader.refusalOf(r, problem)
		case ok && ours[receipt.ID]:
			byID[receipt.ID] = receipt
		}
	}
	if len(byID) == 0 && fault != nil {
		return nil, fault
	}
	receipts := make([]providers.Receipt, 0, len(byID))
	for _, receipt := range byID {
		receipts = append(receipts, receipt)
	}
	return receipts, nil
}

// errNoPost is why a body that was posted to us is none of the provider's.
var errNoPost = errors.New("not a list of states: the body must be a JSON array of objects with id_sms, time and state")

// HookReceipts implements [providers.ReceiptHook]. The answer is a list of {"id_sms": …}, each as it came: what isn't among them the provider
// posts again, five times in all.
func (p *provider) HookReceipts(body []byte) (receipts []providers.Receipt, answer []byte, err error) {
	rows, ok := toldRows(body)
	if !ok {
		return nil, nil, errNoPost
	}
	answer = []byte{'['}
	for _, row := range rows {
		receipt, _, ok := p.receipt(row)
		if !ok {
			continue
		}
		receipts = append(receipts, receipt)
		if len(answer) > 1 {
			answer = append(answer, ',')
		}
		answer = append(append(append(answer, `{"id_sms":`...), row.ID...), '}')
	}
	if len(rows) > 0 && len(receipts) == 0 {
		return nil, nil, errNoPost
	}
	return receipts, append(answer, ']'), nil
}

// ClientID implements [providers.ClientIDs]. The provider knows a message by it, but doesn't echo it in receipts.
func (p *provider) ClientID(key [32]byte) string { return providers.DecimalID(key) }

// toldRows reads a list of objects. What isn't an object in it reads as a row about nobody.
func toldRows(body []byte) (rows []told, ok bool) {
	var list []json.RawMessage
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '[' || json.Unmarshal(body, &list) != nil {
		return nil, false
	}
	rows = make([]told, len(list))
	for i, raw := range list {
		if json.Unmarshal(raw, &rows[i]) != nil {
			rows[i] = told{}
		}
	}
	return rows, true
}

// receipt is what a row says of a message, or a problem that is about the question instead. Neither: nothing.
func (p *provider) receipt(row told) (r providers.Receipt, problem string, ok bool) {
	var id providers.Scalar
	if err := id.UnmarshalJSON(row.ID); err != nil {
		id = ""
	}
	word, state, known := p.reader.states.Find(string(row.State), p.reader.secrets...)
	if word == "" {
		return r, strings.TrimSpace(string(row.Error)), false
	}
	if !known {
		if v, ours := p.reader.meanings.Find(string(row.State)); ours && v.Outcome.PausesAccount() {
			return r, string(row.State), false
		}
		state = providers.Untold // the provider's words for a message that came to nothing it has a state for
	}
	if r.ID = strings.TrimSpace(string(id)); !validID(r.ID) {
		return r, "", false
	}
	r.State, r.Status = state, word
	r.Segments = row.Parts.Count()
	r.Cost = times(row.Price.Amount(), r.Segments)
	r.At = p.moment(row)
	return r, "", true
}

// moment is when the state changed, on the account's clock.
func (p *provider) moment(row told) time.Time {
	for _, s := range []providers.Scalar{row.Changed, row.Time} {
		if at, err := time.ParseInLocation(time.DateTime, strings.TrimSpace(string(s)), p.zone); err == nil {
			return at
		}
	}
	return time.Time{}
}

// times is a decimal price of one part for n of them, with the price's own decimals. Empty where either isn't told.
func times(price string, n int) string {
	if price == "" || n == 0 {
		return ""
	}
	whole, fraction, _ := strings.Cut(price, ".")
	units, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return ""
	}
	sign, digits := "", units.Mul(units, big.NewInt(int64(n))).String()
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if fraction == "" {
		return sign + digits
	}
	if missing := len(fraction) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - len(fraction)
	return sign + digits[:point] + "." + digits[point:]
}
