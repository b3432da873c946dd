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

// Wire gives subjects, headers and data of events one after another, for a caller that has its own place for them. What an event shares with the
// one before it, as those of a packet do, isn't made anew. It is for one goroutine.
type Wire struct {
	prefix                      string
	last                        Event // as far as the texts below depend on it
	subject, kind, source, time string

	about address // as it stands in part, behind a comma; likewise asked
	asked asking
	part  struct{ about, asked []byte }
}

// address is what an event's data says from tenant to final.
type address struct {
	tenant, route string
	lane          Lane
	channel       Channel
	state         State
	final         bool
}

// asking is what it says from at to provider.
type asking struct {
	at                int64 // ms
	attempt           int
	account, provider string
}

// NewWire returns a wire for subjects under a prefix.
func NewWire(prefix string) *Wire {
	w := &Wire{prefix: prefix}
	w.part.about, w.part.asked = make([]byte, 0, partSize), make([]byte, 0, partSize)
	return w
}

// partSize is more than the parts of most events have; larger ones cost more memory and nothing else.
const partSize = 160

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

// address appends an event's members from tenant to final.
func (w *Wire) address(b []byte, e *Event) []byte {
	if a := (address{e.Tenant, e.Route, e.Lane, e.Channel, e.State, e.Final}); a != w.about || len(w.part.about) == 0 {
		d := writer{b: append(w.part.about[:0], '{')}
		d.text("tenant", a.tenant)
		d.text("route", a.route)
		d.text("lane", string(a.lane))
		d.some("channel", string(a.channel))
		d.text("state", string(a.state))
		d.name("final")
		d.b = strconv.AppendBool(d.b, a.final)
		d.b[0] = ','
		w.about, w.part.about = a, d.b
	}
	return append(b, w.part.about...)
}

// asking appends an event's members from at to provider.
func (w *Wire) asking(b []byte, e *Event) []byte {
	if a := (asking{e.At.UnixMilli(), e.Attempt, e.Account, e.Provider}); a != w.asked || len(w.part.asked) == 0 {
		d := writer{b: append(w.part.asked[:0], `{"at":"`...)}
		d.b = append(appendTime(d.b, e.At), '"')
		if a.attempt != 0 {
			d.number("attempt", a.attempt)
		}
		d.some("account", a.account)
		d.some("provider", a.provider)
		d.b[0] = ','
		w.asked, w.part.asked = a, d.b
	}
	return append(b, w.part.asked...)
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
