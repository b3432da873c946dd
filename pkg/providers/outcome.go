package providers

import "time"

// Outcome is what became of one message in one request: a closed set, which package dispatch switches over.
type Outcome int

const (
	// Ambiguous is the zero value on purpose: a result nobody filled in says that nobody knows. The message
	// may have been accepted.
	Ambiguous Outcome = iota
	// Submitted means: the provider took the message.
	Submitted
	// Rejected means: the provider will never take this message. Code says why.
	Rejected
	// Unavailable means: surely not sent, the provider could not be asked or said that it can't at present.
	Unavailable
	// Throttled means: surely not sent, the provider asks to slow down; RetryAfter where it said for how long.
	Throttled
	// ClosedDestination means: surely not sent, this account can't reach this recipient; another may.
	ClosedDestination
	// InsufficientFunds means: surely not sent, the account is out of money or messages.
	InsufficientFunds
	// Unauthorized means: surely not sent, the account's credentials are refused or the account is locked.
	Unauthorized
	// Misconfigured means: surely not sent, the request as configured or built by us is wrong for every message.
	Misconfigured
	// Stalled means: the provider holds the message until the account has funds; it must never be sent again.
	// It is ambiguous for the message and a lack of funds for the account.
	Stalled
)

//nolint:gochecknoglobals // a table that nobody writes to
var outcomeNames = [...]string{"ambiguous", "submitted", "rejected", "unavailable", "throttled",
	"closed_destination", "insufficient_funds", "unauthorized", "misconfigured", "stalled"}

// String is the outcome's name as it stands in logs and metrics.
func (o Outcome) String() string { return outcomeNames[o] }

// SurelyNotSent tells whether the recipient can't have got the message from this request.
func (o Outcome) SurelyNotSent() bool { return o != Submitted && o != Ambiguous && o != Stalled }

// PausesAccount tells whether the outcome is about the account rather than about the message: nothing can be sent
// through it until someone paid, or corrected its configuration.
func (o Outcome) PausesAccount() bool {
	return o == InsufficientFunds || o == Unauthorized || o == Misconfigured || o == Stalled
}

// Code is the reason of a result, one of the contract's error codes.
type Code string

// The error codes that a provider's words can mean.
const (
	InvalidRecipient      Code = "invalid_recipient"
	InvalidSender         Code = "invalid_sender"
	InvalidContent        Code = "invalid_content"
	BlockedRecipient      Code = "blocked_recipient"
	NoRecipients          Code = "no_recipients"
	CodeClosedDestination Code = "closed_destination"
	CodeInsufficientFunds Code = "insufficient_funds"
	CodeUnauthorized      Code = "unauthorized"
	CodeMisconfigured     Code = "misconfigured"
	CodeThrottled         Code = "throttled"
	CodeUnavailable       Code = "unavailable"
	CodeAmbiguous         Code = "ambiguous"
)

// Result is what one request says about one message.
type Result struct {
	Outcome Outcome
	Code    Code   // why; empty when Submitted
	Message string // the provider's own words or the transport's, bounded by [MaxWords] bytes and redacted; empty when all is well

	ID         string        // the provider's id of the message, where it gave one
	Status     string        // the provider's own word for the state, e.g. "accepted"
	Segments   int           // segments as charged; 0: not told
	Cost       string        // decimal text; empty: not told
	Currency   string        // ISO 4217 or the provider's unit; empty: not told
	Recipients int           // recipients addressed by a query; 0: not told
	RetryAfter time.Duration // with Throttled or Unavailable: not before this long; 0: not told
}

// All gives the same result to each of n messages.
func All(n int, r Result) []Result {
	rs := make([]Result, n)
	for i := range rs {
		rs[i] = r
	}
	return rs
}
