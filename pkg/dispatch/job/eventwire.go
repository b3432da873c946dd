package job

import (
	"strconv"
	"time"
)

// eventTime is RFC 3339 with milliseconds.
const eventTime = "2006-01-02T15:04:05.000Z07:00"

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
	const most = 10
	values := make([]string, 0, most)
	h := make(map[string][]string, most)
	e.EachHeader(t, func(key, value string) {
		values = append(values, value)
		h[key] = values[len(values)-1 : len(values) : len(values)] // one piece of memory for all
	})
	return h
}

// EachHeader hands what [Event.Headers] returns to set, for a caller that has its own place for it. No value is empty but that of
// ce-subject where the event has no job.
func (e *Event) EachHeader(t Trace, set func(key, value string)) {
	id := e.ID()
	set("ce-specversion", "1.0")
	set("ce-id", id)
	set("ce-type", "gonets.message."+string(e.State))
	set("ce-source", "/gonets/"+e.Route)
	set("ce-subject", e.Job)
	set("ce-time", e.At.UTC().Format(eventTime))
	set("content-type", "application/json")
	set("Nats-Msg-Id", id)
	if t.Parent != "" {
		set("traceparent", t.Parent)
	}
	if t.State != "" {
		set("tracestate", t.State)
	}
}

// wireTime is a time as events carry it: UTC, to the millisecond.
func wireTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
