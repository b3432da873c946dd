package natsq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// lane provides for the jobs of a lane. The subjects come first: so what is published before its consumer stands only waits.
func (p *provisioner) lane(ctx context.Context, lane job.Lane) error {
	name := p.layout.JobStream(lane)
	routes := slices.Clone(p.layout.Routes)
	_, left, err := p.abandoned(ctx, lane)
	if err != nil {
		return err
	}
	if err := p.stream(ctx, p.layout.jobStream(lane, append(routes, left...))); err != nil {
		return err
	}
	// Until a moment ago the removed routes took jobs: look again before their consumers go.
	gone, late, err := p.abandoned(ctx, lane)
	if err != nil {
		return err
	}
	if !slices.Equal(left, late) {
		if err := p.stream(ctx, p.layout.jobStream(lane, append(routes, late...))); err != nil {
			return err
		}
	}
	for _, r := range append(routes, late...) {
		if err := p.consumer(ctx, name, p.layout.consumer(r, jobFilter(p.layout.Prefix, lane, r))); err != nil {
			return err
		}
	}
	for _, r := range late {
		p.tell(Warning, "route "+r+" in "+name, "it isn't configured and has jobs left, which wait: configure it again until they are done with")
	}
	for _, r := range gone {
		if err := p.drop(ctx, name, r); err != nil {
			return err
		}
	}
	return nil
}

// abandoned lists the routes of a lane that aren't configured: those of which nothing is left but a subject or a consumer, and
// those that have jobs left.
func (p *provisioner) abandoned(ctx context.Context, lane job.Lane) (gone, left []string, err error) {
	name, prefix := p.layout.JobStream(lane), p.layout.Prefix
	info, err := streamInfo(ctx, p.js, name, jobRoot(prefix, lane)+">")
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("look at stream %s: %w", name, err)
	}
	if err := p.ours(info.Config); err != nil {
		return nil, nil, err
	}
	routes := map[string]bool{} // to whether it has jobs
	for _, s := range info.Config.Subjects {
		if r, ok := routeOf(prefix, lane, s); ok {
			routes[r] = false
		}
	}
	stands, err := p.consumers(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range stands {
		if r, ok := routeOf(prefix, lane, c.FilterSubject); ok && c.Name == r {
			routes[r] = false
		}
	}
	for s := range info.State.Subjects {
		if i := strings.LastIndexByte(s, '.'); i > 0 {
			if r, ok := routeOf(prefix, lane, s[:i]+".*"); ok {
				routes[r] = true
			}
		}
	}
	for r, jobs := range routes {
		switch {
		case slices.Contains(p.layout.Routes, r):
		case jobs:
			left = append(left, r)
		default:
			gone = append(gone, r)
		}
	}
	slices.Sort(gone)
	slices.Sort(left)
	return gone, left, nil
}

// later provides consumers for the jobs that LATER gives back.
func (p *provisioner) later(ctx context.Context) error {
	name, prefix := p.layout.LaterStream(), p.layout.Prefix
	wanted := map[string]bool{}
	for _, lane := range job.Lanes() {
		for _, r := range p.layout.Routes {
			cfg := p.layout.consumer(laterConsumer(lane, r), dueFilter(prefix, lane, r))
			wanted[cfg.Durable] = true
			if err := p.consumer(ctx, name, cfg); err != nil {
				return err
			}
		}
	}
	stands, err := p.consumers(ctx, name)
	if err != nil {
		return err
	}
	for _, c := range stands {
		first, route, _ := strings.Cut(c.Name, "-")
		lane := job.Lane(first)
		if wanted[c.Name] || !slices.Contains(job.Lanes(), lane) || c.FilterSubject != dueFilter(prefix, lane, route) {
			continue
		}
		held, err := p.holds(ctx, name, atFilter(prefix, lane, route), dueFilter(prefix, lane, route))
		if err != nil {
			return err
		}
		if held {
			p.tell(Warning, "route "+route+", lane "+first+", in "+name, "it isn't configured and has jobs held, which will wait: configure it again until they are done with")
			continue
		}
		if err := p.drop(ctx, name, c.Name); err != nil {
			return err
		}
	}
	return nil
}

// holds tells whether the stream has a message on any of the subjects.
func (p *provisioner) holds(ctx context.Context, stream string, subjects ...string) (bool, error) {
	s, err := p.js.Stream(ctx, stream)
	if err != nil {
		return false, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	for _, subject := range subjects {
		_, err := s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, fmt.Errorf("look for messages on %s: %w", subject, err)
		}
	}
	return false, nil
}

func (p *provisioner) drop(ctx context.Context, stream, consumer string) error {
	what := "consumer " + consumer + " of " + stream
	err := p.js.DeleteConsumer(ctx, stream, consumer)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("remove %s: %w", what, err)
	}
	p.tell(Removed, what, "its route isn't configured and has no jobs")
	return nil
}

// consumers are those that stand on the stream.
func (p *provisioner) consumers(ctx context.Context, stream string) ([]jetstream.ConsumerConfig, error) {
	s, err := p.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	var all []jetstream.ConsumerConfig
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		all = append(all, info.Config)
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list the consumers of %s: %w", stream, err)
	}
	return all, nil
}
