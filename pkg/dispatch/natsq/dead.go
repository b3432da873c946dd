package natsq

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

func (o *Outlet) letter(l *dispatch.DeadLetter) *nats.Msg {
	d := &l.Delivery
	a := d.Address
	h := newHeader(deadHeaders)
	h.trace(d.Trace)
	h.text(headerMsgID, messageID(d, l.JobID))
	h.text(headerPublication, d.Publication)
	h.time(headerStored, d.Stored)
	h.text(headerJob, l.JobID)
	h.text(headerTenant, a.Tenant)
	h.text(headerRoute, a.Route)
	h.text(headerLane, string(a.Lane))
	h.number(headerHop, d.Hop)
	h.number(headerEpoch, d.Epoch)
	h.number(headerSequence, d.Sequence)
	h.number(headerAttempts, l.Attempts)
	h.text(headerAccount, l.Account)
	h.text(headerWords, oneLine(l.Words))
	h.time(headerAt, l.At)
	return &nats.Msg{
		Subject: o.prefix + ".dead." + a.Tenant + "." + a.Route + "." + string(l.Reason),
		Header:  h.done(),
		Data:    d.Data,
	}
}

// DecodeDead reads a message of the DEAD stream. Data is the job's JSON as its producer published it; [Replay] gives it back to the workers.
func DecodeDead(subject string, h nats.Header, data []byte) (dispatch.DeadLetter, error) {
	lane, err := job.ParseLane(h.Get(headerLane))
	l := dispatch.DeadLetter{
		Delivery: dispatch.Delivery{
			Address:     job.Address{Lane: lane, Route: h.Get(headerRoute), Tenant: h.Get(headerTenant)},
			Publication: h.Get(headerPublication),
			Hop:         numberOf(h, headerHop),
			Epoch:       numberOf(h, headerEpoch),
			Sequence:    numberOf(h, headerSequence),
			Data:        data,
			Trace:       traceOf(h),
			Stored:      timeOf(h, headerStored),
		},
		JobID:    h.Get(headerJob),
		Reason:   job.Code(subject[strings.LastIndexByte(subject, '.')+1:]),
		Attempts: numberOf(h, headerAttempts),
		Account:  h.Get(headerAccount),
		Words:    h.Get(headerWords),
		At:       timeOf(h, headerAt),
	}
	a := l.Delivery.Address
	switch {
	case err != nil:
	case !job.ValidToken(a.Route) || !job.ValidToken(a.Tenant):
		err = errors.New("route or tenant is missing")
	case l.JobID == "" || l.Delivery.Publication == "":
		err = errors.New("job or publication is missing")
	case l.At.IsZero():
		err = errors.New("the time is missing")
	}
	if err != nil {
		return dispatch.DeadLetter{}, fmt.Errorf("not a dead letter: %w", err)
	}
	return l, nil
}

// DecodeStatus reads a message of the STATUS stream.
func DecodeStatus(h nats.Header, data []byte) (dispatch.Event, error) {
	e, err := job.DecodeEvent(data)
	if err != nil {
		return dispatch.Event{}, err
	}
	out := dispatch.Event{
		Event:       *e,
		Trace:       traceOf(h),
		Hash:        h.Get(headerHash),
		Publication: h.Get(headerPublication),
		Epoch:       numberOf(h, headerEpoch),
		Hop:         numberOf(h, headerHop),
		Attempts:    numberOf(h, headerAttempts),
		Due:         timeOf(h, headerDue),
		Maybe:       h.Get(headerMaybe),
	}
	if told := h.Get(headerTold); told != "" {
		out.Told = strings.Split(told, ",")
	}
	return out, nil
}
