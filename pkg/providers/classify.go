package providers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Verdict is what a provider's words mean.
type Verdict struct {
	Outcome Outcome
	Code    Code // empty: the outcome's own, see [Outcome.Code]
}

// Result is the verdict as a result, with the provider's words redacted. Submitted carries neither code nor words.
func (v Verdict) Result(words string, secrets ...Secret) Result {
	if v.Outcome == Submitted {
		return Result{Outcome: Submitted}
	}
	return Result{Outcome: v.Outcome, Code: cmp.Or(v.Code, v.Outcome.Code()),
		Message: cmp.Or(Redact(words, secrets...), "no reason was given")}
}

// Code is the code that goes with an outcome that has but one. Rejected has several, Submitted has none: both give
// an empty one.
func (o Outcome) Code() Code {
	switch o {
	case Ambiguous:
		return CodeAmbiguous
	case Unavailable:
		return CodeUnavailable
	case Throttled:
		return CodeThrottled
	case ClosedDestination:
		return CodeClosedDestination
	case InsufficientFunds, Stalled:
		return CodeInsufficientFunds
	case Unauthorized:
		return CodeUnauthorized
	case Misconfigured:
		return CodeMisconfigured
	}
	return ""
}

// Phrases is a provider's dictionary: what its known texts mean. It is made by [NewPhrases] and safe for concurrent use.
type Phrases struct {
	whole  map[string]Verdict
	byLong []string // folded, the longest first
}

// NewPhrases makes a dictionary. Case, surrounding space, a trailing dot and the dots of ё don't matter.
func NewPhrases(meanings map[string]Verdict) Phrases {
	p := Phrases{whole: make(map[string]Verdict, len(meanings))}
	for text, v := range meanings {
		folded := fold(text)
		p.whole[folded] = v
		p.byLong = append(p.byLong, folded)
	}
	slices.SortFunc(p.byLong, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return p
}

// Find tells what words mean: by the whole text, else by the longest known phrase that is contained in it. Success
// is found by the whole text only, since "not accepted" contains "accepted". Unknown words are Ambiguous, with ok false.
func (p Phrases) Find(words string) (v Verdict, ok bool) {
	if v, ok := p.whole[words]; ok { // folded already, as "accepted" is
		return v, true
	}
	words = fold(words)
	if v, ok := p.whole[words]; ok {
		return v, true
	}
	for _, phrase := range p.byLong {
		if v := p.whole[phrase]; v.Outcome != Submitted && phrase != "" && strings.Contains(words, phrase) {
			return v, true
		}
	}
	return Verdict{Outcome: Ambiguous}, false
}

// Result is what words mean, as a result that keeps them, redacted.
func (p Phrases) Result(words string, secrets ...Secret) Result {
	v, _ := p.Find(words)
	return v.Result(words, secrets...)
}

// fold makes texts equal that differ only in case, space at the ends or between words, a trailing dot, or ё for е.
func fold(s string) string {
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	s = strings.TrimSpace(strings.TrimRight(s, "."))
	return strings.ReplaceAll(s, "ё", "е")
}

// Result is what became of the messages of a request where the reply's body says nothing that the provider's API knows, or
// where no whole reply came: the way it failed, or the HTTP status, decides. A body that is one short line of plain
// text is kept in the result's words, redacted.
func (r Reply) Result(secrets ...Secret) Result {
	v := r.verdict()
	res := v.Result(r.words(), secrets...)
	if v.Outcome == Throttled {
		res.RetryAfter = r.RetryAfter
	}
	return res
}

func (r Reply) verdict() Verdict {
	switch {
	case r.Fate == NotSent:
		return Verdict{Outcome: Unavailable}
	case r.Status >= 300 && r.Status < 400:
		return Verdict{Outcome: Misconfigured} // even where its body broke off: no API answers so
	case r.Fate == MaybeSent:
		return Verdict{Outcome: Ambiguous}
	}
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return Verdict{Outcome: Unauthorized}
	case http.StatusPaymentRequired:
		return Verdict{Outcome: InsufficientFunds}
	case http.StatusTooManyRequests:
		return Verdict{Outcome: Throttled}
	case http.StatusRequestTimeout:
		return Verdict{Outcome: Ambiguous} // a proxy says so too when what stands behind it doesn't answer
	}
	if r.Status >= 400 && r.Status < 500 {
		return Verdict{Outcome: Misconfigured}
	}
	return Verdict{Outcome: Ambiguous}
}

const maxPlainWords = 120 // bytes

// words says what came, for a reply that the provider's API can't explain.
func (r Reply) words() string {
	what := "no reply"
	if r.Status != 0 {
		what = fmt.Sprintf("HTTP %d", r.Status)
	}
	switch {
	case r.Fate == NotSent:
		return "not sent: " + r.err().Error()
	case r.Status >= 300 && r.Status < 400:
		return what + ": a redirect, which is not followed; set the account's url to where the API answers"
	case r.Fate == MaybeSent:
		return what + ": " + r.err().Error()
	}
	if len(r.Body) == 0 {
		return what + " without a body"
	}
	if plain := r.Plain(); plain != "" {
		return what + ": " + plain
	}
	return fmt.Sprintf("%s with a body of %d bytes that is not understood", what, len(r.Body))
}

// Plain is the body where it is one short line of plain text, such as "method not found"; empty otherwise.
func (r Reply) Plain() string {
	body := strings.TrimSpace(string(r.Body))
	if len(body) > maxPlainWords || strings.ContainsAny(body, "<>{}[]\r\n") {
		return ""
	}
	return body
}

func (r Reply) err() error {
	if r.Err == nil {
		return errors.New("the cause is not known")
	}
	return r.Err
}
