package natsq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// How many headers a message has as a rule. Go's maps hold 14 in half the memory of 15.
const (
	eventHeaders = 14
	heldHeaders  = 9
	deadHeaders  = 14
)

// Outlet publishes status events, held jobs and dead letters. It is safe for concurrent use.
type Outlet struct {
	acks   *acker
	prefix string
}

var _ dispatch.Outlet = (*Outlet)(nil)

// NewOutlet returns the outlet of a prefix.
func NewOutlet(nc *nats.Conn, prefix string) (*Outlet, error) {
	if !validPrefix(prefix) {
		return nil, fmt.Errorf("prefix %q is not valid", prefix)
	}
	return &Outlet{acks: newAcker(nc), prefix: prefix}, nil
}

// Publish implements [dispatch.Outlet]: the events are CloudEvents on <prefix>.status.<tenant>.<route>.<state>. The server drops
// repeats within the stream's duplicate window of an hour.
func (o *Outlet) Publish(ctx context.Context, events []dispatch.Event) error {
	return publish(ctx, o.acks, events, "status events", o.newLetterhead().event)
}

// Hold implements [dispatch.Outlet], by a message schedule for each job. The server looks at its schedules every quarter second at most; so a
// job comes back at Due or that much later. What is due already is not scheduled, but comes back at once.
func (o *Outlet) Hold(ctx context.Context, jobs []dispatch.Held) error {
	now := time.Now()
	return publish(ctx, o.acks, jobs, "held jobs", func(h *dispatch.Held) (*nats.Msg, error) { return o.held(h, now) })
}

// Bury implements [dispatch.Outlet]: dead letters are the job's JSON, unchanged, on <prefix>.dead.<tenant>.<route>.<reason>.
func (o *Outlet) Bury(ctx context.Context, letters []dispatch.DeadLetter) error {
	return publish(ctx, o.acks, letters, "dead letters", func(d *dispatch.DeadLetter) (*nats.Msg, error) { return o.letter(d), nil })
}

// letterhead makes the messages of status events, each in the memory of the one before it: it may be made once that one is written.
type letterhead struct {
	wire   *job.Wire
	header *header
	data   []byte
	msg    nats.Msg
}

func (o *Outlet) newLetterhead() *letterhead {
	return &letterhead{wire: job.NewWire(o.prefix), header: newHeader(eventHeaders), data: make([]byte, 0, 1024)}
}

func (l *letterhead) event(e *dispatch.Event) (*nats.Msg, error) {
	var err error
	if l.data, err = l.wire.Data(l.data[:0], &e.Event); err != nil {
		return nil, err
	}
	h := l.header
	h.begin()
	subject := l.wire.Event(&e.Event, e.Trace, h.set)
	h.text(headerHash, e.Hash)
	h.text(headerPublication, e.Publication)
	h.number(headerEpoch, e.Epoch)
	h.number(headerHop, e.Hop)
	h.number(headerAttempts, e.Attempts)
	h.time(headerDue, e.Due)
	h.text(headerTold, strings.Join(e.Told, ","))
	h.text(headerMaybe, e.Maybe)
	l.msg = nats.Msg{Subject: subject, Header: h.done(), Data: l.data}
	return &l.msg, nil
}

func (o *Outlet) held(j *dispatch.Held, now time.Time) (*nats.Msg, error) {
	d := &j.Delivery
	if y := j.Due.UTC().Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("job %s is due in the year %d, which no schedule can tell", j.JobID, y)
	}
	h := newHeader(heldHeaders)
	h.trace(d.Trace)
	h.text(headerPublication, d.Publication)
	h.time(headerStored, d.Stored)
	h.number(headerHop, j.Hop)
	h.number(headerEpoch, d.Epoch)
	h.number(headerSequence, d.Sequence)
	id := holdID(d, j.JobID, j.Hop)
	h.text(headerMsgID, id)
	due := dueSubject(o.prefix, d.Address)
	if !j.Due.After(now) {
		return &nats.Msg{Subject: due, Header: h.done(), Data: d.Data}, nil
	}
	h.text(headerScheduleTarget, due)
	h.text(headerSchedule, "@at "+j.Due.UTC().Format(time.RFC3339Nano))
	return &nats.Msg{Subject: atSubject(o.prefix, d.Address, id), Header: h.done(), Data: d.Data}, nil
}

// holdID names a job's stay in LATER.
func holdID(d *dispatch.Delivery, jobID string, hop int) string {
	return messageID(d, jobID) + ":" + strconv.Itoa(hop)
}

// dueSubject is where LATER gives the jobs of an address back.
func dueSubject(prefix string, a job.Address) string {
	return prefix + ".later.due." + string(a.Lane) + "." + a.Route + "." + a.Tenant
}

// atSubject is that of a stay's schedule. One schedule a subject; a repeat that the duplicate window missed replaces its forerunner.
func atSubject(prefix string, a job.Address, id string) string {
	sum := sha256.Sum256([]byte(id))
	return prefix + ".later.at." + string(a.Lane) + "." + a.Route + "." + a.Tenant + "." + hex.EncodeToString(sum[:16])
}

// messageID is the same for a repeat and for nothing else. The publication is in it since an id may be used again once its record is gone.
func messageID(d *dispatch.Delivery, jobID string) string {
	return d.Address.Tenant + ":" + jobID + ":" + d.Publication + ":" + strconv.Itoa(d.Epoch)
}

// publish stores all of the items, or returns how many it doesn't know to be stored and why the first of them isn't. The message of an
// item may use the memory of the one before it.
func publish[T any](ctx context.Context, acks *acker, items []T, what string, message func(*T) (*nats.Msg, error)) error {
	failed, first := acks.publish(ctx, len(items), func(i int) (*nats.Msg, error) { return message(&items[i]) })
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d %s not stored: %w", failed, len(items), what, first)
}
