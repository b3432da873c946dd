// Package prostor sends SMS through Prostor SMS, by its messages JSON API, version 2.
//
// What shaped it: a packet of up to 200 messages shares one scheduleTime; the reply's rows are matched by clientId, never by
// position; each row's status decides about its message, even where a refused one carries an id. The API documents
// no dedupe by clientId, so none is assumed. It takes no validity period: a message's expiry isn't passed on.
package prostor

import (
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// maxBatch is the document's limit of messages in one send.
const maxBatch = 200

// Kind is Prostor's entry in the catalogue.
func Kind() providers.Kind {
	return providers.Kind{
		Name: "prostor",
		Traits: providers.Traits{
			Channels:        []providers.Channel{providers.SMS},
			MaxBatch:        maxBatch,
			DefaultBatch:    maxBatch,
			DefaultInFlight: 4,
			ReportsDelivery: true,
			NativeSchedule:  true,
			PacketKey:       func(m providers.Message) string { return scheduleTime(m.SendAt) },
		},
		Settings: func() providers.Settings { return &Settings{} },
	}
}

// scheduleTime is a moment as the API takes it, in UTC; empty for none. It has whole seconds: a broken one is
// rounded up, since a message must not go out before its time.
func scheduleTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	if whole := at.Truncate(time.Second); whole.Before(at) {
		at = whole.Add(time.Second)
	}
	return at.UTC().Format(time.RFC3339)
}
