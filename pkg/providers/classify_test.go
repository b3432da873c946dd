package providers

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReplyByStatus(t *testing.T) {
	for _, tc := range []struct {
		name  string
		reply Reply
		want  Result
	}{
		{"not sent", Reply{Fate: NotSent, Err: errors.New("connection refused")},
			Result{Outcome: Unavailable, Code: CodeUnavailable, Message: "not sent: connection refused"}},
		{"maybe sent", Reply{Fate: MaybeSent, Err: errors.New("timed out")},
			Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "no reply: timed out"}},
		{"nothing known", Reply{},
			Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "no reply: the cause is not known"}},
		{"broken body", Reply{Fate: MaybeSent, Status: 401, Err: errors.New("connection closed")},
			Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "HTTP 401: connection closed"}},
		{"401", Reply{Fate: Answered, Status: 401}, Result{Outcome: Unauthorized, Code: CodeUnauthorized, Message: "HTTP 401 without a body"}},
		{"403", Reply{Fate: Answered, Status: 403, Body: []byte("<html>")},
			Result{Outcome: Unauthorized, Code: CodeUnauthorized, Message: "HTTP 403 with a body of 6 bytes that is not understood"}},
		{"402", Reply{Fate: Answered, Status: 402, Body: []byte(" pay! ")},
			Result{Outcome: InsufficientFunds, Code: CodeInsufficientFunds, Message: "HTTP 402: pay!"}},
		{"429", Reply{Fate: Answered, Status: 429, RetryAfter: time.Second},
			Result{Outcome: Throttled, Code: CodeThrottled, Message: "HTTP 429 without a body", RetryAfter: time.Second}},
		{"404", Reply{Fate: Answered, Status: 404, Body: []byte("no pass here")},
			Result{Outcome: Misconfigured, Code: CodeMisconfigured, Message: "HTTP 404: no ****** here"}},
		{"408", Reply{Fate: Answered, Status: 408}, Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "HTTP 408 without a body"}},
		{"500", Reply{Fate: Answered, Status: 500, RetryAfter: time.Second},
			Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "HTTP 500 without a body"}},
		{"200", Reply{Fate: Answered, Status: 200, Body: []byte("hm")}, Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "HTTP 200: hm"}},
		{"204", Reply{Fate: Answered, Status: 204}, Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "HTTP 204 without a body"}},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, tc.reply.Result("pass")) })
	}
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		for _, fate := range []Fate{Answered, MaybeSent} {
			require.Equal(t, Misconfigured, Reply{Fate: fate, Status: status}.Result().Outcome, status)
		}
	}
}

// Of the statuses, only those that say so promise that nothing was sent.
func TestOnlyRefusalsAreSurelyNotSent(t *testing.T) {
	for status := range 700 {
		o := Reply{Fate: Answered, Status: status}.Result().Outcome
		refused := status >= 300 && status < 500 && status != http.StatusRequestTimeout
		require.Equal(t, refused, o.SurelyNotSent(), "HTTP %d: %v", status, o)
		require.NotEqual(t, Submitted, o)
	}
}

func TestPhrases(t *testing.T) {
	p := NewPhrases(map[string]Verdict{
		"accepted":               {Outcome: Submitted},
		"Закончились SMS":        {Outcome: InsufficientFunds},
		"У нас закончились SMS":  {Outcome: Unavailable},
		"отправитель не прошёл":  {Outcome: Rejected, Code: InvalidSender},
		"absent required param:": {Outcome: Misconfigured},
	})
	for words, want := range map[string]Outcome{
		"accepted":            Submitted,
		" Accepted. ":         Submitted,
		"not accepted":        Ambiguous,
		"accepted, but":       Ambiguous,
		"Закончились SMS":     InsufficientFunds,
		"закончились  sms...": InsufficientFunds,
		"Увы, закончились SMS на счёте":    InsufficientFunds,
		"У нас закончились SMS":            Unavailable,
		"Извините: у нас закончились SMS!": Unavailable,
		"ОТПРАВИТЕЛЬ НЕ ПРОШЕЛ модерацию":  Rejected,
		"отправитель не прошёл модерацию.": Rejected,
		"absent required param: messages":  Misconfigured,
		"words that nobody has ever heard": Ambiguous,
		"":                                 Ambiguous,
		".":                                Ambiguous,
	} {
		v, ok := p.Find(words)
		require.Equal(t, want, v.Outcome, "%q", words)
		require.Equal(t, want != Ambiguous, ok, "%q", words)
	}
	require.Equal(t, Result{Outcome: Rejected, Code: InvalidSender, Message: "Отправитель не прошёл"}, p.Result("Отправитель не прошёл"))
	require.Equal(t, Result{Outcome: Ambiguous, Code: CodeAmbiguous, Message: "who is ***?"}, p.Result("who is 79612242243?"))
	require.Equal(t, Result{Outcome: Submitted}, p.Result("accepted"))
	require.Equal(t, "no reason was given", p.Result("\x00").Message)
}

// Every outcome but success has a code, or comes with one of its own.
func TestOutcomesHaveCodes(t *testing.T) {
	for o := range Outcome(len(outcomeNames)) {
		require.Equal(t, o == Submitted || o == Rejected, o.Code() == "", o)
	}
}

// No words become a success but the whole of a known one.
func TestNoWordsBecomeSuccess(t *testing.T) {
	p := NewPhrases(map[string]Verdict{"ok": {Outcome: Submitted}, "no": {Outcome: Rejected, Code: InvalidContent}, "": {Outcome: Throttled}})
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ ]?(not |un)?[oO][kK][.!]?[ ]?`)).Draw(t, "words")
		v, _ := p.Find(words)
		if v.Outcome == Submitted {
			require.Equal(t, "ok", fold(words))
		}
	})
}
