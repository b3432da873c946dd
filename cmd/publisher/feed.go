package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// feed gives messages of a stream in order, each once, and goes on where it was when a lost connection is back. A plain
// subscription would lose what is published meanwhile.
type feed struct {
	stream   jetstream.Stream
	messages chan jetstream.Msg
	failed   chan error
	done     chan struct{}
	stop     func()
}

// statusStream names the stream of status events.
func statusStream(prefix string) string { return natsq.Layout{Prefix: prefix}.StatusStream() }

// statusFilter is the subject of the events of a tenant, a route and a state; what is empty stands for all.
func statusFilter(prefix, tenant, route, state string) string {
	return filterOf(prefix, "status", tenant, route, state)
}

// filterOf is a subject of the prefix; a token that is empty stands for all.
func filterOf(prefix string, tokens ...string) string {
	filter := prefix
	for _, token := range tokens {
		if token == "" {
			token = "*"
		}
		filter += "." + token
	}
	return filter
}

// status gives the status stream as it is now.
func (a *app) status(ctx context.Context, l *link) (jetstream.Stream, error) {
	return stream(ctx, l, statusStream(a.prefix))
}

// stream gives one of gonets' streams as it is now.
func stream(ctx context.Context, l *link, name string) (jetstream.Stream, error) {
	s, err := l.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("there is no stream %s: the streams are not provisioned (run 'worker init'), or --prefix is another", name)
	}
	if err != nil {
		return nil, cause(ctx, fmt.Errorf("stream %s: %w", name, err))
	}
	return s, nil
}

// span is a part of a stream: the messages on a subject, from a place or a time on.
type span struct {
	filter string
	from   uint64    // the stream's sequence, from 1; doesn't count where since is given
	since  time.Time // when the server stored it; zero: whenever
}

// follow reads from the span's beginning on, without end.
func follow(ctx context.Context, stream jetstream.Stream, s span) (*feed, error) {
	config := jetstream.OrderedConsumerConfig{
		FilterSubjects:    []string{s.filter},
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy, // unlike "new" it means the same after a reconnect
		OptStartSeq:       max(s.from, 1),
		InactiveThreshold: time.Minute,
	}
	if !s.since.IsZero() {
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &s.since
	}
	consumer, err := stream.OrderedConsumer(ctx, config)
	if err != nil {
		return nil, unreadable(ctx, stream, err)
	}
	iterator, err := consumer.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return nil, unreadable(ctx, stream, err)
	}
	f := &feed{
		stream:   stream,
		messages: make(chan jetstream.Msg, 64),
		failed:   make(chan error, 1),
		done:     make(chan struct{}),
		stop:     iterator.Stop,
	}
	go f.pump(iterator)
	return f, nil
}

// pump stands apart from next since an iterator that makes up for a lost connection heeds no context.
func (f *feed) pump(iterator jetstream.MessagesContext) {
	for {
		message, err := iterator.Next()
		if err != nil {
			f.failed <- err
			return
		}
		select {
		case f.messages <- message:
		case <-f.done:
			return
		}
	}
}

// next waits for the next message.
func (f *feed) next(ctx context.Context) (jetstream.Msg, error) {
	select {
	case message := <-f.messages:
		return message, nil
	case err := <-f.failed:
		return nil, unreadable(ctx, f.stream, err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// close ends the reading. It doesn't wait, since the iterator may be busy with a connection that is lost.
func (f *feed) close() {
	close(f.done)
	go f.stop()
}
