package job

import (
	"encoding/json"
	"time"
)

// MaxBytes is the size of a job's JSON at most; the job streams refuse larger ones.
const MaxBytes = 64 << 10

// MaxSegments is the length of an sms at most.
const MaxSegments = 10

// MaxMetadata is the number of metadata pairs at most.
const MaxMetadata = 16

// Channel is the medium of a message.
type Channel string

// The channels.
const (
	SMS   Channel = "sms"
	Viber Channel = "viber"
	Push  Channel = "push"
)

// Job is one message to be sent, as its producer publishes it. [Decode] gives only valid, normalised ones.
type Job struct {
	ID        string            `json:"id"`                  // [A-Za-z0-9_.:-]{1,64}, the idempotency key within its tenant
	Channel   Channel           `json:"channel"`             // sms, viber or push
	To        string            `json:"to,omitempty"`        // a phone; after Decode in E.164
	Audience  *Audience         `json:"audience,omitempty"`  // instead of To
	Sender    string            `json:"sender,omitempty"`    // empty: the account's default
	Text      string            `json:"text,omitempty"`      // sms and viber
	Push      *PushContent      `json:"push,omitempty"`      // push
	SendAt    time.Time         `json:"send_at,omitzero"`    // not before
	ExpiresAt time.Time         `json:"expires_at,omitzero"` // not after
	Metadata  map[string]string `json:"metadata,omitempty"`  // echoed in every event
}

// Audience addresses recipients by a query, for providers that can.
type Audience struct {
	Collection string          `json:"collection"`        // users, roles or devices
	Query      json.RawMessage `json:"query,omitempty"`   // a JSON object that is not empty
	Everyone   bool            `json:"everyone,omitzero"` // in place of Query
}

// PushContent is what a push carries; at least one of the two.
type PushContent struct {
	GCM  json.RawMessage `json:"gcm,omitempty"`  // a JSON object, for Android
	APNS json.RawMessage `json:"apns,omitempty"` // a JSON object, for iOS
}
