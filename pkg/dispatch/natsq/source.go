package natsq

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// SourceOptions bound a source.
type SourceOptions struct {
	// Messages is how many messages each of the source's two consumers may have under way to it, at most: asked for, waiting in memory, or
	// being handled. Each is at most 65 KiB. 0: 128.
	Messages int
	// Keep tells whether what waits in memory is to be kept for longer than half the ack wait, instead of being given back for another worker: since none
	// could handle it either. It must not block. nil: never.
	Keep func() bool
	// Failed is told of what goes wrong while the source goes on trying. It must not block. nil: nobody is.
	Failed func(error)
}

const defaultMessages = 128

type source struct {
	nc      *nats.Conn
	api     string
	layout  Layout
	lane    job.Lane
	route   string
	options SourceOptions
}

// NewSource returns the source of a lane and route: their jobs as they are published, and those that LATER gives back.
//
// A message that no handle saw within half the ack wait, since the handling blocked for so long, is given back for any worker to take.
// The source outlives the server, the connection and the consumers: where one is missing it asks for it again and again.
func NewSource(js jetstream.JetStream, l Layout, lane job.Lane, route string, o SourceOptions) dispatch.Source {
	if o.Messages <= 0 {
		o.Messages = defaultMessages
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return &source{nc: js.Conn(), api: apiPrefix(js.Options()), layout: l, lane: lane, route: route, options: o}
}

func apiPrefix(o jetstream.JetStreamOptions) string {
	if o.Domain != "" {
		return "$JS." + o.Domain + ".API"
	}
	return o.APIPrefix
}

// Run implements [dispatch.Source]. It returns [nats.ErrConnectionClosed] where the connection was closed for good, else nil.
func (s *source) Run(ctx context.Context, each func(dispatch.Delivery)) error {
	q := newQueue()
	jobs := s.puller(q, s.layout.JobStream(s.lane), s.route)
	later := s.puller(q, s.layout.LaterStream(), laterConsumer(s.lane, s.route))
	return pullAll(ctx, s.nc, q, func(h held) { each(s.delivery(h, h.from == later)) }, jobs, later)
}

func (s *source) puller(q *queue, stream, consumer string) *puller {
	return &puller{
		nc:      s.nc,
		next:    nextSubject(s.api, stream, consumer),
		size:    s.options.Messages,
		ackWait: s.layout.AckWait,
		queue:   q,
		keep:    s.options.Keep,
		failed:  s.options.Failed,
	}
}
