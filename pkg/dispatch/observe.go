package dispatch

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

const (
	// lookEvery is how often a worker looks at the states of all accounts: how far it may be behind the others.
	lookEvery = 250 * time.Millisecond
	// lookFor is how long it waits for the answer. Without one it goes by what it knows.
	lookFor = 2 * time.Second
	// reportFor is how long a packet waits until its report is taken into account.
	reportFor = 3 * time.Second
	// blockFor is how long an account that asks to slow down is left alone, where it doesn't say.
	blockFor = time.Second
	// probeMargin is what a probe may take beside its request.
	probeMargin = 5 * time.Second
)

// look learns the states of all accounts, if there is an answer in time.
func (l *line) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	begun := time.Now()
	states, err := l.health.States(ctx, l.names)
	if err != nil || len(states) != len(l.names) {
		l.log.Debug("no answer about the accounts' states", zap.Error(err))
		return
	}
	for i, name := range l.names {
		l.accounts[name].health.see(states[i], begun)
	}
}

// watch looks until ctx ends.
func (l *line) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// finding is what the results of one request say of its account. A request failed where no message of it got a word of the provider: none was sent, or
// nobody knows.
func finding(results []providers.Result, recheck time.Duration) AccountReport {
	failed := true
	for _, r := range results {
		switch {
		case r.Outcome.PausesAccount():
			cause := job.Code(r.Code)
			if r.Outcome == providers.Stalled {
				cause = job.InsufficientFunds
			}
			return AccountReport{Finding: Refused, Cause: cause, Words: job.Mask(r.Message, maxWords), For: recheck}
		case r.Outcome == providers.Throttled:
			return AccountReport{Finding: Blocked, Cause: job.Throttled, Words: job.Mask(r.Message, maxWords), For: max(r.RetryAfter, blockFor)}
		case r.Outcome != providers.Unavailable && r.Outcome != providers.Ambiguous:
			failed = false
		}
	}
	if !failed {
		return AccountReport{Finding: Succeeded}
	}
	return AccountReport{Finding: Failed, Cause: job.Unavailable, Words: job.Mask(results[0].Message, maxWords), For: results[0].RetryAfter}
}

// observe tells all workers what a request says of the account. That it is well is told only where it wasn't.
func (a *account) observe(r request, results []providers.Result) {
	f := finding(results, a.Recheck)
	if f.Finding == Succeeded && r.ticket == "" && a.health.state.Load().Failures == 0 {
		return
	}
	if f.Finding == Blocked && a.limited() {
		if err := a.line.limiter.Block(a.line.hard, a.Name, f.For); err != nil {
			a.log.Warn("the block was not stored", zap.Error(err))
		}
	}
	a.report(r, f)
}

// report tells all workers what became of a request or a probe.
func (a *account) report(r request, f AccountReport) {
	f.Generation, f.Ticket = r.generation, r.ticket
	ctx, cancel := context.WithTimeout(a.line.hard, reportFor)
	defer cancel()
	s, err := a.line.health.Report(ctx, a.Name, f)
	if err != nil {
		a.log.Warn("the other workers weren't told of the account's state", zap.Error(err))
		return
	}
	before := a.health.state.Load()
	a.health.hear(s)
	switch {
	case s.Generation == before.Generation:
	case s.Circuit == Closed:
		a.log.Info("account is asked again")
	case s.Itself || s.Circuit == Open:
		a.log.Warn("account is left alone", zap.String("cause", string(s.Cause)), zap.String("words", s.Words), zap.Time("until", s.Until))
	default:
		a.log.Error("account paused", zap.String("cause", string(s.Cause)), zap.String("words", s.Words), zap.Time("recheck", s.Until))
	}
}

// release gives a probe back that wasn't made.
func (a *account) release(r request) {
	if r.ticket != "" {
		a.report(r, AccountReport{Finding: NotMade})
	}
}

// probe makes the request the account's one probe; false where another worker's is under way.
func (a *account) probe(ctx context.Context, r *request) (bool, error) {
	s, ticket, err := a.line.health.Probe(ctx, a.Name, a.Timeout+probeMargin)
	if err != nil {
		return false, err
	}
	a.health.hear(s)
	if r.ticket = ticket; ticket == "" {
		a.health.offered.Store(0) // what it was offered is of no use now
	}
	return ticket != "", nil
}
