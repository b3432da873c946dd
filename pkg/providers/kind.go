package providers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Traits are the facts about a provider that package dispatch plans with.
type Traits struct {
	Channels        []Channel
	ByQuery         bool // recipients are addressed by Audience; otherwise by To
	MaxBatch        int  // messages a request at most, the provider's own limit
	DefaultBatch    int  // where the account says nothing
	DefaultInFlight int  // concurrent requests of one replica, where the account says nothing
	InFlightTotal   int  // concurrent requests over all replicas, where the account says nothing; 0: no bound
	Dedupes         bool // a message with the same Key is not sent twice by the provider
	ReportsDelivery bool // a final state can be learnt after submission
	NativeSchedule  bool // the provider can hold a message until its SendAt
	MaxRead         int  // receipts that one read of its queue returns at most; 0: it has none
	MaxAsk          int  // messages that can be asked about in one request at most; 0: none

	// PacketKey tells which messages may share a request: those with equal keys. It doesn't look at Message.Key. Nil: all.
	PacketKey func(Message) string
}

// Carries tells whether the provider has the channel.
func (t Traits) Carries(c Channel) bool { return slices.Contains(t.Channels, c) }

// Kind is one entry of the catalogue: what cmd/worker knows of a provider.
type Kind struct {
	Name   string // as in an account's `provider:`
	Traits Traits
	// Settings returns a pointer to a zero struct whose fields' yaml tags are the account's keys of this provider
	// beside the common ones. Fields are strings, or [Secret]s.
	Settings func() Settings
}

// Settings is the provider's own part of an account's configuration.
type Settings interface {
	// Validate returns every fault; Field is the yaml key.
	Validate() []Fault
	// Open makes the provider of one account. It makes no request.
	Open(Endpoint) (Provider, error)
}

// Fault is one thing wrong with a setting.
type Fault struct {
	Field   string
	Problem string // what is wrong and what is allowed
}

func (f Fault) Error() string { return fmt.Sprintf("%s: %s", f.Field, f.Problem) }

// Endpoint is how an account reaches its provider.
type Endpoint struct {
	URL     *url.URL      // scheme and host, perhaps with a path in front of the API's own
	Client  *http.Client  // nil: one of [NewClient]
	Timeout time.Duration // of one request, above zero
	Sender  string        // the account's default sender, may be empty
	Now     func() time.Time
}

// Secret is a credential. It prints as asterisks; the value is had by conversion to string.
type Secret string

const redacted = "******"

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
