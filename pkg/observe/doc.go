// Package observe shows what a worker does: metrics, logs and traces.
//
// It stands around the pipeline, not in it. A [Layer] wraps the ports of package dispatch and the providers of its accounts, so the pipeline
// knows nothing of being watched, and what isn't wanted costs nothing. A provider's other abilities are found on the provider itself, before it
// is wrapped.
//
// The metrics are listed in docs/metrics.md, which a test holds to what a worker shows. Their labels have as many values as the configuration has
// lanes, routes and accounts, and the contract has states and codes: no tenant, no job, no phone, no text.
package observe
