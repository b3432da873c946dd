package observe

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// Traces makes spans of the work. It is a [Layer].
//
//   - process: a job in hand, from its delivery to its answer, under the span that its producer named in traceparent.
//   - send: a request to a provider, under the first sampled job of its packet, with links to the sampled ones, at most maxLinks.
//   - publish: a status event on its way to its stream, under its job.
//
// Events, and copies of the job that LATER holds, carry the context of the job's span on. No span tells a phone or a text.
type Traces struct {
	tracer trace.Tracer
}

var _ Layer = (*Traces)(nil)

// maxLinks bounds the links of a span.
const maxLinks = 100

// NewTraces returns a layer whose spans the provider makes.
func NewTraces(p trace.TracerProvider) *Traces {
	return &Traces{p.Tracer("github.com/gonets/gonets/pkg/observe")}
}

// Ports implements [Layer].
func (t *Traces) Ports(p dispatch.Ports) dispatch.Ports {
	sources := p.Sources
	p.Sources = func(lane job.Lane, route string) dispatch.Source {
		return &tracedSource{sources(lane, route), t.tracer, "process " + route}
	}
	p.Outlet = &tracedOutlet{p.Outlet, t.tracer}
	return p
}

// Provider implements [Layer].
func (t *Traces) Provider(account string, p providers.Provider) providers.Provider {
	return &tracedProvider{p, t.tracer, account}
}

// carrier lets a job's trace context be read and written.
type carrier job.Trace

// Get implements [propagation.TextMapCarrier].
func (c *carrier) Get(key string) string {
	switch key {
	case "traceparent":
		return c.Parent
	case "tracestate":
		return c.State
	}
	return ""
}

// Set implements [propagation.TextMapCarrier].
func (c *carrier) Set(key, value string) {
	switch key {
	case "traceparent":
		c.Parent = value
	case "tracestate":
		c.State = value
	}
}

// Keys implements [propagation.TextMapCarrier].
func (c *carrier) Keys() []string { return []string{"traceparent", "tracestate"} }

// under is a context in which spans begin under the trace context; where that is none, or isn't valid, they are the first of a trace.
func under(ctx context.Context, t job.Trace) context.Context {
	return propagation.TraceContext{}.Extract(ctx, (*carrier)(&t))
}

type tracedSource struct {
	dispatch.Source
	tracer trace.Tracer
	name   string
}

// Run implements [dispatch.Source].
func (s *tracedSource) Run(ctx context.Context, handle func(dispatch.Delivery)) error {
	return s.Source.Run(ctx, func(d dispatch.Delivery) {
		inHand, span := s.tracer.Start(under(context.Background(), d.Trace), s.name, trace.WithSpanKind(trace.SpanKindConsumer))
		if span.IsRecording() {
			span.SetAttributes(attribute.String("messaging.system", "nats"), attribute.String("messaging.operation.type", "process"),
				attribute.String("messaging.message.id", d.Publication), attribute.String("gonets.tenant", d.Address.Tenant), attribute.String("gonets.lane", string(d.Address.Lane)),
				attribute.String("gonets.route", d.Address.Route), attribute.Int("gonets.hop", d.Hop), attribute.Bool("gonets.redelivered", d.Redelivered))
		}
		d.Trace.State = ""
		propagation.TraceContext{}.Inject(inHand, (*carrier)(&d.Trace))
		d.Handle = &tracedHandle{d.Handle, span}
		handle(d)
	})
}

// tracedHandle ends a job's span with its answer.
type tracedHandle struct {
	dispatch.Handle
	span trace.Span
}

// Ack implements [dispatch.Handle].
func (h *tracedHandle) Ack() error {
	defer h.span.End()
	return h.Handle.Ack()
}

// Nak implements [dispatch.Handle].
func (h *tracedHandle) Nak(delay time.Duration) error {
	defer h.span.End()
	h.span.AddEvent("given back", trace.WithAttributes(attribute.Int64("gonets.delay_ms", delay.Milliseconds())))
	return h.Handle.Nak(delay)
}

type tracedProvider struct {
	providers.Provider
	tracer  trace.Tracer
	account string
}

// Send implements [providers.Provider]. A packet without a sampled job has no span.
func (p *tracedProvider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	links := linksOf(msgs)
	if len(links) == 0 {
		return p.Provider.Send(ctx, msgs)
	}
	ctx, span := p.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, links[0].SpanContext), "send "+p.account,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(links...))
	defer span.End()
	span.SetAttributes(attribute.String("gonets.account", p.account), attribute.Int("messaging.batch.message_count", len(msgs)))
	results := p.Provider.Send(ctx, msgs)
	for name, n := range tally(results).counts() {
		span.SetAttributes(attribute.Int("gonets.outcome."+name, n))
	}
	for _, r := range results {
		if r.Outcome != providers.Submitted && r.Outcome != providers.Rejected && r.Outcome != providers.ClosedDestination { // it isn't about the message alone
			span.SetStatus(codes.Error, r.Outcome.String())
			break
		}
	}
	return results
}

// linksOf are links to the sampled jobs among the messages'.
func linksOf(msgs []providers.Message) []trace.Link {
	var links []trace.Link
	for i := range msgs {
		if len(links) == maxLinks {
			break
		}
		if at := trace.SpanContextFromContext(under(context.Background(), job.Trace{Parent: msgs[i].Trace})); at.IsSampled() {
			links = append(links, trace.Link{SpanContext: at})
		}
	}
	return links
}

type tracedOutlet struct {
	dispatch.Outlet
	tracer trace.Tracer
}

// Publish implements [dispatch.Outlet].
func (o *tracedOutlet) Publish(ctx context.Context, events []dispatch.Event) error {
	var spans []trace.Span
	for i := range events {
		e := &events[i]
		parent := under(context.Background(), e.Trace)
		if !trace.SpanContextFromContext(parent).IsSampled() {
			continue
		}
		_, span := o.tracer.Start(parent, "publish "+string(e.State), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			attribute.String("messaging.system", "nats"), attribute.String("messaging.operation.type", "send"), attribute.String("gonets.job", e.Job),
			attribute.String("gonets.tenant", e.Tenant), attribute.String("gonets.state", string(e.State)), attribute.Int("gonets.attempt", e.Attempt), attribute.String("gonets.account", e.Account)))
		if e.Error != nil {
			span.SetAttributes(attribute.String("gonets.code", string(e.Error.Code)))
		}
		spans = append(spans, span)
	}
	err := o.Outlet.Publish(ctx, events)
	for _, span := range spans {
		if err != nil {
			span.SetStatus(codes.Error, "not stored")
		}
		span.End()
	}
	return err
}
