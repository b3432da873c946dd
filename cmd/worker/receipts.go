package main

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/claim"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/receipts"
	"github.com/gonets/gonets/pkg/receipts/index"
)

// records are the claim records as receipts see them: a call that meets a loss waits until they are whole again.
type records struct {
	guard  *guard
	claims *claim.Store
}

// Advance implements [receipts.Records].
func (r records) Advance(ctx context.Context, steps []receipts.Step) ([]receipts.Advance, error) {
	return guarded(ctx, r.guard, func() ([]receipts.Advance, error) { return r.claims.Advance(ctx, steps) })
}

// history is the status stream as receipts see it.
type history struct {
	js     jetstream.JetStream
	layout natsq.Layout
}

// Read implements [receipts.History].
func (h history) Read(ctx context.Context, since time.Time, states []job.State, each func([]dispatch.Event) error) error {
	_, err := natsq.ReadStatus(ctx, h.js, h.layout, natsq.Excerpt{Since: since, States: states}, func(events []dispatch.Event, _ uint64) error { return each(events) })
	return err
}

// tracked is an outlet whose published events are tracked to their receipts.
type tracked struct {
	dispatch.Outlet
	track func(context.Context, []dispatch.Event) error
}

// Publish implements [dispatch.Outlet].
func (t tracked) Publish(ctx context.Context, events []dispatch.Event) error {
	if err := t.Outlet.Publish(ctx, events); err != nil {
		return err
	}
	return t.track(ctx, events)
}

// newReceipts makes the worker's share in the receipts of all accounts that report delivery.
func newReceipts(cfg *config.Config, accounts []receipts.Account, x *index.Redis, js jetstream.JetStream, r records, p receipts.Publisher, o receipts.Observer, log *zap.Logger) *receipts.Service {
	return receipts.New(receipts.Config{Accounts: accounts, Drain: drainBudget}, receipts.Ports{
		Index:     x,
		Leases:    x,
		History:   history{js, layout(cfg)},
		Store:     natsq.NewReceipts(js, layout(cfg), func(err error) { log.Warn("receipts", zap.Error(err)) }),
		Records:   r,
		Publisher: p,
		Observer:  o,
	}, log)
}

// forget has the indexes made anew: where Redis forgot what it was told last, they lack entries that nobody would miss.
func forget(ctx context.Context, x *index.Redis, accounts []receipts.Account) error {
	for _, a := range accounts {
		if err := x.Forget(ctx, a.Name); err != nil {
			return err
		}
	}
	return nil
}

// receiptAccounts are those of which a final state can be learnt after submission. What a provider can do for it its own type tells.
func receiptAccounts(cfg *config.Config, opened []dispatch.Account, limiter dispatch.Limiter) []receipts.Account {
	var all []receipts.Account
	for i, o := range opened {
		if !o.Traits.ReportsDelivery {
			continue
		}
		c := cfg.Accounts[i]
		a := receipts.Account{Name: o.Name, MaxRead: o.Traits.MaxRead, MaxAsk: o.Traits.MaxAsk, Timeout: o.Timeout,
			Every: c.Receipts.Every, Idle: c.Receipts.Idle, AskAfter: c.Receipts.AskAfter, GiveUp: c.Receipts.GiveUp}
		a.Queue, _ = o.Provider.(providers.ReceiptQueue) // nil where it isn't one
		a.Asker, _ = o.Provider.(providers.ReceiptAsker)
		if c.WebhookSecret != "" {
			a.Hook, _ = o.Provider.(providers.ReceiptHook)
		}
		if ids, ok := o.Provider.(providers.ClientIDs); ok {
			a.ClientID = ids.ClientID
		}
		if o.Bounded {
			a.Enter = func(ctx context.Context) (func(), bool, error) { return limiter.Enter(ctx, o.Name) }
		}
		all = append(all, a)
	}
	return all
}

// together runs both until ctx ends or one of them fails, and then until both have finished what they have in hand.
func together(ctx context.Context, one, other func(context.Context) error) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return one(ctx) })
	all.Go(func() error { return other(ctx) })
	return all.Wait()
}
