package job

import "time"

// State is what a status event says of its job.
type State string

// The states.
const (
	Scheduled   State = "scheduled"
	Waiting     State = "waiting"
	Retrying    State = "retrying"
	Submitted   State = "submitted"
	Delivered   State = "delivered"
	Undelivered State = "undelivered"
	Rejected    State = "rejected"
	Expired     State = "expired"
	Failed      State = "failed"
	Unknown     State = "unknown"
	Duplicate   State = "duplicate"
)

// Code is the reason that an event's error gives.
type Code string

// The codes.
const (
	InvalidJob        Code = "invalid_job"
	IDReused          Code = "id_reused"
	InvalidRecipient  Code = "invalid_recipient"
	InvalidSender     Code = "invalid_sender"
	InvalidContent    Code = "invalid_content"
	BlockedRecipient  Code = "blocked_recipient"
	ClosedDestination Code = "closed_destination"
	NoRecipients      Code = "no_recipients"
	CodeExpired       Code = "expired"
	InsufficientFunds Code = "insufficient_funds"
	Unauthorized      Code = "unauthorized"
	Misconfigured     Code = "misconfigured"
	Throttled         Code = "throttled"
	Unavailable       Code = "unavailable"
	Ambiguous         Code = "ambiguous"
	NoReceipt         Code = "no_receipt"
	Undeliverable     Code = "undeliverable"
)

// Event is a status event: the data of a CloudEvent about one job. Fields without a value are left out of its JSON.
type Event struct {
	Job            string            `json:"job"` // the job's id; the publication where no id could be read
	Tenant         string            `json:"tenant"`
	Route          string            `json:"route"`
	Lane           Lane              `json:"lane"`
	Channel        Channel           `json:"channel,omitempty"`
	State          State             `json:"state"`
	Final          bool              `json:"final"`
	Sequence       int               `json:"sequence"` // grows by one with each event of a job; 0 for a publication that never became one
	Publication    string            `json:"publication,omitempty"`
	At             time.Time         `json:"at"` // UTC, to the millisecond
	Attempt        int               `json:"attempt,omitzero"`
	Account        string            `json:"account,omitempty"`
	Provider       string            `json:"provider,omitempty"`
	ProviderID     string            `json:"provider_id,omitempty"`
	ProviderStatus string            `json:"provider_status,omitempty"`
	Segments       int               `json:"segments,omitzero"`
	Cost           string            `json:"cost,omitempty"` // decimal text
	Currency       string            `json:"currency,omitempty"`
	Recipients     int               `json:"recipients,omitzero"`
	Error          *Reason           `json:"error,omitempty"`
	RetryAt        time.Time         `json:"retry_at,omitzero"`
	Metadata       map[string]string `json:"metadata,omitempty"`
}

// Reason is why a job isn't, or isn't yet, delivered.
type Reason struct {
	Code    Code   `json:"code"`
	Message string `json:"message,omitempty"` // the provider's own words, or what is wrong with which field
}
