package main

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// letter is a dead letter.
type letter struct{ natsq.Letter }

// letterView is what is told of a letter: neither recipient nor text.
type letterView struct {
	Letter      uint64    `json:"letter"`
	At          time.Time `json:"at"`
	Job         string    `json:"job"`
	Tenant      string    `json:"tenant"`
	Route       string    `json:"route"`
	Lane        job.Lane  `json:"lane"`
	State       job.State `json:"state"` // of the event that told of it
	Code        job.Code  `json:"code"`
	Account     string    `json:"account,omitempty"`
	Attempts    int       `json:"attempts"`
	Replays     int       `json:"replays"`
	Message     string    `json:"message,omitempty"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	Expired     bool      `json:"expired"`
	Publication string    `json:"publication"`
	Stored      time.Time `json:"stored,omitzero"` // when the job was published
}

// maxWords is the length of the provider's words at most, in bytes.
const maxWords = 500

func (l letter) view() letterView {
	d := l.Delivery
	v := letterView{
		Letter: l.Sequence, At: l.At, Job: l.JobID, Tenant: d.Address.Tenant, Route: d.Address.Route, Lane: d.Address.Lane,
		State: job.Failed, Code: l.Reason, Account: l.Account, Attempts: l.Attempts, Replays: d.Epoch, Message: job.Mask(l.Words, maxWords),
		ExpiresAt: l.expiresAt(), Publication: d.Publication, Stored: d.Stored,
	}
	if l.Reason == job.Ambiguous {
		v.State = job.Unknown
	}
	v.Expired = l.expired(time.Now())
	return v
}

// expiresAt is the job's; zero: it has none.
func (l letter) expiresAt() time.Time {
	var j struct {
		ExpiresAt time.Time `json:"expires_at"`
	}
	if json.Unmarshal(l.Delivery.Data, &j) != nil {
		return time.Time{} // a worker decides, who reads it more strictly
	}
	return j.ExpiresAt.UTC()
}

// expired tells whether the job must not be sent any more.
func (l letter) expired(now time.Time) bool {
	at := l.expiresAt()
	return !at.IsZero() && !now.Before(at)
}

// document is the job's JSON. Unless all of it is to be revealed, only what events tell anyway is in it, and of everything else that it is there.
func (l letter) document(reveal bool) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(l.Delivery.Data, &fields); err != nil {
		return nil, fmt.Errorf("letter %d holds no job in JSON", l.Sequence) // the error might quote it
	}
	if reveal {
		return l.Delivery.Data, nil
	}
	for name, value := range fields {
		switch name {
		case "id", "channel", "sender", "send_at", "expires_at", "metadata":
			continue
		}
		hidden := "(hidden)"
		var words string
		if json.Unmarshal(value, &words) == nil {
			hidden = fmt.Sprintf("(hidden, %d characters)", utf8.RuneCountInString(words))
		}
		fields[name], _ = json.Marshal(hidden) // a string: can't fail
	}
	return json.Marshal(fields)
}
