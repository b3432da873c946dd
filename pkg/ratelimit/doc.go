// Package ratelimit bounds what all replicas of a program do together: how many tokens they spend a second, and how many
// requests they have open at once. It knows nothing of what is limited.
//
// # What is promised
//
// In no window of time are more than burst + rate × window tokens good, over all replicas, whatever is reserved, blocked or refunded
// in between. While callers keep asking, no token of the rate is lost to rounding or to the way back and forth: reservations
// are granted ahead of time, back to back. The clock is the Redis server's.
//
// # How it counts
//
// A limit is a bucket that fills by what is granted and drains at the rate (the generic cell rate algorithm, with the level kept
// as a fraction of a token rather than as a rounded time). A grant is good from the moment when the bucket has drained to its
// burst again. Several limits of one call are granted together, from the moment when the last of them allows it, and
// all of them are charged as of that moment.
//
// # Turns
//
// Callers that wait for the same tokens would all ask when they become good, and all but one in vain. So an answer also names a turn to those who want it:
// the next time at which nobody else was told to come, counted in tokens at the rate from when they will be good. A list for each limit remembers who was
// told when. Turns bind nobody and cost nothing where none are needed: with tokens for another call to spare it is always one's turn. What takes tokens
// without a turn makes those of others a little early; they then wait for their tokens, and where half of their patience doesn't do they are told again.
//
// A refund can't give back what has already been made up for: the time of an unused token passes, and a reservation
// behind it keeps its place. Just what the law allows is given back: the bucket falls at most to the lowest level that
// it had since, which is known for reservations that became good within [RefundWithin].
package ratelimit
