package natsq

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// delivery makes a message one. Of headers of ours it believes those that came out of LATER.
func (s *source) delivery(h held, later bool) dispatch.Delivery {
	m := h.msg
	d := dispatch.Delivery{
		Address: job.Address{Lane: s.lane, Route: s.route, Tenant: tenantOf(m.Subject)},
		Data:    m.Data,
		Trace:   traceOf(m.Header),
		Stored:  h.at,
		Handle:  handle{s.nc, m.Reply},
	}
	// The reply subject is the server's own and always tells.
	if o, ok := originOf(m.Reply); ok {
		d.Publication = o.stream + ":" + o.sequence
		d.Stored = o.at
		d.Pending = o.pending
		d.Redelivered = o.deliveries > 1
		d.Place = dispatch.Place{Queue: o.queue, Sequence: o.place}
	}
	if later {
		outOfLater(&d, m.Header)
	}
	return d
}

// outOfLater adds what only the headers of a copy out of LATER tell.
func outOfLater(d *dispatch.Delivery, h nats.Header) {
	if p := h.Get(headerPublication); p != "" {
		d.Publication = p
	}
	if t := timeOf(h, headerStored); !t.IsZero() {
		d.Stored = t
	}
	d.Hop, d.Epoch, d.Sequence = numberOf(h, headerHop), numberOf(h, headerEpoch), numberOf(h, headerSequence)
}

// noTenant stands for a tenant that can't be told in a subject. It is no valid token either, so its jobs are refused.
const noTenant = "_"

// maxTenant is the length in bytes of a tenant that isn't valid but can be told of.
const maxTenant = 64

// tenantOf is the last token of a job's subject. Consumers let any token through, so that a job with a bad one is refused with an
// event instead of lying there for ever; the event is published to that tenant where the token can stand in a subject.
func tenantOf(subject string) string {
	t := subject[strings.LastIndexByte(subject, '.')+1:]
	if job.ValidToken(t) {
		return t
	}
	if t == "" || len(t) > maxTenant || !utf8.ValidString(t) || strings.ContainsFunc(t, func(r rune) bool {
		return r == '*' || r == '>' || !unicode.IsPrint(r) || unicode.IsSpace(r)
	}) {
		return noTenant
	}
	return t
}

// handle answers by publishing to the message's reply subject, without waiting.
type handle struct {
	nc    *nats.Conn
	reply string
}

func (h handle) Ack() error { return h.nc.Publish(h.reply, []byte("+ACK")) }

func (h handle) Nak(delay time.Duration) error {
	if delay <= 0 {
		return h.nc.Publish(h.reply, []byte("-NAK"))
	}
	return h.nc.Publish(h.reply, append(strconv.AppendInt([]byte(`-NAK {"delay":`), int64(delay), 10), '}'))
}

func (h handle) InProgress() error { return h.nc.Publish(h.reply, []byte("+WPI")) }
