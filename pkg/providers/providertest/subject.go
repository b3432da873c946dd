// Package providertest holds the laws that every provider of gonets obeys, as one call: [Run]. They are tried against the
// provider's simulator, of package sim, and against transports that fail in ways no simulator can.
package providertest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// Subject is a provider under test, and what the laws need to know of it.
type Subject struct {
	Kind     providers.Kind
	Settings func() providers.Settings // new, valid, and accepted by Sim
	Sim      func() *sim.Server        // a new simulator that isn't started
	// Message makes a valid message, another one for every n. All of them may share a packet. Phone and text must be of a
	// length that can't occur in a provider's words by chance.
	Message func(n int) providers.Message
	// Copy is what the simulator's ledger holds when the message's recipient got it; its To is what a verdict is
	// scripted for.
	Copy    func(providers.Message) sim.Copy
	Secrets []string // the credentials in Settings
	// Refusals are words with which the simulator can be made to refuse one recipient, and what they mean.
	Refusals map[string]providers.Verdict
	// States are words that the simulator can be made to say of a message that it took, and what they mean; none where the
	// provider has no receipts. Tell makes it say them of the message with that id of the provider's.
	States map[string]providers.ReceiptState
	Tell   func(s *sim.Server, id, words string)
	// Rowless says that a reply doesn't have a row for each message, so that none can be missing or too many.
	Rowless bool
}

// Run tries every law on the subject, each as a subtest.
func Run(t *testing.T, s Subject) {
	for _, l := range laws() {
		t.Run(l.name, func(t *testing.T) { l.check(t, s) })
	}
}

// law is one thing that a provider must do.
type law struct {
	name  string
	check func(T, Subject)
}

func laws() []law {
	return []law{
		{"the kind is well described", checkKind},
		{"one result a message, in order", checkOrder},
		{"every fault has its outcome", checkFaults},
		{"refusals mean what they say", checkRefusals},
		{"what was not read was not sent", checkTransport},
		{"an untrusted certificate sends nothing", checkCertificate},
		{"redirects are not followed", checkRedirects},
		{"a reply without end is not read to its end", checkEndless},
		{"a context that ended sends nothing", checkCancelledBefore},
		{"cancelling ends a request", checkCancelledWithin},
		{"a deadline ends a request", checkDeadline},
		{"the timeout ends a request", checkTimeout},
		{"concurrent requests don't mix", checkConcurrency},
		{"nothing secret is told", checkSecrets},
		{"any bytes may come back", checkAnyBytes},
		{"abilities are as the traits say", checkAbilities},
		{"receipts mean what they say", checkReceipts},
		{"questions: every fault has its outcome", checkQuestionFaults},
		{"questions: what was not read was not asked", checkQuestionTransport},
		{"questions: cancelling ends them", checkQuestionContext},
		{"questions: nothing secret is told", checkAnswerSecrets},
		{"questions: any bytes may come back", checkAnyAnswer},
		{"no goroutine stays behind", checkLeaks},
	}
}

// T is what a law needs of a test.
type T interface {
	rapid.TB
	Cleanup(func())
	Context() context.Context
}

const (
	patience  = 30 * time.Second       // for what must happen, on a slow and noisy machine
	impatient = 250 * time.Millisecond // for what must be given up
)

// stand is a provider before its simulator.
type stand struct {
	*sim.Server
	t        T
	subject  Subject
	client   *http.Client
	provider providers.Provider
}

func (s Subject) stand(t T, timeout time.Duration) *stand {
	t.Helper()
	server := s.Sim()
	require.NoError(t, server.Start("127.0.0.1:0"))
	t.Cleanup(server.Close)
	client := providers.NewClient()
	t.Cleanup(client.CloseIdleConnections)
	return &stand{Server: server, t: t, subject: s, client: client, provider: s.open(t, server.URL(), client, timeout)}
}

func (s Subject) open(t rapid.TB, u *url.URL, client *http.Client, timeout time.Duration) providers.Provider {
	t.Helper()
	settings := s.Settings()
	require.Empty(t, settings.Validate(), "the subject's settings are not valid")
	p, err := settings.Open(providers.Endpoint{URL: u, Client: client, Timeout: timeout, Now: time.Now})
	require.NoError(t, err)
	return p
}

// batch makes messages first, first+1, … of which one request can take n at most.
func (s Subject) batch(first, n int) []providers.Message {
	msgs := make([]providers.Message, min(n, s.Kind.Traits.MaxBatch))
	for i := range msgs {
		msgs[i] = s.Message(first + i)
	}
	return msgs
}

// send sends and checks what holds of any results.
func (st *stand) send(ctx context.Context, msgs []providers.Message) []providers.Result {
	st.t.Helper()
	results := sendWithin(ctx, st.t, st.provider, msgs)
	checkShape(st.t, st.subject, msgs, results)
	return results
}

// sendWithin fails the test, instead of hanging, where a provider doesn't return.
func sendWithin(ctx context.Context, t T, p providers.Provider, msgs []providers.Message) []providers.Result {
	t.Helper()
	done := make(chan []providers.Result, 1)
	go func() {
		var results []providers.Result
		defer func() { done <- results }() // even where Send panics, which ends the test anyway
		results = p.Send(ctx, msgs)
	}()
	select {
	case results := <-done:
		return results
	case <-time.After(patience):
		require.FailNow(t, "Send doesn't return")
		return nil
	}
}

// checkShape checks that there is one result a message and that each is complete, clean and tells nothing secret.
func checkShape(t rapid.TB, s Subject, msgs []providers.Message, results []providers.Result) {
	t.Helper()
	require.Len(t, results, len(msgs), "one result a message")
	for _, r := range results {
		if r.Outcome == providers.Submitted {
			require.Empty(t, r.Code, "submitted, but with a code")
		} else {
			require.NotEmpty(t, r.Code, "%v without a code", r.Outcome)
			require.NotEmpty(t, r.Message, "%v without words", r.Outcome)
		}
		require.LessOrEqual(t, len(r.Message), providers.MaxWords)
		require.Equal(t, providers.Redact(r.Message), r.Message, "words that weren't redacted")
		for _, secret := range s.Secrets {
			require.NotContains(t, r.Message, secret, "a credential in the words")
		}
		for _, m := range msgs {
			if m.To != "" {
				require.NotContains(t, r.Message, strings.TrimPrefix(m.To, "+"), "a phone in the words")
			}
			if m.Text != "" {
				require.NotContains(t, r.Message, m.Text, "a text in the words")
			}
		}
	}
}

// checkLedger ends the simulator, so that it knows what it took, and compares that with what was reported.
func (st *stand) checkLedger(msgs []providers.Message, results []providers.Result) {
	st.t.Helper()
	st.client.CloseIdleConnections()
	st.Close()
	for i, m := range msgs {
		copies, o := st.Copies(st.subject.Copy(m)), results[i].Outcome
		require.LessOrEqual(st.t, copies, 1, "message %d was sent %d times in one request", i, copies)
		if o.SurelyNotSent() {
			require.Zero(st.t, copies, "message %d is reported %v, but its recipient got it", i, o)
		}
		if o == providers.Submitted {
			require.Equal(st.t, 1, copies, "message %d is reported submitted, but its recipient didn't get it", i)
		}
	}
	require.Empty(st.t, st.Violations(), "the request breaches the provider's document")
}
