// Package receipts is the way of a receipt, from the provider to the event that tells what became of a message:
//
//	published events ── submitted, unknown ──▶ track ──▶ index of what waits, by account and provider id
//	                                                      │
//	queue reader ─┐   one worker at a time                │
//	asker ────────┼─▶ stream of receipts ──▶ matcher      │
//	webhook ──────┘   safe from here on        match ◀────┘   nobody's yet: parked, and stored again once its message is known
//	                                           advance        the claim record numbers the event
//	                                           publish        delivered, undelivered or unknown
//	                                           settle         the index knows that it was told
//	                                           ack
//
// # What is promised
//
// What a provider told is stored before anything else happens to it, and leaves the store only once its event is in the status stream. Each step
// may be repeated, after a crash or by another worker: the same receipt gives the same event with the same id, or none. States move forward
// only. What a crash takes between a queue's reply and the store, which nobody can close, the asker asks for again.
//
// The status stream is the truth. Whoever publishes an event tracks it, after it is stored and before its job is let go; where Redis lost the index, it is made
// anew from the stream by one worker, and all go on tracking meanwhile.
//
// # What is bounded
//
// A reader holds one reply at most and reads no further until it is stored. A matcher holds a few batches of a thousand. What waits is in Redis
// and in the stream.
//
// The package knows neither NATS nor Redis: it works through the ports of ports.go.
package receipts
