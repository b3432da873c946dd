package job

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Encode gives the event's data as JSON, the same bytes each time. Times are written in UTC, to the millisecond; invalid UTF-8, as a provider
// may have sent it, as U+FFFD. What comes from outside belongs through [Mask] before it is put into an event. The
// only error is a time that RFC 3339 can't tell.
func (e *Event) Encode() ([]byte, error) { return NewWire("").Data(make([]byte, 0, 512), e) }

// Data appends what [Event.Encode] gives. It returns b as it was with an error.
func (w *Wire) Data(b []byte, e *Event) ([]byte, error) {
	if bad(e.At) || bad(e.RetryAt) {
		return b, fmt.Errorf("event %s of job %q: at or retry_at is outside the years 0 to 9999", e.State, e.Job)
	}
	// By hand, since it is written tens of thousands of times a second; a test holds it to what the library writes.
	d := writer{b: append(b, '{')}
	d.text("job", e.Job)
	d.b = w.address(d.b, e)
	d.number("sequence", e.Sequence)
	d.some("publication", e.Publication)
	d.b = w.asking(d.b, e)
	d.some("provider_id", e.ProviderID)
	d.some("provider_status", e.ProviderStatus)
	if e.Segments != 0 {
		d.number("segments", e.Segments)
	}
	d.some("cost", e.Cost)
	d.some("currency", e.Currency)
	if e.Recipients != 0 {
		d.number("recipients", e.Recipients)
	}
	if e.Error != nil {
		d.open("error")
		d.text("code", string(e.Error.Code))
		d.some("message", e.Error.Message)
		d.b = append(d.b, '}')
	}
	if !e.RetryAt.IsZero() {
		d.name("retry_at")
		d.b = append(d.b, '"')
		d.b = append(wireTime(e.RetryAt).AppendFormat(d.b, time.RFC3339Nano), '"')
	}
	if len(e.Metadata) > 0 {
		d.open("metadata")
		for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
			d.comma()
			d.quote(key)
			d.b = append(d.b, ':')
			d.quote(e.Metadata[key])
		}
		d.b = append(d.b, '}')
	}
	return append(d.b, '}'), nil
}

func bad(t time.Time) bool {
	year := t.UTC().Year()
	return year < 0 || year > 9999
}

// DecodeEvent reads an event's data. Fields and states it doesn't know are no error: a consumer must outlive the next version. The error
// doesn't quote the data.
func DecodeEvent(data []byte) (*Event, error) {
	e, flat := readFlatEvent(data)
	if !flat {
		e = new(Event)
		if err := json.Unmarshal(data, e); err != nil {
			return nil, fmt.Errorf("not a status event: %w", explain(err))
		}
	}
	if e.Job == "" || e.State == "" {
		return nil, errors.New("not a status event: job and state are required")
	}
	e.At = e.At.UTC()
	if !e.RetryAt.IsZero() {
		e.RetryAt = e.RetryAt.UTC()
	}
	return e, nil
}

// writer appends JSON members.
type writer struct{ b []byte }

func (w *writer) comma() {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
}

// name begins a member whose name needs no escapes.
func (w *writer) name(name string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// quote's error is about invalid UTF-8, which it has replaced.
func (w *writer) quote(s string) { w.b, _ = jsontext.AppendQuote(w.b, s) }

func (w *writer) open(name string) {
	w.name(name)
	w.b = append(w.b, '{')
}

func (w *writer) text(name, value string) {
	w.name(name)
	w.quote(value)
}

func (w *writer) some(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *writer) number(name string, value int) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, int64(value), 10)
}
