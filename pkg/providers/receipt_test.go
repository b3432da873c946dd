package providers

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReceiptWords(t *testing.T) {
	w := NewReceiptWords(map[string]ReceiptState{"delivered": Delivered, "smsc reject": Undelivered, "queued": Pending})
	for words, want := range map[string]struct {
		word  string
		state ReceiptState
		known bool
	}{
		"delivered":              {"delivered", Delivered, true},
		" Delivered.\n":          {"delivered", Delivered, true},
		"SMSC  reject":           {"smsc reject", Undelivered, true},
		"queued":                 {"queued", Pending, true},
		"not delivered":          {"not delivered", Pending, false},
		"delivered by hunter2":   {"delivered by ******", Pending, false},
		"lost at +7 961 2242243": {"lost at +***", Pending, false},
		"\u200b\x00":             {"", Pending, false},
		"":                       {"", Pending, false},
	} {
		word, state, known := w.Find(words, "hunter2")
		require.Equal(t, want.word, word)
		require.Equal(t, want.state, state, words)
		require.Equal(t, want.known, known, words)
	}
}

// Of a question, only what is about the account or the way to the provider is an answer.
func TestRefusals(t *testing.T) {
	for o := Ambiguous; o <= Stalled; o++ {
		want := o
		switch o {
		case Submitted, Rejected, ClosedDestination, Stalled:
			want = Ambiguous
		}
		r := Result{Outcome: o, Message: "words", RetryAfter: time.Second}.Refusal()
		require.Equal(t, want, r.Outcome)
		require.Equal(t, "words", r.Message)
		require.Equal(t, want.String()+": words", r.Error())
	}
	require.Equal(t, time.Second, Result{Outcome: Throttled, RetryAfter: time.Second}.Refusal().RetryAfter)
}
