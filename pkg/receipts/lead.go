package receipts

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// A lease lasts leaseFor and is renewed three times in that time; so another worker takes over within leaseFor and a third of it.
const (
	leaseFor = 6 * time.Second
	leaseAgo = leaseFor / 3
)

// leading does what one worker alone is to do, whenever this is the one, until ctx ends. The context of work ends with the lease, too: work begins
// nothing then, and finishes what it has begun.
func (s *Service) leading(ctx context.Context, name string, work func(ctx context.Context)) {
	for {
		if held, err := s.Leases.Hold(ctx, name, leaseFor); err == nil && held {
			s.lead(ctx, name, work)
		}
		if !sleep(ctx, leaseAgo) {
			return
		}
	}
}

// lead does it while the lease is held.
func (s *Service) lead(ctx context.Context, name string, work func(ctx context.Context)) {
	log := s.log.With(zap.String("lease", name))
	log.Debug("lease taken")
	mine, end := context.WithCancel(ctx)
	defer end()
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer end()
		for good := time.Now(); sleep(mine, leaseAgo); {
			begun := time.Now()
			held, err := s.Leases.Hold(mine, name, leaseFor)
			switch {
			case err == nil && held:
				good = begun
			case err == nil || time.Since(good) > leaseFor-leaseAgo:
				log.Warn("lease lost", zap.Error(err))
				return
			}
		}
	}()
	work(mine)
	end()
	<-over
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.Leases.Release(release, name) // or it ends by itself
}
