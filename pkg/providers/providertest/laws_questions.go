package providertest

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// answer is what a question brought: what there is of it, and whatever is left empty.
type answer struct {
	receipts []providers.Receipt
	balances []providers.Balance
	senders  []providers.Sender
	version  string
}

// question is one thing that a provider can be asked beside sending.
type question struct {
	name string
	ask  func(ctx context.Context, sent []providers.Sent) (answer, error)
}

// questions are those that the provider has an answer to.
func questions(p providers.Provider) (qs []question) {
	if asker, ok := p.(providers.ReceiptAsker); ok {
		qs = append(qs, question{"receipts of messages", func(ctx context.Context, sent []providers.Sent) (a answer, err error) {
			a.receipts, err = asker.AskReceipts(ctx, sent)
			return a, err
		}})
	}
	if queue, ok := p.(providers.ReceiptQueue); ok {
		qs = append(qs, question{"the receipts' queue", func(ctx context.Context, _ []providers.Sent) (a answer, err error) {
			a.receipts, _, err = queue.ReadReceipts(ctx, 10)
			return a, err
		}})
	}
	if b, ok := p.(providers.Balancer); ok {
		qs = append(qs, question{"the balance", func(ctx context.Context, _ []providers.Sent) (a answer, err error) {
			a.balances, err = b.Balance(ctx)
			return a, err
		}})
	}
	if l, ok := p.(providers.SenderLister); ok {
		qs = append(qs, question{"the senders", func(ctx context.Context, _ []providers.Sent) (a answer, err error) {
			a.senders, err = l.Senders(ctx)
			return a, err
		}})
	}
	if v, ok := p.(providers.Versioner); ok {
		qs = append(qs, question{"the version", func(ctx context.Context, _ []providers.Sent) (a answer, err error) {
			var want string
			a.version, want, err = v.Version(ctx)
			if want == "" {
				err = errors.New("the client doesn't say which version it is written for")
			}
			return a, err
		}})
	}
	return qs
}

// someSent are messages that may have been sent, with ids that the provider could have given.
func (s Subject) someSent(n int) []providers.Sent {
	sent := make([]providers.Sent, n)
	for i := range sent {
		sent[i] = providers.Sent{ID: "1" + string(rune('0'+i)), Key: s.Message(i).Key}
	}
	return sent
}

// asked asks, and checks what holds of any answer and of any error.
func (s Subject) asked(ctx context.Context, t rapid.TB, q question, sent []providers.Sent) (answer, *providers.Refusal) {
	t.Helper()
	a, err := q.ask(ctx, sent)
	for _, r := range a.receipts {
		require.True(t, r.ID != "" || r.ClientID != "", "%s: a receipt about nobody", q.name)
		require.NotEmpty(t, r.State.String())
		require.NotEmpty(t, r.Status, "%s: a receipt without a word", q.name)
		s.clean(t, r.Status)
		s.clean(t, r.Currency)
		require.Regexp(t, decimalOrNone, r.Cost)
	}
	for _, b := range a.balances {
		require.Regexp(t, decimal, b.Amount)
		require.Regexp(t, decimalOrNone, b.Credit)
		s.clean(t, b.Unit)
	}
	for _, l := range a.senders {
		require.NotEmpty(t, l.Name)
		s.clean(t, l.Status)
		s.clean(t, l.Info)
	}
	s.clean(t, a.version)
	if err == nil {
		return a, nil
	}
	refusal, ok := errors.AsType[*providers.Refusal](err)
	require.True(t, ok, "%s: an error that is no refusal: %v", q.name, err)
	require.NotEqual(t, providers.Submitted, refusal.Outcome)
	require.NotEmpty(t, refusal.Message)
	require.Empty(t, a, "%s: an answer beside an error", q.name)
	s.clean(t, refusal.Message)
	return a, refusal
}

var (
	decimal       = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	decimalOrNone = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?)?$`)
)

// clean checks that words are bounded, redacted and tell nothing secret.
func (s Subject) clean(t rapid.TB, words string) {
	t.Helper()
	require.LessOrEqual(t, len(words), providers.MaxWords)
	require.Equal(t, providers.Redact(words), words, "words that weren't redacted")
	for _, secret := range s.Secrets {
		require.NotContains(t, words, secret, "a credential in the words")
	}
}

// checkAbilities compares what the traits promise with what the provider can do.
func checkAbilities(t T, s Subject) {
	st := s.stand(t, patience)
	traits := s.Kind.Traits
	_, asks := st.provider.(providers.ReceiptAsker)
	_, queues := st.provider.(providers.ReceiptQueue)
	_, hooked := st.provider.(providers.ReceiptHook)
	_, knows := st.provider.(providers.ClientIDs)
	require.Equal(t, traits.MaxAsk > 0, asks, "MaxAsk and AskReceipts don't agree")
	if queues {
		require.Positive(t, traits.MaxRead, "ReadReceipts, but no MaxRead")
	}
	require.Equal(t, traits.ReportsDelivery, asks || queues || hooked, "ReportsDelivery isn't true")
	if asks || queues || hooked {
		require.True(t, knows, "receipts, but no ClientID")
		require.NotEmpty(t, s.States, "the subject names no states")
	}
}

// checkReceipts makes the simulator say every word of every message, and asks and reads what it said.
func checkReceipts(t T, s Subject) {
	if len(s.States) == 0 {
		return
	}
	st := s.stand(t, patience)
	ids := st.provider.(providers.ClientIDs)
	msgs := s.batch(0, min(20, s.Kind.Traits.MaxBatch))
	results := st.send(t.Context(), msgs)
	sent := make([]providers.Sent, len(msgs))
	want := map[string]string{} // words by the provider's id
	words := make([]string, 0, len(s.States))
	for w := range s.States {
		words = append(words, w)
	}
	for i, r := range results {
		require.NotEmpty(t, r.ID)
		sent[i] = providers.Sent{ID: r.ID, Key: msgs[i].Key}
		want[r.ID] = words[i%len(words)]
		s.Tell(st.Server, r.ID, want[r.ID])
	}
	byID := map[string]string{}
	for i, r := range results {
		byID[r.ID] = ids.ClientID(msgs[i].Key)
	}
	check := func(receipts []providers.Receipt) {
		got := map[string]string{}
		for _, r := range receipts {
			require.NotContains(t, got, r.ID, "two receipts of one message")
			got[r.ID] = r.Status
			require.Equal(t, s.States[want[r.ID]], r.State, "%q", r.Status)
			require.Contains(t, []string{"", byID[r.ID]}, r.ClientID)
		}
		require.Equal(t, want, got)
	}
	if asker, ok := st.provider.(providers.ReceiptAsker); ok {
		a, refusal := s.asked(t.Context(), t, questions(st.provider)[0], sent)
		require.Nil(t, refusal)
		check(a.receipts)
		none, err := asker.AskReceipts(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, none)
		_, err = asker.AskReceipts(t.Context(), make([]providers.Sent, s.Kind.Traits.MaxAsk+1))
		require.Error(t, err, "more messages than a question may have")
	}
	if queue, ok := st.provider.(providers.ReceiptQueue); ok {
		var all []providers.Receipt
		for {
			some, skipped, err := queue.ReadReceipts(t.Context(), 3)
			require.NoError(t, err)
			require.Zero(t, skipped)
			require.LessOrEqual(t, len(some), 3)
			if len(some) == 0 {
				break
			}
			all = append(all, some...)
		}
		check(all)
	}
	require.Equal(t, 1, st.Requests(), "a question counted as a send")
	st.checkLedger(msgs, results)
}

func checkQuestionFaults(t T, s Subject) {
	for fault, want := range outcomes() {
		st := s.stand(t, patience)
		for _, q := range questions(st.provider) {
			if fault == sim.Refused {
				st.client.CloseIdleConnections()
				st.Break(fault, 1)
			}
			st.BreakQuestions(fault, 1)
			before, _ := st.Asked()
			_, refusal := s.asked(t.Context(), t, q, s.someSent(2))
			after, _ := st.Asked()
			if want == providers.Submitted {
				require.Nil(t, refusal, "%v: %s", fault, q.name)
			} else {
				require.NotNil(t, refusal, "%v: %s has an answer", fault, q.name)
				require.Equal(t, want, refusal.Outcome, "%v: %s: %s", fault, q.name, refusal.Message)
			}
			if fault == sim.TooMany {
				require.Equal(t, sim.RetryAfter*time.Second, refusal.RetryAfter, "%s: Retry-After isn't passed on", q.name)
			}
			if fault != sim.Refused {
				require.Equal(t, before+1, after, "%v: %s: more than one request", fault, q.name)
			}
			st.Break(sim.None, 0)
			st.BreakQuestions(sim.None, 0)
			_, refusal = s.asked(t.Context(), t, q, s.someSent(2))
			require.Nil(t, refusal, "%s after %v", q.name, fault)
		}
		require.Empty(t, st.Violations(), "a question breaches the provider's document")
		require.Zero(t, st.Messages())
	}
}
