// Package providers says what a message provider is to gonets, and holds one folder for each.
//
// A provider is one method, [Provider.Send]: messages in, one [Result] a message out, in the same order. It
// speaks the API of one account at one provider and translates every reply into the closed set of [Outcome]s.
// It does not retry, wait, queue, log or remember: whether a message is sent again, later or elsewhere is
// decided by package dispatch, from the outcome alone.
//
// A transport failure and a provider's verdict are different things. What was surely not sent (connection refused, DNS,
// TLS, a failure before the request was written) is [Unavailable]; what may have been sent (timeout, reset, 5xx,
// garbage, truncation after writing) is [Ambiguous]. The body's shape is classified at any HTTP status; the status decides
// only where the body says nothing.
//
// To add a provider: one folder here with a constructor of a [Kind], and one line in the catalogue of cmd/worker.
package providers
