package providers

import (
	"context"
	"time"
)

// ReceiptState is what a receipt says of its message: a closed set.
type ReceiptState int

const (
	// Pending is the zero value on purpose: the provider has the message and hasn't had the last word about it.
	Pending ReceiptState = iota
	// Delivered means: the recipient's device has it, or the recipient read it.
	Delivered
	// Undelivered means: it will not be delivered any more.
	Undelivered
	// Untold means: the provider will say nothing more that tells, such as for an id it doesn't know or a message of which some parts arrived.
	Untold
)

//nolint:gochecknoglobals // a table that nobody writes to
var receiptStates = [...]string{"pending", "delivered", "undelivered", "untold"}

// String is the state's name as it stands in logs and metrics.
func (s ReceiptState) String() string { return receiptStates[s] }

// Receipt is what a provider says of a message that it took before.
type Receipt struct {
	ID       string       // the provider's id of the message, as in [Result.ID]
	ClientID string       // our own id of the message, see [ClientIDs]; empty where the provider doesn't echo it
	State    ReceiptState // by what Status means
	Status   string       // the provider's own word, bounded by [MaxWords] bytes
	Segments int          // segments as charged; 0: not told
	Cost     string       // decimal text; empty: not told
	Currency string       // ISO 4217 or the provider's unit; empty: not told
	At       time.Time    // when the state changed; zero: not told
}

// Sent is a message that was given to the provider before.
type Sent struct {
	ID  string   // the provider's id
	Key [32]byte // as in [Message.Key]; zero: not known
}

// The rest are what a provider may do beside sending. Package dispatch and its neighbours find them by type; an account that can't do one of
// them doesn't have its methods. All are safe for concurrent use, make one request, neither retry nor wait, and return errors that are or
// wrap a [*Refusal], without secrets and phones.

// ReceiptQueue is a queue of receipts on the provider's side. To read is to take away: what a read returned no other read returns, and a read whose
// reply got lost may have taken receipts that nobody will see.
type ReceiptQueue interface {
	// ReadReceipts takes up to n receipts, at most [Traits.MaxRead]; none: the queue is empty. Rows that can't be understood are left out, and
	// counted by skipped.
	ReadReceipts(ctx context.Context, n int) (receipts []Receipt, skipped int, err error)
}

// ReceiptAsker answers about messages by their ids.
type ReceiptAsker interface {
	// AskReceipts asks about up to [Traits.MaxAsk] messages. It returns a receipt for each of which the provider said something, in any order.
	AskReceipts(ctx context.Context, sent []Sent) ([]Receipt, error)
}

// ReceiptHook reads what the provider posts to us by itself.
type ReceiptHook interface {
	// HookReceipts reads the body of a post, and gives the body to answer it with, by which the provider learns what it needn't post again. An
	// error says that the body isn't the provider's.
	HookReceipts(body []byte) (receipts []Receipt, answer []byte, err error)
}

// ClientIDs tells by which id of ours the provider knows a message: [Receipt.ClientID].
type ClientIDs interface {
	ClientID(key [32]byte) string
}

// Balancer tells what is left on the account. No purse: the provider names none.
type Balancer interface {
	Balance(ctx context.Context) ([]Balance, error)
}

// Balance is one purse of an account.
type Balance struct {
	Amount string `json:"amount"` // decimal text; may be negative
	Credit string `json:"credit"` // decimal text, how far below zero it may go; empty: not told
	Unit   string `json:"unit"`   // ISO 4217, or SMS; empty: not told
}

// SenderLister tells which senders the account may use.
type SenderLister interface {
	Senders(ctx context.Context) ([]Sender, error)
}

// Sender is one entry of the account's list. Names that look alike in Latin and Cyrillic are different: compare bytes.
type Sender struct {
	Name   string `json:"name"`
	Status string `json:"status"` // the provider's own word
	Info   string `json:"info,omitempty"`
	Usable bool   `json:"usable"`
}

// Versioner tells which version of its API answers.
type Versioner interface {
	// Version is the one that answers, and the one that this client is written for.
	Version(ctx context.Context) (got, want string, err error)
}

// Refusal is why a question to a provider has no answer: what a [Result] is for a message.
type Refusal struct {
	Outcome    Outcome       // Unauthorized, Throttled, Unavailable, Misconfigured, InsufficientFunds, or Ambiguous where nobody knows what became of the request
	Message    string        // the provider's own words or the transport's, redacted
	RetryAfter time.Duration // 0: not told
}

func (r *Refusal) Error() string { return r.Outcome.String() + ": " + r.Message }

// Refusal is the result as the end of a question. What can be said of a message only says nothing of a question, so it's Ambiguous.
func (r Result) Refusal() *Refusal {
	switch r.Outcome {
	case Unauthorized, Throttled, Unavailable, Misconfigured, InsufficientFunds:
		return &Refusal{Outcome: r.Outcome, Message: r.Message, RetryAfter: r.RetryAfter}
	default:
		return &Refusal{Outcome: Ambiguous, Message: r.Message}
	}
}

// ReceiptWords is a provider's dictionary of states. It is made by [NewReceiptWords] and safe for concurrent use.
type ReceiptWords struct{ meanings map[string]meaning }

type meaning struct {
	word  string
	state ReceiptState
}

// NewReceiptWords makes a dictionary. Case, surrounding space, a trailing dot and the dots of ё don't matter.
func NewReceiptWords(meanings map[string]ReceiptState) ReceiptWords {
	w := ReceiptWords{make(map[string]meaning, len(meanings))}
	for word, state := range meanings {
		w.meanings[fold(word)] = meaning{word, state}
	}
	return w
}

// Find tells what words mean, by the whole text only: "not delivered" contains "delivered". It gives them back as the dictionary
// spells them; unknown ones redacted and Pending, with known false.
func (w ReceiptWords) Find(words string, secrets ...Secret) (word string, state ReceiptState, known bool) {
	m, known := w.meanings[words]
	if !known {
		m, known = w.meanings[fold(words)]
	}
	if !known {
		return Redact(words, secrets...), Pending, false
	}
	return m.word, m.state, true
}
