package receipts

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Config is what a Service works with.
type Config struct {
	Accounts []Account
	Drain    time.Duration // how long Run may take to store what was read, once its context ended
}

// Ports are what a Service works through.
type Ports struct {
	Index     Index
	Leases    Leases
	History   History
	Store     Store
	Records   Records
	Publisher Publisher
	Observer  Observer // nil: nobody
}

// Service is one worker's share in the receipts of all accounts.
type Service struct {
	Config
	Ports
	accounts map[string]*Account
	log      *zap.Logger
	rooms    sync.Pool // of *[]Entry, for Track
}

// New returns a service; Run makes it work.
func New(cfg Config, ports Ports, log *zap.Logger) *Service {
	s := &Service{Config: cfg, Ports: ports, accounts: map[string]*Account{}, log: log.Named("receipts")}
	if s.Observer == nil {
		s.Observer = nobody{}
	}
	for i := range s.Accounts {
		s.accounts[s.Accounts[i].Name] = &s.Accounts[i]
	}
	return s
}

// Run works until ctx ends: then it reads no more, stores what was read, finishes the letters in hand within the drain budget, and gives
// the others back. The error is that the budget was over before all that was read is stored.
func (s *Service) Run(ctx context.Context) error {
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(s.Drain, stop) })()
	var all errgroup.Group
	all.Go(func() error { return s.match(ctx, hard) })
	if len(s.Accounts) > 0 {
		all.Go(func() error { s.leading(ctx, "index", s.index); return nil })
	}
	for i := range s.Accounts {
		a := &s.Accounts[i]
		if a.Queue != nil {
			all.Go(func() error {
				s.leading(ctx, "queue:"+a.Name, func(ctx context.Context) { s.read(ctx, hard, a) })
				return nil
			})
		}
		all.Go(func() error {
			s.leading(ctx, "ask:"+a.Name, func(ctx context.Context) { s.ask(ctx, hard, a) })
			return nil
		})
	}
	return all.Wait()
}

// insist repeats try until it succeeds; the error is that ctx ended before, and why it hadn't.
func (s *Service) insist(ctx context.Context, what string, try func() error) error {
	pace := backoff.NewExponentialBackOff(backoff.WithInitialInterval(20*time.Millisecond), backoff.WithMaxInterval(2*time.Second), backoff.WithMaxElapsedTime(0))
	return backoff.RetryNotify(try, backoff.WithContext(pace, ctx), func(err error, _ time.Duration) {
		s.log.Warn("not yet: "+what, zap.Error(err))
	})
}

// sleep waits; false: ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
