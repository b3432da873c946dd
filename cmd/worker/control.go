package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/observe"
)

// control is what operators want of the accounts, as this worker knows it: every worker follows the same bucket, so they know it within moments of each
// other, and a new one before it sends anything.
type control struct {
	accounts map[string]config.Account
	names    []string // of the accounts, as configured
	bucket   *natsq.Control
	limits   *limits
	metrics  *observe.Control
	log      *zap.Logger

	mu       sync.Mutex
	intents  map[string]intent
	standing bool          // what stood in the bucket is known: from here on, an entry is a change
	revision uint64        // of the bucket, up to which it is known
	moved    chan struct{} // closed with the next change
}

func newControl(accounts []config.Account, bucket *natsq.Control, l *limits, m *observe.Control, log *zap.Logger) *control {
	c := &control{accounts: map[string]config.Account{}, bucket: bucket, limits: l, metrics: m, log: log, intents: map[string]intent{}, moved: make(chan struct{})}
	for _, a := range accounts {
		c.accounts[a.Name] = a
		c.names = append(c.names, a.Name)
		if a.Limit.Limited() {
			m.Limit(a.Name, a.Limit.PerSecond, a.Limit.Burst)
		}
	}
	return c
}

// start follows the bucket until stop is called, again and again. report is told what keeps it from being known; nil: nothing does. What was known
// goes on to count where the bucket can't be followed for a time.
func (c *control) start(report func(error)) (stop func()) {
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		await(ctx, func() error { return c.bucket.Follow(ctx, c.take, func() { c.stands(); report(nil) }) }, func(err error) {
			if ctx.Err() == nil {
				report(err)
				c.log.Warn("what operators want isn't heard", zap.Error(err))
			}
		})
	}()
	return func() { end(); <-done }
}

func (c *control) stands() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.standing = true
	c.tell()
}

func (c *control) tell() {
	close(c.moved)
	c.moved = make(chan struct{})
}

// known waits until what stands in the bucket is known, and its changes up to a revision.
func (c *control) known(ctx context.Context, revision uint64) error {
	for {
		c.mu.Lock()
		known, moved := c.standing && c.revision >= revision, c.moved
		c.mu.Unlock()
		if known {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take puts an entry of the bucket into force. One that can't be understood changes nothing.
func (c *control) take(e natsq.ControlEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.tell()
	c.revision = e.Revision
	log := c.log.With(zap.String("account", e.Account))
	a, ours := c.accounts[e.Account]
	if !ours {
		return
	}
	i, err := decodeIntent(e.Data)
	if err != nil {
		log.Error("an operator's entry can't be understood, what was known of the account goes on to count", zap.Error(err))
		return
	}
	if old := c.intents[a.Name]; old == i {
		return
	}
	c.intents[a.Name] = i
	c.limit(a, i, log)
	if c.standing {
		c.metrics.Changed(a.Name, string(i.Last.What))
	}
	if c.standing || i.Pause != (pause{}) || i.Limit != (limit{}) {
		log.Warn("operator's change", zap.String("change", string(i.Last.What)), zap.String("by", i.Last.By), zap.String("reason", i.Last.Reason), zap.Time("at", i.Last.At),
			zap.Any("pause", i.Pause), zap.Any("limit", i.Limit))
	}
}

// limit puts the account's limit into force. One that the account can't have is left aside: the configuration may have changed since.
func (c *control) limit(a config.Account, i intent, log *zap.Logger) {
	if !a.Limit.Limited() {
		return
	}
	set := a.Limit
	if i.Limit != (limit{}) {
		if err := i.Limit.fits(a); err != nil {
			log.Error("the operator's limit can't be kept, the configuration's is", zap.Error(err))
		} else {
			set = config.Limit{PerSecond: i.Limit.PerSecond, Burst: i.Limit.Burst}
		}
	}
	c.limits.set(a.Name, set)
	c.metrics.Limit(a.Name, set.PerSecond, set.Burst)
}

// intent is what operators want of the account.
func (c *control) intent(account string) intent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.intents[account]
}

// change stores what an order makes of the account's entry, and waits until this worker knows it.
func (c *control) change(ctx context.Context, o order) error {
	a, known := c.accounts[o.about()]
	if !known {
		return badOrder{fmt.Sprintf("account: no account is called %q", o.about())}
	}
	revision, err := c.bucket.Change(ctx, a.Name, func(old []byte) ([]byte, error) {
		i, err := decodeIntent(old)
		if err != nil {
			i = intent{} // nobody could obey it; the order mends it
		}
		if i, err = o.apply(a, i, time.Now()); err != nil {
			return nil, err
		}
		return i.encode()
	})
	if err != nil {
		return err
	}
	if err := c.known(ctx, revision); err != nil {
		return fmt.Errorf("it is stored, but this worker doesn't hear of it: %w", err)
	}
	return nil
}
