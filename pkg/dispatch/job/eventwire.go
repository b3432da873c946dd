package job

import (
	"strconv"
	"time"
)

// ID is the event's ce-id: 32 hexadecimal digits, derived from tenant, job and sequence, so that a repeat of the
// event is recognisable for ever. For a publication that never became a job (sequence 0) from tenant, publication and state.
func (e *Event) ID() string {
	var room [256]byte
	b := appendField(room[:0], e.Tenant)
	if e.Sequence > 0 {
		b = appendField(b, "job")
		b = appendField(b, e.Job)
		b = appendField(b, strconv.Itoa(e.Sequence))
	} else {
		b = appendField(b, "publication")
		b = appendField(b, e.Publication)
		b = appendField(b, string(e.State))
	}
	return half(b)
}

// Subject is where the event is published: <prefix>.status.<tenant>.<route>.<state>.
func (e *Event) Subject(prefix string) string {
	return prefix + ".status." + e.Tenant + "." + e.Route + "." + string(e.State)
}

// Headers are those of a CloudEvent 1.0 in NATS binary mode, the message id by which the server drops repeats, and the trace
// context as far as the job brought one.
func (e *Event) Headers(t Trace) map[string][]string {
	h := map[string][]string{}
	NewWire("").Event(e, t, func(key, value string) { h[key] = []string{value} })
	return h
}

// Wire gives subjects and headers of events one after another, for a caller that has its own place for them. What an event shares with the one
// before it, as those of a packet do, isn't made anew. It is for one goroutine.
type Wire struct {
	prefix                      string
	last                        Event // as far as the texts below depend on it
	subject, kind, source, time string
}

// NewWire returns a wire for subjects under a prefix.
func NewWire(prefix string) *Wire { return &Wire{prefix: prefix} }

// Event returns [Event.Subject] and hands what [Event.Headers] returns to set. No value is empty but that of ce-subject where the event
// has no job.
func (w *Wire) Event(e *Event, t Trace, set func(key, value string)) (subject string) {
	if l := &w.last; w.subject == "" || l.Tenant != e.Tenant || l.Route != e.Route || l.State != e.State || !l.At.Equal(e.At) {
		l.Tenant, l.Route, l.State, l.At = e.Tenant, e.Route, e.State, e.At
		w.subject, w.kind, w.source, w.time = e.Subject(w.prefix), "gonets.message."+string(e.State), "/gonets/"+e.Route, string(appendTime(nil, e.At))
	}
	id := e.ID()
	set("ce-specversion", "1.0")
	set("ce-id", id)
	set("ce-type", w.kind)
	set("ce-source", w.source)
	set("ce-subject", e.Job)
	set("ce-time", w.time)
	set("content-type", "application/json")
	set("Nats-Msg-Id", id)
	if t.Parent != "" {
		set("traceparent", t.Parent)
	}
	if t.State != "" {
		set("tracestate", t.State)
	}
	return w.subject
}

// wireTime is a time as events carry it: UTC, to the millisecond.
func wireTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// appendTime appends a time in RFC 3339, in UTC, with the milliseconds cut off behind three digits. The time package takes three times as long
// for a layout of one's own.
func appendTime(b []byte, t time.Time) []byte {
	ms := t.Nanosecond() / int(time.Millisecond)
	b = t.UTC().AppendFormat(b, time.RFC3339)
	return append(b[:len(b)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}
