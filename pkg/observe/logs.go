package observe

import (
	"context"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// Logs writes a line for each request, and one for each job that doesn't go as it should. It is a [Layer]. Lines name jobs by tenant and id, and tell
// neither phones nor texts nor a provider's words; how many of them are written is the logger's affair.
type Logs struct {
	log *zap.Logger
}

var _ Layer = (*Logs)(nil)

// NewLogs returns a layer that writes to the logger.
func NewLogs(log *zap.Logger) *Logs { return &Logs{log} }

// Ports implements [Layer].
func (l *Logs) Ports(p dispatch.Ports) dispatch.Ports {
	p.Outlet = &loggedOutlet{p.Outlet, l.log}
	return p
}

// Provider implements [Layer].
func (l *Logs) Provider(account string, p providers.Provider) providers.Provider {
	return &loggedProvider{p, l.log.With(zap.String("account", account))}
}

type loggedProvider struct {
	providers.Provider
	log *zap.Logger
}

// Send implements [providers.Provider].
func (p *loggedProvider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	start := time.Now()
	results := p.Provider.Send(ctx, msgs)
	if line := p.log.Check(zap.InfoLevel, "packet sent"); line != nil {
		line.Write(zap.Int("messages", len(msgs)), zap.Object("outcomes", tally(results)), zap.Duration("took", time.Since(start)))
	}
	return results
}

// tally is results by how many there are of each kind.
type tally []providers.Result

func (t tally) counts() map[string]int {
	counts := map[string]int{}
	for _, r := range t {
		name := string(r.Code)
		if r.Outcome == providers.Submitted || name == "" {
			name = r.Outcome.String()
		}
		counts[name]++
	}
	return counts
}

// MarshalLogObject implements [zapcore.ObjectMarshaler].
func (t tally) MarshalLogObject(out zapcore.ObjectEncoder) error {
	for name, n := range t.counts() {
		out.AddInt(name, n)
	}
	return nil
}

type loggedOutlet struct {
	dispatch.Outlet
	log *zap.Logger
}

// Publish implements [dispatch.Outlet]. A call that failed is repeated by its caller, so only the one that succeeds is told of.
func (o *loggedOutlet) Publish(ctx context.Context, events []dispatch.Event) error {
	err := o.Outlet.Publish(ctx, events)
	if err == nil {
		for i := range events {
			o.tell(&events[i].Event)
		}
	}
	return err
}

// tell writes a line about a job that doesn't go as it should. Each state has words of its own, since a logger that bounds the lines does so
// by their words: many that wait shall not hide one that failed.
func (o *loggedOutlet) tell(e *job.Event) {
	level, words := zap.InfoLevel, ""
	switch e.State {
	case job.Failed:
		level, words = zap.WarnLevel, "job failed"
	case job.Unknown:
		level, words = zap.WarnLevel, "job may or may not have been sent"
	case job.Rejected:
		words = "job rejected"
	case job.Expired:
		words = "job expired"
	case job.Retrying:
		words = "job is tried again later"
	case job.Waiting:
		words = "job waits for an account"
	default:
		return
	}
	line := o.log.Check(level, words)
	if line == nil {
		return
	}
	fields := []zap.Field{zap.String("tenant", e.Tenant), zap.String("job", e.Job), zap.String("route", e.Route), zap.String("lane", string(e.Lane)), zap.String("state", string(e.State))}
	if e.Error != nil {
		fields = append(fields, zap.String("code", string(e.Error.Code)))
	}
	if e.Account != "" {
		fields = append(fields, zap.String("account", e.Account), zap.Int("attempt", e.Attempt))
	}
	line.Write(fields...)
}
