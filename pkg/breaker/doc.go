// Package breaker remembers for all replicas of a program which of the things that they ask, by key, are to be left alone at present: a
// circuit breaker, and a pause for any other cause. It knows nothing of what is asked, and sends nothing.
//
// # The states
//
//	          Failures in a row, or one on trial
//	closed ───────────────────────────────────────▶ open
//	  ▲ │  Refused: not before somebody mended it     │ after Open, doubled by each fall on trial
//	  │ └─────────────────────▶ paused ──────────────▶│
//	  │                            └ Blocked: closed  ▼
//	  └──────── Succeeded ─────────────────────── half-open ── Failed, Refused ──▶ open, paused
//
// Half-open is one probe over all replicas. Its holder has it for a time: when it is no more, another may take it.
//
// # What is promised
//
// A breaker doesn't flap. One that a probe closed is on trial for as long as it was open: a single failure then opens it again for twice that time, at
// most [Longest] times the policy's own. A trial without a failure puts everything back to the policy. A probe that fails is no fall: the thing
// never was back, and is asked again at the same pace.
//
// A pause can be ended by who learns that its cause is [Mended], or made longer by who learns that it isn't, without a probe.
//
// What was asked before a change says nothing about the time after it: each change begins a generation, and a report counts only in its own, unless it
// is the probe's. So requests that hang when a breaker opens don't open it again once it was closed.
//
// # What it costs
//
// A report is two round trips, and again as many for each other report that came between. Successes are worth a report only where
// [State.Failures] isn't 0, or of a probe. Looking at all keys is one round trip. The clock is the Redis server's.
package breaker
