// Package dispatch is the way of a job, from its delivery to its status event:
//
//	Source ── one for each lane and route
//	  │
//	admit     decode, validate ── not a job, expired, not yet due ──┐
//	place     the first account of the route that takes jobs        │
//	gather    by account and lane, what one request can carry       │
//	limit     tokens for exactly what is sent                       │
//	claim     ── settled before, duplicate, busy ───────────────────┤
//	send      []Message → []Result, one to one                      │
//	decide    what a result means for its job                       │
//	  ▼                                                             ▼
//	settle    1 claim record  2 dead letter, LATER  3 status event  4 ack
//
// Every delivery leaves through settle exactly once, or stays unacknowledged and is delivered again.
//
// # What is promised
//
// A job is acknowledged only after the status stream, LATER or the dead letters hold what became of it. A message whose acceptance was
// seen is never sent again. One that may have been accepted is ambiguous: it is sent again only where the provider
// recognises it or the route says so, and else ends as unknown. Waiting of any kind burns no attempt.
//
// # What is bounded
//
// Each account holds at most two queues' worth of a packet in each lane, in_flight packets and one that stands by between gathering and settlement, and in
// settlement, for each lane, half as many or four; a full queue blocks its source, and so the server. While two packets of a lane wait to be settled no more
// of them are made. Memory doesn't depend on the backlog.
//
// An account that fails or refuses is left alone by all workers, see [Health]: its jobs go to the next account of their route or wait, and one of them is the
// probe that finds it well again. A route that no account takes jobs of pulls nothing.
//
// An account that is short of funds takes no bulk, see [Pipeline.SaveFunds]: for that lane alone it is as if it were left alone.
//
// The package knows neither NATS nor Redis: it works through the ports of ports.go.
package dispatch
