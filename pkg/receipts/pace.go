package receipts

import (
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

const (
	// askSeldom is how long a message is left alone at most between two questions about it.
	askSeldom = 6 * time.Hour
	// failedLongest is how long a provider that doesn't answer a question is left alone at most.
	failedLongest = time.Minute
)

// firstAsk is the age at which a message is asked about for the first time: late where its receipt should come by itself, early where
// nothing else tells of it.
func (a *Account) firstAsk() time.Duration {
	if a.Queue != nil || a.Hook != nil {
		return a.AskAfter
	}
	return min(a.Idle, a.AskAfter)
}

// nextAsk is when to ask about a message again that was asked about now: each time after half its age once more, so that a message is asked about
// some dozen times in a day.
func (a *Account) nextAsk(sent, now time.Time) time.Time {
	age := now.Sub(sent)
	pause := min(max(a.firstAsk(), age/2), askSeldom)
	if end := sent.Add(a.GiveUp); now.Add(pause).After(end) {
		return end
	}
	return now.Add(pause)
}

// pace is the rhythm of questions to a provider.
type pace struct {
	failures int
}

// afterAnswer is how long to wait before the next read: not at all where more is sure to be there, every where something is to be expected,
// idle at rest.
func (p *pace) afterAnswer(a *Account, rows, most int, expecting bool) time.Duration {
	p.failures = 0
	switch {
	case most > 0 && rows >= most:
		return 0
	case rows > 0 || expecting:
		return a.Every
	default:
		return a.Idle
	}
}

// afterFailure doubles with each failure in a row, from every, to a minute or idle, whichever is longer; and is what the provider asks for
// where that is more.
func (p *pace) afterFailure(a *Account, r *providers.Refusal) time.Duration {
	longest := max(failedLongest, a.Idle)
	d := min(a.Every<<min(p.failures, 16), longest)
	if d <= 0 {
		d = longest
	}
	p.failures++
	if r != nil {
		d = max(d, r.RetryAfter)
	}
	return d
}

// expecting tells whether receipts are to be expected soon: messages wait, and the newest of them isn't old enough to be asked about.
func (a *Account) expecting(waiting int, newest, now time.Time) bool {
	return waiting > 0 && now.Sub(newest) < a.AskAfter
}

// about tells whether a refusal is about one question, so that another may fare better.
func about(r *providers.Refusal) bool {
	return r != nil && (r.Outcome == providers.Ambiguous || r.Outcome == providers.Misconfigured)
}
