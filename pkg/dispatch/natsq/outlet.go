package natsq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
)

const (
	// maxPending is how many publications of one worker may be unanswered at once. The server refuses when 10,000 wait for one
	// stream, over all workers.
	maxPending = 4096
	// answerWithin is how long the server may take to store a message before it counts as failed.
	answerWithin = 10 * time.Second
)

// Outlet publishes status events, held jobs and dead letters. It is safe for concurrent use.
type Outlet struct {
	js     jetstream.JetStream
	prefix string
}

var _ dispatch.Outlet = (*Outlet)(nil)

// NewOutlet returns the outlet of a prefix.
func NewOutlet(nc *nats.Conn, prefix string) (*Outlet, error) {
	if !validPrefix(prefix) {
		return nil, fmt.Errorf("prefix %q is not valid", prefix)
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(answerWithin))
	if err != nil {
		return nil, fmt.Errorf("outlet: %w", err)
	}
	return &Outlet{js: js, prefix: prefix}, nil
}

// Publish implements [dispatch.Outlet]: the events are CloudEvents on <prefix>.status.<tenant>.<route>.<state>. The server drops
// repeats within the stream's duplicate window of an hour.
func (o *Outlet) Publish(ctx context.Context, events []dispatch.Event) error {
	return publish(ctx, o.js, events, "status events", o.event)
}

// Hold implements [dispatch.Outlet], by a message schedule for each job. The server looks at its schedules every quarter second at most; so a
// job comes back at Due or that much later. What is due already is not scheduled, but comes back at once.
func (o *Outlet) Hold(ctx context.Context, jobs []dispatch.Held) error {
	now := time.Now()
	return publish(ctx, o.js, jobs, "held jobs", func(h *dispatch.Held) (*nats.Msg, error) { return o.held(h, now) })
}

// Bury implements [dispatch.Outlet]: dead letters are the job's JSON, unchanged, on <prefix>.dead.<tenant>.<route>.<reason>.
func (o *Outlet) Bury(ctx context.Context, letters []dispatch.DeadLetter) error {
	return publish(ctx, o.js, letters, "dead letters", func(d *dispatch.DeadLetter) (*nats.Msg, error) { return o.letter(d), nil })
}

func (o *Outlet) event(e *dispatch.Event) (*nats.Msg, error) {
	data, err := e.Encode()
	if err != nil {
		return nil, err
	}
	h := header(e.Headers(e.Trace))
	h.text(headerHash, e.Hash)
	h.text(headerPublication, e.Publication)
	h.number(headerEpoch, e.Epoch)
	h.number(headerHop, e.Hop)
	h.number(headerAttempts, e.Attempts)
	h.time(headerDue, e.Due)
	h.text(headerTold, strings.Join(e.Told, ","))
	h.text(headerMaybe, e.Maybe)
	return &nats.Msg{Subject: e.Subject(o.prefix), Header: nats.Header(h), Data: data}, nil
}

func (o *Outlet) held(j *dispatch.Held, now time.Time) (*nats.Msg, error) {
	d := &j.Delivery
	if y := j.Due.UTC().Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("job %s is due in the year %d, which no schedule can tell", j.JobID, y)
	}
	h := header{}
	h.trace(d.Trace)
	h.text(headerPublication, d.Publication)
	h.time(headerStored, d.Stored)
	h.number(headerHop, j.Hop)
	h.number(headerEpoch, d.Epoch)
	id := messageID(d, j.JobID) + ":" + strconv.Itoa(j.Hop)
	h.text(headerMsgID, id)
	where := string(d.Address.Lane) + "." + d.Address.Route + "." + d.Address.Tenant
	due := o.prefix + ".later.due." + where
	if !j.Due.After(now) {
		return &nats.Msg{Subject: due, Header: nats.Header(h), Data: d.Data}, nil
	}
	h.text(headerScheduleTarget, due)
	h.text(headerSchedule, "@at "+j.Due.UTC().Format(time.RFC3339Nano))
	// One schedule a subject; a repeat that the duplicate window missed replaces its forerunner.
	sum := sha256.Sum256([]byte(id))
	return &nats.Msg{Subject: o.prefix + ".later.at." + where + "." + hex.EncodeToString(sum[:16]), Header: nats.Header(h), Data: d.Data}, nil
}

// messageID is the same for a repeat and for nothing else. The publication is in it since an id may be used again once its record is gone.
func messageID(d *dispatch.Delivery, jobID string) string {
	return d.Address.Tenant + ":" + jobID + ":" + d.Publication + ":" + strconv.Itoa(d.Epoch)
}

// publish stores all of the items, or returns how many it knows not to be stored and why the first of them isn't.
func publish[T any](ctx context.Context, js jetstream.JetStream, items []T, what string, message func(*T) (*nats.Msg, error)) error {
	answers := make([]jetstream.PubAckFuture, 0, len(items))
	failed, first := 0, error(nil)
	fail := func(err error) {
		failed++
		if first == nil {
			first = err
		}
	}
	for i := range items {
		m, err := message(&items[i])
		if err == nil {
			var f jetstream.PubAckFuture
			if f, err = send(ctx, js, m); err == nil {
				answers = append(answers, f)
			}
		}
		if err != nil {
			fail(err)
		}
	}
	for _, f := range answers {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			fail(err)
		case <-ctx.Done():
			fail(ctx.Err())
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d %s not stored: %w", failed, len(items), what, first)
}

// send publishes, waiting while too many publications are unanswered.
func send(ctx context.Context, js jetstream.JetStream, m *nats.Msg) (jetstream.PubAckFuture, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := js.PublishMsgAsync(m)
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			return f, err
		}
	}
}
