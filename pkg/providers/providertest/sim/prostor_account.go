package sim

import (
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ProstorSender is an entry of the account's list of senders.
type ProstorSender struct{ Name, Status, Info string }

// SetSenders makes every other sender invalid. Leaving a message's sender out stays allowed.
func (p *Prostor) SetSenders(names ...string) {
	list := make([]ProstorSender, len(names))
	for i, n := range names {
		list[i] = ProstorSender{Name: n, Status: "active"}
	}
	p.ListSenders(list...)
}

// ListSenders is SetSenders with every sender's status; only active and default ones may be used.
func (p *Prostor) ListSenders(list ...ProstorSender) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.senders = append([]ProstorSender{}, list...)
}

// ShowBalance makes balance.json answer with this JSON, whatever the account has; empty: the truth again.
func (p *Prostor) ShowBalance(json string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.purses = json
}

// SetVersion is what version.json answers.
func (p *Prostor) SetVersion(v string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speaking = v
}

func (p *Prostor) senderAllowed(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.senders {
		if s.Name == name {
			return s.Status == "active" || s.Status == "default"
		}
	}
	return p.senders == nil
}

type prostorAccount struct {
	Login    *string `json:"login"`
	Password *string `json:"password"`
}

// account answers balance.json, senders.json and version.json, which ask for nothing but the account.
func (p *Prostor) account(r Request) Answer {
	var q prostorAccount
	if err := decodeStrict(r.Body, &q, math.MaxInt); err != nil {
		p.Violate("%s: %v", r.URL.Path, err)
		return prostorError("invalid request")
	}
	if a, ok := p.authorized(q.Login, q.Password); !ok {
		return a
	}
	turn := p.turn.Add(1)
	b := p.ok(turn)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case prostorBalance:
		b = append(append(b, `"balance":`...), p.purseList(turn)...)
	case prostorSenders:
		b = append(append(b, `"senders":`...), p.senderList()...)
	case prostorVersion:
		b = appendScalar(append(b, `"version":`...), p.speaking, turn%2 == 0)
	}
	return Answer{Body: append(b, '}')}
}

// ok begins a reply, in either alphabet.
func (p *Prostor) ok(turn int64) []byte {
	if turn%2 == 0 {
		return []byte(`{"status":"ок",`)
	}
	return []byte(`{"status":"ok",`)
}

// purseList is the balance in one of its forms. A metered account has roubles only.
func (p *Prostor) purseList(turn int64) string {
	amount := roubles(p.balance)
	switch {
	case p.purses != "":
		return p.purses
	case p.metered && turn%2 == 0:
		return fmt.Sprintf(`[{"credit":0.0,"balance":%q,"type":"RUB"}]`, amount)
	case p.metered:
		return fmt.Sprintf(`[{"type":"RUB","balance":%s}]`, amount)
	default:
		return fmt.Sprintf(`[{"credit":0.0,"balance":%q,"type":"RUB"},{"credit":1000000,"balance":-508784,"type":"SMS"}]`, amount)
	}
}

// senderList is the senders' list, or that of the document where every sender is allowed. Names of digits are now strings, now
// numbers.
func (p *Prostor) senderList() []byte {
	list := p.senders
	if list == nil {
		list = []ProstorSender{{"MyBrand", "active", ""}, {"3132018", "pending", ""}, {"MegaFon", "blocked", "bad name"}, {"TEST", "default", ""}}
	}
	b := []byte{'['}
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(append(b, `{"status":`...), s.Status) // fails on broken UTF-8 only, which it replaces
		b, _ = jsontext.AppendQuote(append(b, `,"info":`...), s.Info)     // likewise
		b = appendScalar(append(b, `,"name":`...), s.Name, i%2 == 1)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendScalar writes s as a number where that is wanted and possible, else as a string.
func appendScalar(b []byte, s string, number bool) []byte {
	if n, err := strconv.ParseInt(s, 10, 64); number && err == nil && strconv.FormatInt(n, 10) == s {
		return append(b, s...)
	}
	b, _ = jsontext.AppendQuote(b, s) // fails on broken UTF-8 only, which it replaces
	return b
}
