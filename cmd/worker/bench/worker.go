package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
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

// initStreams makes the streams and consumers that both subjects use.
func (p *plan) initStreams(ctx context.Context, config string) error {
	out, err := exec.CommandContext(ctx, p.worker, "init", "--config", config).CombinedOutput()
	if err != nil {
		return fmt.Errorf("worker init: %w\n%s", err, out)
	}
	return nil
}

// startWorker runs the worker and waits until it says that it is ready.
func (p *plan) startWorker(ctx context.Context, w *world) (*process, error) {
	child, line, err := start(ctx, p.profileOf(theWorker), theWorker, `"msg":"listening"`, p.worker, "run", "--config", w.config)
	if err != nil {
		return nil, err
	}
	readyz := "http://" + string(field([]byte(line), "http")) + "/readyz"
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for pace := time.NewTicker(20 * time.Millisecond); ; {
		if ready(ctx, readyz) {
			pace.Stop()
			return child, nil
		}
		select {
		case <-pace.C:
		case <-child.over:
			return nil, child.ended()
		case <-ctx.Done():
			child.kill()
			return nil, fmt.Errorf("the worker was never ready: %w; it said:\n%s", ctx.Err(), child.said.String())
		}
	}
}

func ready(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false // not listening yet
	}
	_ = resp.Body.Close() // nothing of it is wanted
	return resp.StatusCode == http.StatusOK
}
