package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// feed gives the messages of the status stream in order, each once, and goes on where it was when a lost connection is back. A plain
// subscription would lose what is published meanwhile.
type feed struct {
	messages chan jetstream.Msg
	failed   chan error
	done     chan struct{}
	stop     func()
}

// statusStream names the stream of status events.
func statusStream(prefix string) string { return natsq.Layout{Prefix: prefix}.StatusStream() }

// statusFilter is the subject of the events of a tenant, a route and a state; what is empty stands for all.
func statusFilter(prefix, tenant, route, state string) string {
	tokens := []string{prefix, "status", tenant, route, state}
	for i, token := range tokens {
		if token == "" {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, ".")
}

// status gives the status stream as it is now.
func (a *app) status(ctx context.Context, l *link) (jetstream.Stream, error) {
	stream, err := l.js.Stream(ctx, statusStream(a.prefix))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("there is no stream %s: the streams are not provisioned (run 'worker init'), or --prefix is another", statusStream(a.prefix))
	}
	if err != nil {
		return nil, cause(ctx, fmt.Errorf("stream %s: %w", statusStream(a.prefix), err))
	}
	return stream, nil
}

// follow reads from the stream's sequence from on, without end.
func follow(ctx context.Context, stream jetstream.Stream, filter string, from uint64) (*feed, error) {
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects:    []string{filter},
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy, // unlike "new" it means the same after a reconnect
		OptStartSeq:       from,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	iterator, err := consumer.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	f := &feed{
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
		return nil, unreadable(ctx, err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// close ends the reading. It doesn't wait, since the iterator may be busy with a connection that is lost.
func (f *feed) close() {
	close(f.done)
	go f.stop()
}
