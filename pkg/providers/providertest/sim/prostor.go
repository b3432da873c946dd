package sim

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"
)

// The limits and names of Prostor's document.
const (
	prostorSend     = "/messages/v2/send.json"
	prostorStatus   = "/messages/v2/status.json"
	prostorQueue    = "/messages/v2/statusQueue.json"
	prostorBalance  = "/messages/v2/balance.json"
	prostorSenders  = "/messages/v2/senders.json"
	prostorVersion  = "/messages/v2/version.json/"
	prostorMaxBatch = 200
	prostorMaxAsk   = 200
	prostorMaxRead  = 1000
	// ProstorMsgCost is what Prostor's simulator charges for a segment, in hundredths of a rouble.
	ProstorMsgCost = 235
)

// Prostor simulates the messages JSON API, version 2, of Prostor SMS. Where the document leaves a choice, it takes
// every one in turn: rows stand in reverse, clientId comes back in either case or not at all, smscId is a string or a number above
// int32, amounts and the version likewise, ok is Latin or Cyrillic, an empty queue says so in its status or in its description.
type Prostor struct {
	*Server
	*statuses
	login, password string

	smscID  atomic.Int64
	packets atomic.Int64
	turn    atomic.Int64 // of the answers to questions

	mu       sync.Mutex
	metered  bool
	balance  int64           // hundredths of a rouble
	purses   string          // JSON in place of the balance; empty: the truth
	senders  []ProstorSender // nil: every one
	speaking string          // the version
}

// plenty is what an account has that isn't metered, in hundredths of a rouble.
const plenty = 100_000_000_000

// NewProstor makes a simulator with one account, unlimited money and every sender. It isn't listening yet.
func NewProstor(login, password string) *Prostor {
	p := &Prostor{statuses: newStatuses("queued", "delivered"), login: login, password: password, balance: plenty, speaking: "2"}
	p.smscID.Store(2592608030)
	p.Server = New(p)
	return p
}

// SetBalance gives the account so many hundredths of a rouble, and an end to them.
func (p *Prostor) SetBalance(hundredths int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.metered, p.balance = true, hundredths
}

// Answer implements [Answerer].
func (p *Prostor) Answer(r Request) Answer {
	if r.Method != "POST" {
		p.Violate("%s %s: only POST is documented", r.Method, r.URL.Path)
		return prostorPlain("method not found")
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/json" && ct != "application/json; charset=utf-8" {
		p.Violate("content type %q", ct)
	}
	switch r.URL.Path {
	case prostorSend:
		return p.send(r)
	case prostorStatus:
		return p.status(r)
	case prostorQueue:
		return p.statusQueue(r)
	case prostorBalance, prostorSenders, prostorVersion:
		return p.account(r)
	default:
		p.Violate("path %q", r.URL.Path)
		return prostorPlain("method not found")
	}
}

// Question implements [Questioner].
func (p *Prostor) Question(r *http.Request) bool {
	switch r.URL.Path {
	case prostorStatus, prostorQueue, prostorBalance, prostorSenders, prostorVersion:
		return true
	}
	return false
}

func prostorPlain(words string) Answer {
	return Answer{ContentType: "text/plain", Body: []byte(words)}
}

func prostorError(description string) Answer {
	b, _ := jsontext.AppendQuote([]byte(`{"status":"error","description":`), description) // fails on broken UTF-8 only, which it replaces
	return Answer{Body: append(b, '}')}
}

// authorized checks what every request carries.
func (p *Prostor) authorized(login, password *string) (Answer, bool) {
	switch {
	case login == nil:
		p.Violate("no login")
		return prostorError("absent required param: login"), false
	case password == nil:
		p.Violate("no password")
		return prostorError("absent required param: password"), false
	case *login != p.login || *password != p.password:
		return prostorError("error authorization"), false
	}
	return Answer{}, true
}

// charge takes the price of a message from the balance, if there is enough.
func (p *Prostor) charge(segments int) (ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	price := int64(segments) * ProstorMsgCost
	if p.metered && p.balance < price {
		return false
	}
	p.balance -= price
	return true
}

// balanceNow is the balance as a reply shows it.
func (p *Prostor) balanceNow() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return roubles(p.balance)
}

func roubles(hundredths int64) string { return string(appendRoubles(nil, hundredths)) }

// appendRoubles is for what is written for each message: what the simulator takes is taken from whatever is measured with it.
func appendRoubles(b []byte, hundredths int64) []byte {
	if hundredths < 0 {
		b, hundredths = append(b, '-'), -hundredths
	}
	b = append(strconv.AppendInt(b, hundredths/100, 10), '.')
	return append(b, byte('0'+hundredths/10%10), byte('0'+hundredths%10))
}
