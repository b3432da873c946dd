package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// intent is what operators want of one account: its entry in the control bucket, as JSON.
type intent struct {
	Pause pause  `json:"pause,omitzero"`
	Limit limit  `json:"limit,omitzero"`
	Last  change `json:"last,omitzero"`
}

// pause leaves an account alone until its end, or until it is resumed.
type pause struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is resumed
}

// limit counts in place of the configuration's.
type limit struct {
	PerSecond float64 `json:"messages_per_second"`
	Burst     int     `json:"burst"`
}

// change is how an entry came to be what it is.
type change struct {
	What   verb      `json:"what"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// verb is what an operator did.
type verb string

const (
	paused  verb = "pause"
	resumed verb = "resume"
	limited verb = "limit"
	reset   verb = "reset"
)

// decodeIntent reads an entry; of no bytes, nothing is wanted. Fields of a later version are passed over.
func decodeIntent(data []byte) (i intent, err error) {
	if len(data) == 0 {
		return intent{}, nil
	}
	if err := json.Unmarshal(data, &i); err != nil {
		return intent{}, fmt.Errorf("entry: %w", err)
	}
	return i, nil
}

func (i intent) encode() ([]byte, error) { return json.Marshal(i) }

// lasts tells whether the pause is in force.
func (p pause) lasts(now time.Time) bool {
	return p != (pause{}) && (p.Until.IsZero() || now.Before(p.Until))
}

// Bounds of limits, as of those in the configuration.
const (
	leastRate, mostRate = 0.0001, 1e6
	mostBurst           = 1_000_000
)

// fits tells why the account can't have the limit.
func (l limit) fits(a config.Account) error {
	switch {
	case !a.Limit.Limited():
		return badOrder{fmt.Sprintf("account: %s has no limit in the configuration, so there is none to change", a.Name)}
	case !(l.PerSecond >= leastRate && l.PerSecond <= mostRate):
		return badOrder{fmt.Sprintf("messages_per_second: %v is out of range, use %v to %.0f", l.PerSecond, leastRate, mostRate)}
	case l.Burst < a.Batch:
		return badOrder{fmt.Sprintf("burst: %d is below the account's batch of %d, which is fixed while workers run; use %d to %d", l.Burst, a.Batch, a.Batch, mostBurst)}
	case l.Burst > mostBurst:
		return badOrder{fmt.Sprintf("burst: %d is out of range, use %d to %d", l.Burst, a.Batch, mostBurst)}
	}
	return nil
}

// badOrder is an order that can't be meant. It changes nothing.
type badOrder struct{ words string }

func (e badOrder) Error() string { return e.words }

// order is what an operator asks for.
type order interface {
	about() string // the account
	// apply returns the entry that it makes of another one, or a [badOrder].
	apply(a config.Account, i intent, now time.Time) (intent, error)
}

// who is the part of an order that all have.
type who struct {
	Account string `json:"account"`
	By      string `json:"by"`
	Reason  string `json:"reason,omitempty"`
}

func (w who) about() string { return w.Account }

// What words may be like. They come into logs and events, so they are masked as a provider's are.
const (
	mostReason = 200
	mostBy     = 64
)

// last is the change that the order makes, with what is wrong with its words.
func (w who) last(what verb, now time.Time) (change, error) {
	if err := words("by", w.By, mostBy, true); err != nil {
		return change{}, err
	}
	if err := words("reason", w.Reason, mostReason, what == paused); err != nil {
		return change{}, err
	}
	return change{What: what, By: job.Mask(w.By, mostBy), Reason: job.Mask(w.Reason, mostReason), At: now.UTC().Truncate(time.Millisecond)}, nil
}

func words(field, s string, most int, required bool) error {
	switch {
	case required && strings.TrimSpace(s) == "":
		return badOrder{field + ": missing"}
	case len(s) > most || !utf8.ValidString(s):
		return badOrder{fmt.Sprintf("%s: at most %d bytes of text are possible", field, most)}
	}
	return nil
}

// pauseOrder pauses an account. It takes the place of a pause that stands.
type pauseOrder struct {
	who   `json:",inline"`
	Until time.Time `json:"until,omitzero"` // left out: until it is resumed
}

func (o pauseOrder) apply(_ config.Account, i intent, now time.Time) (intent, error) {
	if !o.Until.IsZero() && !o.Until.After(now) {
		return i, badOrder{"until: " + o.Until.Format(time.RFC3339) + " is past"}
	}
	last, err := o.last(paused, now)
	i.Last = last
	i.Pause = pause{Reason: last.Reason, By: last.By, Since: last.At, Until: o.Until.UTC()}
	return i, err
}

// resumeOrder ends an operator's pause. Where there is none it does nothing but stand in the log.
type resumeOrder struct {
	who `json:",inline"`
}

func (o resumeOrder) apply(_ config.Account, i intent, now time.Time) (intent, error) {
	last, err := o.last(resumed, now)
	i.Last, i.Pause = last, pause{}
	return i, err
}

// limitOrder changes an account's limit, or puts the configuration's back. A figure that is left out stays as it is.
type limitOrder struct {
	who       `json:",inline"`
	PerSecond float64 `json:"messages_per_second,omitzero"`
	Burst     int     `json:"burst,omitzero"`
	Reset     bool    `json:"reset,omitzero"`
}

func (o limitOrder) apply(a config.Account, i intent, now time.Time) (intent, error) {
	set := i.Limit
	if set == (limit{}) {
		set = limit{a.Limit.PerSecond, a.Limit.Burst}
	}
	given := o.PerSecond != 0 || o.Burst != 0
	switch {
	case o.Reset && given:
		return i, badOrder{"reset: stands beside messages_per_second or burst; give either"}
	case !o.Reset && !given:
		return i, badOrder{"messages_per_second, burst: missing; give one of them, both, or reset"}
	case o.PerSecond != 0:
		set.PerSecond = o.PerSecond
	}
	if o.Burst != 0 {
		set.Burst = o.Burst
	}
	what := limited
	if o.Reset {
		what, set = reset, limit{}
		if !a.Limit.Limited() {
			return i, limit{}.fits(a)
		}
	} else if err := set.fits(a); err != nil {
		return i, err
	}
	last, err := o.last(what, now)
	i.Last, i.Limit = last, set
	return i, err
}
