package main

import (
	"context"
	_ "embed" // the profiled worker's main
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// profileVariable names the file that a child of ours writes its CPU profile to.
const profileVariable = "BENCH_CPUPROFILE"

// profiledMain takes the place of the worker's main.go where it is to be profiled. The worker itself has no such thing.
//
//go:embed profiledmain.go.txt
var profiledMain []byte

// profiled runs one of our processes under the profiler where it is told to.
func profiled(part func() error) error {
	path := os.Getenv(profileVariable)
	if path == "" {
		return part()
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = part()
	pprof.StopCPUProfile()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// profileOf is what makes a child write its profile: with -profile, <folder>/<name>.pprof, the last one's of that name.
func (o *options) profileOf(name string) []string {
	if o.profile == "" {
		return nil
	}
	return []string{profileVariable + "=" + filepath.Join(o.profile, name+".pprof")}
}

// buildWorker builds the worker of the module we are run in, with another main.go where it is to be profiled.
func buildWorker(ctx context.Context, path string, profile bool) error {
	if !profile {
		return lab.BuildWorker(ctx, path)
	}
	overlay, err := writeOverlay(ctx, filepath.Dir(path))
	if err != nil {
		return err
	}
	return lab.BuildWorker(ctx, path, "-overlay", overlay)
}

const workerPackage = "github.com/gonets/gonets/cmd/worker"

// writeOverlay writes what go build's -overlay takes, into a folder.
func writeOverlay(ctx context.Context, dir string) (string, error) {
	folder, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", workerPackage).Output()
	if err != nil {
		return "", fmt.Errorf("find the worker: %w", err)
	}
	main, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(main, profiledMain, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(string(folder[:len(folder)-1]), "main.go"): main}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}
