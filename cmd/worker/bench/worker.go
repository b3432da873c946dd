package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

const theWorker = "worker"

// writeConfig writes the worker's configuration: one route, one account without a limit.
func (w *world) writeConfig(inFlight int) (string, error) {
	path := filepath.Join(w.dir, "gonets.yaml")
	text := fmt.Sprintf(`nats: {url: %q}
redis: {url: "redis://%s/0"}
http: {listen: "127.0.0.1:0"}
log: {level: info, format: json}
accounts:
  prostor-main:
    provider: prostor
    url: %q
    login: %s
    password: %s
    in_flight: %d
    batch: %d
routes:
  %s: {accounts: [prostor-main]}
`, w.natsURL, w.redisAddr, w.providerURL, login, password, inFlight, packet, route)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// startWorker runs the worker and waits until it says that it is ready.
func (p *plan) startWorker(ctx context.Context, w *world) (*lab.Process, error) {
	child, url, err := lab.StartWorker(ctx, lab.Command{Name: theWorker, Path: p.worker, Args: []string{"run", "--config", w.config}, Env: p.profileOf(theWorker)})
	if err != nil {
		return nil, err
	}
	if err := child.AwaitReady(ctx, url); err != nil {
		child.Kill()
		return nil, err
	}
	return child, nil
}
