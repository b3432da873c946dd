package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

const (
	// balanceEvery is how often an account is asked for its balance, by one of all workers. One that lacks funds is asked each recheck.
	balanceEvery = time.Minute
	// balanceLook is how often each worker looks at what is known of it, and balanceTick how often it sees whether the account was paused.
	balanceLook = time.Second
	balanceTick = 200 * time.Millisecond
	// balanceFirst is how long a worker that starts waits for what is known.
	balanceFirst = 2 * time.Second
)

// What a lack of funds is called in events. They tell no amounts, since producers read them.
const (
	nothingLeft = "nothing is left on the account"
	belowLeast  = "the account's balance is below its min_balance: bulk waits, other lanes go on"
)

// money watches what is left on the accounts. Where nothing is, it has all workers leave the account alone until there is; where less than min_balance
// is, this worker sends no bulk through it.
type money struct {
	store  balanceStore
	health dispatch.Health
	states func() map[string]dispatch.AccountState // as this worker knows them
	save   func(account, why string)               // have no bulk sent through the account; empty: have it sent again
	told   func(account string, r reading)         // is told each reading once, whoever asked for it
	log    *zap.Logger
}

// purse is one account that is watched.
type purse struct {
	*money
	account config.Account
	asked   providers.Balancer
	last    *reading // that was taken into account
}

// watch watches every account that can tell its balance, until stop is called. It returns when what is known at the start was taken into account.
func (m *money) watch(ctx context.Context, accounts []config.Account, opened []dispatch.Account) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching, first sync.WaitGroup
	for i, a := range accounts {
		asked, can := opened[i].Provider.(providers.Balancer)
		if !can {
			continue
		}
		first.Add(1)
		watching.Go(func() { (&purse{money: m, account: a, asked: asked}).watch(ctx, first.Done) })
	}
	known := make(chan struct{})
	go func() { first.Wait(); close(known) }()
	select {
	case <-known:
	case <-time.After(balanceFirst):
	case <-ctx.Done():
	}
	return func() { cancel(); watching.Wait() }
}

func (p *purse) watch(ctx context.Context, begun func()) {
	tick := time.NewTicker(balanceTick)
	defer tick.Stop()
	p.look(ctx, 0)
	begun()
	looked, paused := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := pauseOf(p.states()[p.account.Name])
		if now != paused || time.Since(looked) >= balanceLook {
			p.look(ctx, now)
			looked, paused = time.Now(), now
		}
	}
}

// pauseOf is the generation of a pause for lack of funds; 0: it is none.
func pauseOf(s dispatch.AccountState) int64 {
	if s.Cause == job.InsufficientFunds && s.Circuit != dispatch.Closed {
		return s.Generation
	}
	return 0
}

// look takes the last reading into account, and asks for the next one where that is this worker's turn.
func (p *purse) look(ctx context.Context, paused int64) {
	reason, pace := "schedule", balanceEvery
	switch {
	case paused != 0:
		reason, pace = "pause "+strconv.FormatInt(paused, 10), p.recheck()
	case p.short(p.last):
		reason, pace = "short", min(p.recheck(), balanceEvery)
	}
	name := p.account.Name
	last, ask, err := p.store.look(ctx, name, reason, pace)
	if err != nil {
		p.log.Debug("no answer about a balance", zap.Error(err))
		return
	}
	if ask {
		if next, err := p.ask(ctx, last); err == nil {
			last = next
		} else if ctx.Err() == nil {
			p.log.Warn("balance not learnt", zap.String("account", name), zap.Error(err))
		}
	}
	p.take(last)
}

// recheck is how often an account that lacks funds is asked whether it has some.
func (p *purse) recheck() time.Duration { return max(p.account.Recheck, balanceLook) }

func (p *purse) short(r *reading) bool { return r != nil && short(r.Purses, p.account.MinBalance) }

// take takes a reading into account; nil: nothing is known.
func (p *purse) take(r *reading) {
	if r != nil && (p.last == nil || !r.At.Equal(p.last.At)) {
		p.told(p.account.Name, *r)
	}
	was, is := p.short(p.last), p.short(r)
	p.last = r
	switch {
	case is == was:
		return
	case is:
		p.log.Warn("the balance is below min_balance, bulk waits", zap.String("account", p.account.Name))
		p.save(p.account.Name, belowLeast)
	default:
		p.log.Info("the balance is no longer below min_balance, bulk goes on", zap.String("account", p.account.Name))
		p.save(p.account.Name, "")
	}
}

// ask asks the provider, has all workers know what it says, and has them leave the account alone or return to it, as that demands.
func (p *purse) ask(ctx context.Context, last *reading) (*reading, error) {
	ctx, cancel := context.WithTimeout(ctx, p.account.Timeout+2*redisTimeout)
	defer cancel()
	states, err := p.health.States(ctx, []string{p.account.Name})
	if err != nil {
		return nil, err
	}
	purses, err := p.balance(ctx)
	if err != nil {
		return nil, err
	}
	r := reading{At: time.Now(), Purses: purses, Generation: states[0].Generation}
	report, due := verdict(states[0], last, r, p.recheck())
	if due {
		after, err := p.health.Report(ctx, p.account.Name, report)
		if err != nil {
			return nil, err
		}
		r.Generation = after.Generation
		p.tell(states[0], after)
	}
	return &r, p.store.save(ctx, p.account.Name, r)
}

// balance is the answer to the question itself, which has the account's time.
func (p *purse) balance(ctx context.Context) (purses []providers.Balance, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.account.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in the provider's client: %T", r)
		}
	}()
	return p.asked.Balance(ctx)
}

func (p *purse) tell(before, after dispatch.AccountState) {
	account := zap.String("account", p.account.Name)
	switch {
	case before.Generation == after.Generation:
	case after.Circuit == dispatch.Closed:
		p.log.Info("account is asked again: it has funds", account)
	case after.Cause == job.InsufficientFunds:
		p.log.Error("account paused", account, zap.String("cause", string(after.Cause)), zap.String("words", after.Words))
	}
}

// verdict is what a reading means for an account in a state; last is the one before. With due false it means nothing.
//
// While nothing is left no probe is worth it; for some time longer than until the next reading, should that fail. Once there is something, the pause is
// over. An account that refused though there was something has too little for a message, and how much that is only a probe can tell.
func verdict(s dispatch.AccountState, last *reading, r reading, recheck time.Duration) (report dispatch.AccountReport, due bool) {
	paused := pauseOf(s) != 0
	report = dispatch.AccountReport{Generation: s.Generation, Cause: job.InsufficientFunds}
	switch {
	case empty(r.Purses):
		report.Finding, report.Words, report.For = dispatch.Refused, nothingLeft, 2*recheck+2*balanceLook
		return report, paused || s.Circuit == dispatch.Closed
	case paused && last != nil && last.Generation == s.Generation && empty(last.Purses) && len(r.Purses) > 0:
		report.Finding = dispatch.Mended
		return report, true
	}
	return report, false
}
