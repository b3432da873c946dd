package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/providers"
)

const (
	// sendersFresh is the age up to which a list is good for a refusal, and how often it is asked for at most.
	sendersFresh = 10 * time.Second
	// sendersEvery is how often the list is asked for though nobody needs it.
	sendersEvery = 5 * time.Minute
	// sendersPatience is how long the answer is waited for.
	sendersPatience = 2 * time.Second
)

// senderCheck is an account's list of senders. A sender that is in it goes on at once; one that isn't is refused by a list that is fresh. Where none is to be
// had, nothing is refused: the provider has the last word.
type senderCheck struct {
	account string
	asked   providers.SenderLister
	log     *zap.Logger
	list    atomic.Pointer[senderList]

	mu    sync.Mutex // held while it is asked for
	tried time.Time
}

type senderList struct {
	senders []providers.Sender
	at      time.Time // before it was asked for
}

// checkSenders has the senders of those accounts checked that ask for it and can tell them, and keeps their lists until stop is called.
func checkSenders(ctx context.Context, accounts []config.Account, opened []dispatch.Account, log *zap.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	for i, a := range accounts {
		asked, can := opened[i].Provider.(providers.SenderLister)
		switch {
		case !a.CheckSender:
		case !can:
			log.Warn("check_sender has no effect: the provider doesn't tell its senders", zap.String("account", a.Name))
		default:
			c := &senderCheck{account: a.Name, asked: asked, log: log}
			opened[i].SenderFault = c.fault
			watching.Go(func() { c.watch(ctx) })
		}
	}
	return func() { cancel(); watching.Wait() }
}

// fault implements [dispatch.Account.SenderFault].
func (c *senderCheck) fault(ctx context.Context, sender string) string {
	if sender == "" {
		return "" // the provider's own
	}
	if l := c.list.Load(); l != nil {
		if _, usable := judgeSender(sender, l.senders); usable {
			return ""
		}
	}
	l := c.fresh(ctx)
	if l == nil {
		return ""
	}
	words, usable := judgeSender(sender, l.senders)
	if usable {
		return ""
	}
	return words
}

// fresh is a list that is fresh, nil where there is none. It asks for it unless it did so lately.
func (c *senderCheck) fresh(ctx context.Context) *senderList {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.tried) >= sendersFresh {
		c.tried = now
		if err := c.ask(ctx, now); err != nil {
			c.log.Warn("the list of senders isn't to be had, none is refused", zap.String("account", c.account), zap.Error(err))
		}
	}
	if l := c.list.Load(); l != nil && time.Since(l.at) <= sendersFresh+sendersPatience {
		return l
	}
	return nil
}

// ask has its own time: that a source stopped waiting for the answer says nothing of the list.
func (c *senderCheck) ask(ctx context.Context, now time.Time) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendersPatience)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in the provider's client: %T", r)
		}
	}()
	senders, err := c.asked.Senders(ctx)
	if err != nil {
		return err
	}
	c.list.Store(&senderList{senders, now})
	return nil
}

// watch keeps the list up to date until ctx ends, so that a sender that was withdrawn doesn't stay good.
func (c *senderCheck) watch(ctx context.Context) {
	tick := time.NewTicker(sendersEvery)
	defer tick.Stop()
	for {
		c.fresh(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
