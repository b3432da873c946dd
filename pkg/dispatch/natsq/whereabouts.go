package natsq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Whereabouts looks for jobs in the streams, as a reader of their events would who misses an end. It isn't safe for concurrent use. What it has seen
// due it remembers, so make a new one for each look around.
type Whereabouts struct {
	js      jetstream.JetStream
	layout  Layout
	streams map[string]jetstream.Stream
	due     map[string]map[string]bool // by subject: the publications that LATER has given back and nobody is done with
}

// NewWhereabouts looks at the streams of a layout; only its Prefix counts.
func NewWhereabouts(js jetstream.JetStream, l Layout) *Whereabouts {
	return &Whereabouts{js: js, layout: l, streams: map[string]jetstream.Stream{}, due: map[string]map[string]bool{}}
}

// Holds tells whether a stream still holds the job that an event left unfinished: the one where it was published, or LATER, be it held there or due.
// A job moves on to its next place before it leaves the one it is in, and its event comes before both; so where Holds doesn't find one it has
// either ended since, with an event, or is lost.
func (w *Whereabouts) Holds(ctx context.Context, e *dispatch.Event) (bool, error) {
	for _, look := range []func(context.Context, *dispatch.Event) (bool, error){w.published, w.held, w.isDue} {
		if found, err := look(ctx, e); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// published looks at the place that the job's publication names.
func (w *Whereabouts) published(ctx context.Context, e *dispatch.Event) (bool, error) {
	name, digits, _ := strings.Cut(e.Publication, ":")
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || sequence == 0 || name != w.layout.JobStream(e.Lane) {
		return false, nil //nolint:nilerr // it names no place
	}
	m, err := w.get(ctx, name, sequence)
	return err == nil && m != nil && m.Subject == addressOf(e).JobSubject(w.layout.Prefix), err
}

// held looks for the job's schedule.
func (w *Whereabouts) held(ctx context.Context, e *dispatch.Event) (bool, error) {
	d := dispatch.Delivery{Address: addressOf(e), Publication: e.Publication, Epoch: e.Epoch}
	m, err := w.get(ctx, w.layout.LaterStream(), 1, jetstream.WithGetMsgSubject(atSubject(w.layout.Prefix, d.Address, holdID(&d, e.Job, e.Hop))))
	return m != nil, err
}

// isDue looks among the jobs that LATER has given back. They have no index, so those of the job's address are read, one at a time.
func (w *Whereabouts) isDue(ctx context.Context, e *dispatch.Event) (bool, error) {
	subject := dueSubject(w.layout.Prefix, addressOf(e))
	known, ok := w.due[subject]
	if !ok {
		known = map[string]bool{}
		for next := uint64(1); ; {
			m, err := w.get(ctx, w.layout.LaterStream(), next, jetstream.WithGetMsgSubject(subject))
			if err != nil {
				return false, err
			}
			if m == nil {
				break
			}
			known[m.Header.Get(headerPublication)] = true
			next = m.Sequence + 1
		}
		w.due[subject] = known
	}
	return known[e.Publication], nil
}

// get reads a message; nil: there is none.
func (w *Whereabouts) get(ctx context.Context, name string, sequence uint64, options ...jetstream.GetMsgOpt) (*jetstream.RawStreamMsg, error) {
	stream := w.streams[name]
	if stream == nil {
		var err error
		if stream, err = w.js.Stream(ctx, name); err != nil {
			return nil, fmt.Errorf("look at stream %s: %w", name, err)
		}
		w.streams[name] = stream
	}
	m, err := stream.GetMsg(ctx, sequence, options...)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", name, err)
	}
	return m, nil
}

func addressOf(e *dispatch.Event) job.Address {
	return job.Address{Lane: e.Lane, Route: e.Route, Tenant: e.Tenant}
}
