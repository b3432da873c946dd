package natsq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Action is what became of a stream or consumer.
type Action string

// The actions.
const (
	Created Action = "created"
	Updated Action = "updated"
	Kept    Action = "kept" // it was as it should be
	Removed Action = "removed"
	Warning Action = "warning" // it stays though it isn't configured, and somebody should look after it
)

// Change is what [Provision] did to one stream or consumer.
type Change struct {
	Action Action
	What   string // "stream DISPATCH_DEAD"
	Words  string // what was changed, or why it stays
}

func (c Change) String() string {
	s := string(c.Action) + " " + c.What
	if c.Words != "" {
		s += ": " + c.Words
	}
	return s
}

// Provision creates or updates the streams and consumers, and tells what it did to each. It may be repeated, and run by many workers
// with the same layout at once. Settings that the layout doesn't speak of, such as a placement, are left as they are.
//
// A route that isn't configured any more is removed: its producers are refused from then on. Where jobs of it are left, its subject and
// consumers are kept, with a [Warning]: configure it again until they are done with.
//
// Errors name the stream or consumer and what the server said to it.
func Provision(ctx context.Context, js jetstream.JetStream, l Layout) ([]Change, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	p := &provisioner{js: js, layout: l}
	for _, cfg := range l.streams()[len(job.Lanes()):] {
		if err := p.stream(ctx, cfg); err != nil {
			return p.changes, err
		}
	}
	if err := p.consumer(ctx, l.ReceiptStream(), l.receiptConsumer()); err != nil {
		return p.changes, err
	}
	for _, lane := range job.Lanes() {
		if err := p.lane(ctx, lane); err != nil {
			return p.changes, err
		}
	}
	return p.changes, p.later(ctx)
}

type provisioner struct {
	js      jetstream.JetStream
	layout  Layout
	changes []Change
}

func (p *provisioner) tell(a Action, what, words string) {
	p.changes = append(p.changes, Change{a, what, words})
}

// errAgain says that the try should be made again, since another worker was quicker.
var errAgain = errors.New("another worker is changing it, too")

// untilSettled repeats f while other workers get in between.
func untilSettled(ctx context.Context, what string, f func() error) error {
	pace := backoff.NewExponentialBackOff(backoff.WithInitialInterval(10*time.Millisecond), backoff.WithMaxInterval(500*time.Millisecond), backoff.WithMaxElapsedTime(15*time.Second))
	err := backoff.Retry(func() error {
		err := f()
		if err == nil || errors.Is(err, errAgain) {
			return err
		}
		return backoff.Permanent(err)
	}, backoff.WithContext(pace, ctx))
	if errors.Is(err, errAgain) {
		return fmt.Errorf("%s does not stay as it is written: %w: give all workers of a prefix the same configuration", what, err)
	}
	return err
}

// stream creates or updates one.
func (p *provisioner) stream(ctx context.Context, want jetstream.StreamConfig) error {
	what := "stream " + want.Name
	var words []string
	created := false
	return untilSettled(ctx, what, func() error {
		info, err := streamInfo(ctx, p.js, want.Name, "")
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			_, err := p.js.CreateStream(ctx, want)
			if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
				return errAgain
			}
			if err != nil {
				return fmt.Errorf("create %s: %w", what, err)
			}
			created = true
			return errAgain // to see it stand
		case err != nil:
			return fmt.Errorf("look at %s: %w", what, err)
		}
		if err := p.ours(info.Config); err != nil {
			return err
		}
		cfg, diff := fit(info.Config, want)
		if len(diff) > 0 {
			if _, err := p.js.UpdateStream(ctx, cfg); err != nil {
				return fmt.Errorf("update %s (%s): %w", what, strings.Join(diff, "; "), err)
			}
			words = diff
			return errAgain // to see it stand
		}
		p.done(what, created, words)
		return nil
	})
}

func (p *provisioner) done(what string, created bool, words []string) {
	switch {
	case created:
		p.tell(Created, what, "")
	case len(words) > 0:
		p.tell(Updated, what, strings.Join(words, "; "))
	default:
		p.tell(Kept, what, "")
	}
}

// ours refuses a stream that another prefix has.
func (p *provisioner) ours(cfg jetstream.StreamConfig) error {
	for _, s := range cfg.Subjects {
		if s != p.layout.controlFilter() && !strings.HasPrefix(s, p.layout.Prefix+".") {
			return fmt.Errorf("stream %s: it exists and takes %s, not the subjects of prefix %s: choose another prefix", cfg.Name, s, p.layout.Prefix)
		}
	}
	return nil
}

// consumer creates or updates one.
func (p *provisioner) consumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	what := "consumer " + want.Durable + " of " + stream
	var words []string
	created := false
	return untilSettled(ctx, what, func() error {
		c, err := p.js.Consumer(ctx, stream, want.Durable)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			// A worker that creates the same one meanwhile shows as one of several errors; the next look tells.
			_, err := p.js.CreateConsumer(ctx, stream, want)
			created = err == nil
			if err != nil {
				if _, again := p.js.Consumer(ctx, stream, want.Durable); again != nil {
					return fmt.Errorf("create %s: %w", what, err)
				}
			}
			return errAgain
		case err != nil:
			return fmt.Errorf("look at %s: %w", what, err)
		}
		cfg, diff := fitConsumer(c.CachedInfo().Config, want)
		if len(diff) > 0 {
			if _, err := p.js.UpdateConsumer(ctx, stream, cfg); err != nil {
				return fmt.Errorf("update %s (%s): %w", what, strings.Join(diff, "; "), err)
			}
			words = diff
			return errAgain
		}
		p.done(what, created, words)
		return nil
	})
}

// streamInfo asks for a stream, and for the number of messages on each subject that the filter covers, if any.
func streamInfo(ctx context.Context, js jetstream.JetStream, name, filter string) (*jetstream.StreamInfo, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	if filter == "" {
		return s.CachedInfo(), nil
	}
	return s.Info(ctx, jetstream.WithSubjectFilter(filter))
}
