package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// provision creates or updates what the configuration needs on its server. The changes that were made are returned with an error, too.
func provision(ctx context.Context, cfg *config.Config) ([]natsq.Change, error) {
	connecting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	ctx, deny := context.WithCancelCause(ctx)
	defer deny(nil)
	nc, js, err := reachNATS(connecting, cfg.NATS, "gonets worker init", deny)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(ctx, provisionTime)
	defer cancel()
	changes, err := natsq.Provision(ctx, js, layout(cfg))
	return changes, because(ctx, err)
}

// because adds to err why its context ended.
func because(ctx context.Context, err error) error {
	if why := context.Cause(ctx); err != nil && why != nil && !errors.Is(err, why) {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}
