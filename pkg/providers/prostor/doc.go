// Package prostor sends SMS through Prostor SMS, by its messages JSON API, version 2.
//
// What shaped it: a packet of up to 200 messages shares one scheduleTime; the reply's rows are matched by clientId, never by
// position; each row's status decides about its message, even where a refused one carries an id. The API documents
// no dedupe by clientId, so none is assumed. It takes no validity period: a message's expiry isn't passed on.
//
// What becomes of a message stands in the account's status queue, where it has one, and is told when asked for by smscId. The queue's rows
// have a smscId, perhaps a clientId, and leave it by being read: so every row that can be understood is returned, whatever else is wrong with
// the reply. The API answers `queued` for an smscId that it doesn't know, so a question never ends by itself. A word that isn't the
// document's is pending: its message ends by a later word, or by age.
package prostor

import (
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// The document's limits of messages in one send, of messages in one status request, and of rows in one read of the queue.
const (
	maxBatch = 200
	maxAsk   = 200
	maxRead  = 1000
)

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
			MaxRead:         maxRead,
			MaxAsk:          maxAsk,
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
