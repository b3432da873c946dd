package natsq

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// The headers of ours. They are believed on LATER, STATUS and DEAD, where only workers and operators may publish, and never on a
// job's publication.
const (
	headerPublication = "Gonets-Publication" // the job's publication, <STREAM>:<sequence>
	headerHop         = "Gonets-Hop"         // how often the job was handed to LATER
	headerEpoch       = "Gonets-Epoch"       // the number of its replay out of the dead letters
	headerSequence    = "Gonets-Sequence"    // that of its last event
	headerHash        = "Gonets-Hash"        // its content hash
	headerStored      = "Gonets-Stored"      // when the stream took its publication
	headerJob         = "Gonets-Job"         // its id
	headerLane        = "Gonets-Lane"
	headerRoute       = "Gonets-Route"
	headerTenant      = "Gonets-Tenant"
	headerAttempts    = "Gonets-Attempts" // attempts used up
	headerAccount     = "Gonets-Account"  // the account asked last
	headerWords       = "Gonets-Words"    // the last words of provider or transport
	headerAt          = "Gonets-At"       // when it became a dead letter
	headerDue         = "Gonets-Due"      // when LATER gives it back
	headerTold        = "Gonets-Told"     // the causes of its waiting events so far, separated by commas
	headerMaybe       = "Gonets-Maybe"    // the account that may have the message already
)

// Headers of NATS and of the W3C.
const (
	headerMsgID          = "Nats-Msg-Id"
	headerSchedule       = "Nats-Schedule"
	headerScheduleTarget = "Nats-Schedule-Target"
	headerTraceParent    = "traceparent"
	headerTraceState     = "tracestate"
)

// header builds the headers of a message, without those that have no value, or of several messages one after another. Those of a kind hardly differ
// but in their values: where a message has the same headers as the one before it, in the same order, nothing else is written.
type header struct {
	fields nats.Header
	keys   []string // of the fields, in the order in which they were set
	values []string // of the keys; the fields point here
	n      int      // how many of them are this message's
}

// newHeader has room for so many; more cost more memory and nothing else.
func newHeader(room int) *header {
	return &header{fields: make(nats.Header, room), keys: make([]string, 0, room), values: make([]string, 0, room)}
}

// begin begins another message.
func (h *header) begin() { h.n = 0 }

// done is what was set since, good until another message begins.
func (h *header) done() nats.Header {
	h.cut()
	return h.fields
}

// cut removes what only the message before had.
func (h *header) cut() {
	for _, key := range h.keys[h.n:] {
		delete(h.fields, key)
	}
	h.keys, h.values = h.keys[:h.n], h.values[:h.n]
}

// set adds a header that wasn't set yet, be its value empty or not.
func (h *header) set(key, value string) {
	if h.n == len(h.keys) || h.keys[h.n] != key {
		h.cut()
		h.put(key)
	}
	h.values[h.n] = value
	h.n++
}

// put adds a field.
func (h *header) put(key string) {
	first := len(h.values)
	if first == cap(h.values) {
		first = 0 // they all move
	}
	h.keys, h.values = append(h.keys, key), append(h.values, "")
	for i := first; i < len(h.keys); i++ {
		h.fields[h.keys[i]] = h.values[i : i+1 : i+1]
	}
}

func (h *header) text(key, value string) {
	if value != "" {
		h.set(key, value)
	}
}

func (h *header) number(key string, n int) {
	if n != 0 {
		h.set(key, strconv.Itoa(n))
	}
}

func (h *header) time(key string, t time.Time) {
	if !t.IsZero() {
		h.set(key, t.UTC().Format(time.RFC3339Nano))
	}
}

func (h *header) trace(t job.Trace) {
	h.text(headerTraceParent, t.Parent)
	h.text(headerTraceState, t.State)
}

// traceOf reads the trace context. HTTP libraries like to write its names with a capital.
func traceOf(h nats.Header) job.Trace {
	return job.Trace{Parent: either(h, headerTraceParent, "Traceparent"), State: either(h, headerTraceState, "Tracestate")}
}

func either(h nats.Header, key, other string) string {
	if v := h.Get(key); v != "" {
		return v
	}
	return h.Get(other)
}

// numberOf reads a count; 0 where there is none.
func numberOf(h nats.Header, key string) int {
	n, err := strconv.Atoi(h.Get(key))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// timeOf reads a time; the zero time where there is none.
func timeOf(h nats.Header, key string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, h.Get(key))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// maxWords is the length in bytes of words in a header at most.
const maxWords = 1 << 10

// oneLine makes text fit for a header.
func oneLine(s string) string {
	if len(s) > maxWords {
		s = s[:maxWords]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}
