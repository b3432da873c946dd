// Package sim simulates the APIs of message providers on a loopback port: strict about what their documents say, broken on
// cue, and with a ledger of what every recipient would have got. Tests, the sandbox and benchmarks use it; it doesn't import
// testing.
//
// A simulator is a [Server] around an [Answerer], which speaks one provider's API and nothing else: it judges a request,
// says which copies it took, and writes the reply. Listening, faults, delays, ledger and violations are the Server's.
package sim
