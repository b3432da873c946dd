package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// BuildWorker builds the worker of the module we are run in as the image has it, with more flags of go build.
func BuildWorker(ctx context.Context, path string, flags ...string) error {
	args := append(append([]string{"build", "-tags", "grpcnotrace", "-o", path}, flags...), "github.com/gonets/gonets/cmd/worker")
	build := exec.CommandContext(ctx, "go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the worker: %w\n%s", err, out)
	}
	return nil
}

// InitStreams makes the streams and consumers of a configuration.
func InitStreams(ctx context.Context, worker, config string) error {
	out, err := exec.CommandContext(ctx, worker, "init", "--config", config).CombinedOutput()
	if err != nil {
		return fmt.Errorf("worker init: %w\n%s", err, out)
	}
	return nil
}

// StartWorker runs a worker, as c has it but for how it is told that it runs, and returns once it listens, with the URL of its pages.
func StartWorker(ctx context.Context, c Command) (*Process, string, error) {
	c.Ready = `"msg":"listening"`
	child, line, err := c.Start(ctx)
	if err != nil {
		return nil, "", err
	}
	var said struct{ HTTP string }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		child.Kill()
		return nil, "", fmt.Errorf("%s: %w: %s", c.Name, err, line)
	}
	return child, "http://" + said.HTTP, nil
}

// AwaitReady returns once the worker says that it is ready.
func (p *Process) AwaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, StartWithin)
	defer cancel()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for !Ready(ctx, url) {
		select {
		case <-pace.C:
		case <-p.over:
			return p.Ended()
		case <-ctx.Done():
			return fmt.Errorf("%s was never ready: %w; it said:\n%s", p.name, ctx.Err(), p.Said())
		}
	}
	return nil
}

// Ready asks a worker whether it is ready.
func Ready(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
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

// ClearOverrides forgets what would override the worker's configuration: no process is to inherit it.
func ClearOverrides() error {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "GONETS_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}
