package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// found is what a look at the job streams and LATER told.
type found struct {
	waiting map[string]uint64 // how many jobs each stream holds
	held    map[string]bool   // the silent jobs that are in one, by <tenant>/<id>
	lost    int               // how many silent jobs aren't
}

// look counts what waits in the streams and looks there for the jobs that are silent.
func (c *audit) look(ctx context.Context, l *link, now time.Time) (found, error) {
	layout := natsq.Layout{Prefix: c.prefix}
	f := found{waiting: make(map[string]uint64), held: make(map[string]bool)}
	for _, lane := range job.Lanes() {
		n, err := c.waiting(ctx, l, layout.JobStream(lane), filterOf(c.prefix, "jobs", string(lane), c.route, c.tenant))
		if err != nil {
			return found{}, err
		}
		f.waiting[string(lane)] = n
	}
	// Each job that LATER holds has a subject of its own: too many to ask for those of one tenant.
	later, err := l.js.Stream(ctx, layout.LaterStream())
	if err != nil {
		return found{}, err
	}
	f.waiting["later"] = later.CachedInfo().State.Msgs
	places := natsq.NewWhereabouts(l.js, layout)
	for key, e := range c.ledger.jobs {
		if c.ledger.standing(&e, now, c.grace) != silent {
			continue
		}
		held, err := places.Holds(ctx, c.ledger.event(layout, key, &e))
		if err != nil {
			return found{}, err
		}
		if held {
			f.held[key] = true
		} else {
			f.lost++
		}
	}
	return f, nil
}

// waiting is how many jobs a stream holds for the filter. There are as many subjects as tenants and routes.
func (c *audit) waiting(ctx context.Context, l *link, name, filter string) (n uint64, err error) {
	s, err := l.js.Stream(ctx, name)
	if err != nil || c.tenant+c.route == "" {
		if err != nil {
			return 0, fmt.Errorf("stream %s: %w", name, err)
		}
		return s.CachedInfo().State.Msgs, nil
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", name, err)
	}
	for _, of := range info.State.Subjects {
		n += of
	}
	return n, nil
}

// event is as much of a job's last event as tells where the job is.
func (l *ledger) event(layout natsq.Layout, key string, e *entry) *dispatch.Event {
	tenant, id, _ := strings.Cut(key, "/")
	lane := job.Lanes()[e.lane]
	return &dispatch.Event{
		Event:       job.Event{Job: id, Tenant: tenant, Route: l.routes[e.route], Lane: lane},
		Publication: fmt.Sprintf("%s:%d", layout.JobStream(lane), e.place),
		Hop:         int(e.hop), Epoch: int(e.epoch),
	}
}
