package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gonets/gonets/pkg/breaker"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// fakeProvider counts what recipients got and answers as it is told to.
type fakeProvider struct {
	mu      sync.Mutex
	dedupes bool
	copies  map[[32]byte]int
	burns   map[[32]byte]int // results that count as an attempt
	late    int              // messages that came after they expired
	packets []int
	answer  func(providers.Message) (providers.Result, bool) // and whether the recipient gets it; nil: submitted
	delay   time.Duration
	crash   func(before bool) bool // whether the worker is gone before, or after, the provider took the request
	inside  int
	most    int // requests at once
}

func (p *fakeProvider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	p.mu.Lock()
	p.packets = append(p.packets, len(msgs))
	for _, m := range msgs {
		if !m.ExpiresAt.IsZero() && !time.Now().Before(m.ExpiresAt) {
			p.late++
		}
	}
	p.inside++
	p.most = max(p.most, p.inside)
	p.mu.Unlock()
	out := providers.All(len(msgs), providers.Result{Code: providers.CodeAmbiguous, Message: "timeout"})
	defer func() { p.mu.Lock(); p.inside--; p.mu.Unlock() }()
	if p.crash != nil && p.crash(true) {
		return out
	}
	cut := sleep(ctx, p.delay) != nil
	p.mu.Lock()
	defer p.mu.Unlock()
	if cut {
		for _, m := range msgs {
			p.burns[m.Key]++
		}
		return out
	}
	for i, m := range msgs {
		r, got := providers.Result{Outcome: providers.Submitted, ID: fmt.Sprintf("%x", m.Key[:4])}, true
		if p.answer != nil {
			r, got = p.answer(m)
		}
		if got && (!p.dedupes || p.copies[m.Key] == 0) {
			p.copies[m.Key]++
		}
		if r.Outcome == providers.Unavailable || r.Outcome == providers.Ambiguous {
			p.burns[m.Key]++
		}
		out[i] = r
	}
	if p.crash != nil && p.crash(false) {
		return providers.All(len(msgs), providers.Result{Code: providers.CodeAmbiguous, Message: "timeout"})
	}
	return out
}

// sizes are the packets so far.
func (p *fakeProvider) sizes() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int(nil), p.packets...)
}

// accountState is the breaker's state as the port has it.
func accountState(s breaker.State) AccountState {
	return AccountState{Circuit: Circuit(s.Kind), Cause: job.Code(s.Cause), Words: s.Words, Until: s.Until, Itself: s.Itself,
		Failures: s.Failures, Generation: s.Generation}
}

func (w worker) States(ctx context.Context, accounts []string) ([]AccountState, error) {
	if w.down() {
		return nil, errCrashed
	}
	states, err := w.breakers.Look(ctx, accounts)
	out := make([]AccountState, len(states))
	for i, s := range states {
		out[i] = accountState(s)
	}
	return out, err
}

func (w worker) Report(ctx context.Context, account string, r AccountReport) (AccountState, error) {
	if w.down() {
		return AccountState{}, errCrashed
	}
	s, err := w.breakers.Report(ctx, account, w.policy, breaker.Report{Finding: breaker.Finding(r.Finding), Generation: r.Generation,
		Ticket: r.Ticket, Cause: string(r.Cause), Words: r.Words, For: r.For})
	return accountState(s), err
}

func (w worker) Probe(ctx context.Context, account string, hold time.Duration) (AccountState, string, error) {
	if w.down() {
		return AccountState{}, "", errCrashed
	}
	s, ticket, err := w.breakers.Probe(ctx, account, hold)
	return accountState(s), ticket, err
}
