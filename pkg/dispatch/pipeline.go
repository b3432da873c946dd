package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Ports is what a Pipeline works through.
type Ports struct {
	Sources func(lane job.Lane, route string) Source
	Claims  Claims
	Limiter Limiter
	Health  Health
	Outlet  Outlet
}

// Pipeline takes jobs from their sources to their providers and settles them.
type Pipeline struct {
	cfg     Config
	ports   Ports
	log     *zap.Logger
	changes *signal
	health  map[string]*health // by account
}

// New returns a pipeline. Every route's accounts must be among cfg.Accounts.
func New(cfg Config, ports Ports, log *zap.Logger) (*Pipeline, error) {
	p := &Pipeline{cfg: cfg, ports: ports, log: log, changes: newSignal(), health: map[string]*health{}}
	for _, a := range cfg.Accounts {
		p.health[a.Name] = newHealth(p.changes)
	}
	for _, r := range cfg.Routes {
		for _, a := range r.Accounts {
			if p.health[a] == nil {
				return nil, fmt.Errorf("route %s: account %s is not configured", r.Name, a)
			}
		}
	}
	return p, nil
}

// Accounts tells the state of each account by name, as this worker knows it. It may be called at any time.
func (p *Pipeline) Accounts() map[string]AccountState {
	states := make(map[string]AccountState, len(p.health))
	for name, h := range p.health {
		states[name] = *h.state.Load()
	}
	return states
}

// SaveFunds makes an account of the configuration take no bulk jobs from now on, where why isn't empty: it stands in their events. Empty: it takes them
// again. It may be called at any time.
func (p *Pipeline) SaveFunds(account, why string) {
	if why == "" {
		p.health[account].save(nil)
		return
	}
	p.health[account].save(&why)
}

// Run works until ctx ends, then stops in two phases: it begins nothing more, gives back the jobs it hasn't begun, and finishes those it
// has; what isn't finished within Config.Drain is left to be delivered again. The error tells that it was so.
func (p *Pipeline) Run(ctx context.Context) error {
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	l := &line{cfg: p.cfg, claims: p.ports.Claims, limiter: p.ports.Limiter, health: p.ports.Health, outlet: p.ports.Outlet, changes: p.changes,
		keeper: newKeeper(), accounts: map[string]*account{}, log: p.log, soft: ctx, hard: hard}
	l.desk = newDesk(l)
	for _, a := range p.cfg.Accounts {
		l.accounts[a.Name] = newAccount(a, l, p.health[a.Name])
		l.names = append(l.names, a.Name)
	}
	l.look(ctx)
	var sources, rest sync.WaitGroup
	for _, cfg := range p.cfg.Routes {
		r := &route{Route: cfg, anew: Claim{Verdict: Taken}}
		for _, a := range cfg.Accounts {
			r.accounts = append(r.accounts, l.accounts[a])
		}
		for _, lane := range job.Lanes() {
			source := p.ports.Sources(lane, r.Name)
			sources.Go(func() { l.pull(ctx, r, lane, source) })
		}
	}
	stop, stopped := context.WithCancel(context.WithoutCancel(ctx)) // once no source puts in any more
	defer stopped()
	for _, a := range l.accounts {
		rest.Go(func() { a.run(ctx) })
	}
	var desk, beats sync.WaitGroup
	desk.Go(func() { l.desk.run(stop) })
	beats.Go(func() { l.keeper.run(hard, p.cfg.AckWait) })
	beats.Go(func() { l.watch(hard) })

	<-ctx.Done()
	budget := time.AfterFunc(p.cfg.Drain, kill)
	sources.Wait()
	rest.Wait()
	for _, a := range l.accounts {
		l.giveBack(a.shelf.clear()) // what came after its loop had ended
	}
	stopped()
	desk.Wait()
	late := !budget.Stop()
	kill()
	beats.Wait()
	if late {
		return fmt.Errorf("stopped with jobs still in hand after %s: they will be delivered again", p.cfg.Drain)
	}
	return nil
}

// pull brings the jobs of one lane and route in while any account of the route takes some.
func (l *line) pull(ctx context.Context, r *route, lane job.Lane, source Source) {
	for r.awaitUsable(ctx, lane, l.changes) == nil {
		usable, done := r.whileUsable(ctx, lane, l.changes)
		err := source.Run(usable, func(d Delivery) { l.take(usable, r, d) })
		done()
		if err != nil && ctx.Err() == nil {
			l.log.Warn("source ended, trying again", zap.String("route", r.Name), zap.Error(err))
			_ = sleep(ctx, time.Second)
		}
	}
}

// take brings one delivery in hand.
func (l *line) take(ctx context.Context, r *route, d Delivery) {
	it := admit(d, r, l.cfg.PhoneRegion)
	l.keeper.add(it, time.Now())
	if it.refused == nil {
		it.checkSender(ctx)
	}
	l.place(ctx, it)
}
