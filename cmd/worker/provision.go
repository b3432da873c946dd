package main

import (
	"context"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// provision creates or updates what the configuration needs on its server. The changes that were made are returned with an error, too.
func provision(ctx context.Context, cfg *config.Config) ([]natsq.Change, error) {
	connecting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	nc, js, err := reachNATS(connecting, cfg.NATS, "gonets worker init")
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(ctx, provisionTime)
	defer cancel()
	return natsq.Provision(ctx, js, layout(cfg))
}
