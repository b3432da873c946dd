package providers

import (
	"context"
	"time"
)

// Channel is the medium of a message.
type Channel string

// The channels a provider may carry.
const (
	SMS   Channel = "sms"
	Viber Channel = "viber"
	Push  Channel = "push"
)

// Message is one message as a provider sees it: admitted, normalised, with the account's sender filled in.
type Message struct {
	// Key identifies the message: equal for equal tenant, job id and content, and for nothing else. It is a
	// SHA-256, from which a provider derives the id it gives to its API. It doesn't change between attempts.
	Key [32]byte

	Channel  Channel
	To       string // E.164 with a leading plus; empty where Audience is set
	Audience *Audience
	Sender   string // empty: the provider's own default
	Text     string
	GCM      []byte // JSON object or nil; push only
	APNS     []byte // JSON object or nil; push only

	SendAt    time.Time // zero: now. Set only where the account schedules natively
	ExpiresAt time.Time // zero: never

	// Trace is the traceparent (W3C) of the message's job, for whoever traces requests. It isn't for the provider.
	Trace string
}

// Audience addresses recipients by a query on the provider's side.
type Audience struct {
	Collection string // "users", "roles" or "devices"
	Query      []byte // a JSON object that is not empty, or nil where Everyone is set
	Everyone   bool
}

// Provider sends the messages of one account. It is safe for concurrent use.
type Provider interface {
	// Send makes one request with all of msgs (at most the batch limit of its [Traits], at least one, all with the
	// same [Traits.PacketKey]) and returns exactly one result a message, in the order of msgs. It returns when ctx ends at the latest;
	// what was under way then is Ambiguous. It keeps nothing of the slice, whose memory is used again.
	Send(ctx context.Context, msgs []Message) []Result
}
