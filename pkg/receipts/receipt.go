package receipts

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// Receipt is a receipt as it is stored: without phone and text, its words masked. A state that isn't final isn't stored.
type Receipt struct {
	ID       string                 `json:"id,omitempty"`
	ClientID string                 `json:"client,omitempty"`
	State    providers.ReceiptState `json:"state"` // 1 delivered, 2 undelivered, 3 untold
	Status   string                 `json:"status,omitempty"`
	Segments int                    `json:"segments,omitzero"`
	Cost     string                 `json:"cost,omitempty"`
	Currency string                 `json:"currency,omitempty"`
	Came     time.Time              `json:"came"` // when we got it
}

const (
	// letterRows and letterBytes bound a letter; the server takes 1 MiB.
	letterRows  = 1000
	letterBytes = 512 << 10
	// maxID is the length of an id at most, in bytes; a longer one names nothing that was ever submitted.
	maxID = 128
	// maxWords is the length of the provider's words at most, in bytes.
	maxWords = 500
)

// known is a provider's receipt as it is stored; false: it says nothing that could be told.
func known(r providers.Receipt, now time.Time) (Receipt, bool) {
	if len(r.ID) > maxID {
		r.ID = ""
	}
	if len(r.ClientID) > maxID {
		r.ClientID = ""
	}
	if r.State <= providers.Pending || r.State > providers.Untold || r.ID == "" && r.ClientID == "" {
		return Receipt{}, false
	}
	return Receipt{ID: r.ID, ClientID: r.ClientID, State: r.State, Status: job.Mask(r.Status, maxWords),
		Segments: r.Segments, Cost: r.Cost, Currency: r.Currency, Came: now.UTC()}, true
}

// knownAll are the receipts among rows that say something.
func knownAll(rows []providers.Receipt, now time.Time) []Receipt {
	out := make([]Receipt, 0, len(rows))
	for _, r := range rows {
		if k, ok := known(r, now); ok {
			out = append(out, k)
		}
	}
	return out
}

// Rank is one digit: receipts of one message with a higher one say more.
func (r *Receipt) Rank() int {
	switch r.State {
	case providers.Delivered:
		return 3
	case providers.Undelivered:
		return 2
	default:
		return 1
	}
}

// letters packs receipts of an account. base makes their ids: the same for a repeat.
func letters(account, base string, receipts []Receipt) ([]Letter, error) {
	var out []Letter
	var data []byte
	rows := 0
	flush := func() {
		if rows > 0 {
			out = append(out, Letter{Account: account, ID: base + ":" + strconv.Itoa(len(out)), Data: append(data, ']')})
			data, rows = nil, 0
		}
	}
	for i := range receipts {
		row, err := receipts[i].Encode()
		if err != nil {
			return nil, fmt.Errorf("a receipt of account %s can't be written: %w", account, err)
		}
		if rows == letterRows || len(data)+len(row) > letterBytes {
			flush()
		}
		sep := byte(',')
		if rows == 0 {
			sep = '['
		}
		data = append(append(data, sep), row...)
		rows++
	}
	flush()
	return out, nil
}

// newID names what is stored together.
func newID() string { return rand.Text() }

// open reads a letter.
func open(data []byte) ([]Receipt, error) {
	var out []Receipt
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, errors.New("not a letter of receipts") // the library's words may quote it
	}
	for i := range out {
		if out[i].ID == "" && out[i].ClientID == "" || out[i].State <= providers.Pending || out[i].State > providers.Untold {
			return nil, errors.New("a receipt that names no message or no state")
		}
	}
	return out, nil
}

// Encode gives a receipt as it is stored.
func (r *Receipt) Encode() ([]byte, error) { return json.Marshal(r, jsontext.AllowInvalidUTF8(true)) }

// Decode reads what Encode gave.
func Decode(data []byte) (Receipt, error) {
	var r Receipt
	err := json.Unmarshal(data, &r)
	return r, err
}

// event is what a receipt makes of a message, but for its sequence.
func (r *Receipt) event(e *Entry, now time.Time) dispatch.Event {
	ev := *e.Event
	ev.At, ev.Final, ev.Error, ev.RetryAt, ev.Recipients = now.UTC().Truncate(time.Millisecond), true, nil, time.Time{}, 0
	ev.Hop, ev.Attempts, ev.Due, ev.Told, ev.Maybe = 0, 0, time.Time{}, nil, ""
	ev.ProviderStatus = r.Status
	if r.ID != "" {
		ev.ProviderID = r.ID
	}
	if r.Segments > 0 {
		ev.Segments = r.Segments
	}
	if r.Cost != "" {
		ev.Cost = r.Cost
	}
	if r.Currency != "" {
		ev.Currency = r.Currency
	}
	switch r.State {
	case providers.Delivered:
		ev.State = job.Delivered
	case providers.Undelivered:
		ev.State, ev.Error = job.Undelivered, &job.Reason{Code: job.Undeliverable, Message: r.Status}
	default:
		ev.State, ev.Error = job.Unknown, &job.Reason{Code: job.NoReceipt, Message: r.Status}
	}
	return ev
}
