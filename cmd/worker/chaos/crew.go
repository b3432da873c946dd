package main

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

const crew = 3 // workers

// hire starts n workers and waits until they are ready.
func (w *town) hire(ctx context.Context, n int) error {
	for range n {
		child, url, err := w.hireOne(ctx)
		if err != nil {
			return err
		}
		if err := child.AwaitReady(ctx, url); err != nil {
			return err
		}
	}
	return nil
}

// hireOne starts a worker.
func (w *town) hireOne(ctx context.Context) (*lab.Process, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started++
	name := fmt.Sprintf("worker-%d", w.started)
	child, url, err := lab.StartWorker(ctx, lab.Command{Name: name, Path: w.worker, Args: []string{"run", "--config", w.config}, Log: filepath.Join(w.dir, name+".log")})
	if err != nil {
		return nil, "", err
	}
	w.workers = append(w.workers, child)
	return child, url, nil
}

// dismiss takes a random worker off the list.
func (w *town) dismiss() *lab.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.workers) == 0 {
		return nil
	}
	i := w.random.IntN(len(w.workers))
	p := w.workers[i]
	w.workers = append(w.workers[:i], w.workers[i+1:]...)
	return p
}

// killOne kills a random worker and starts another in its place.
func (w *town) killOne(ctx context.Context) error {
	w.dismiss().Kill()
	_, _, err := w.hireOne(ctx)
	return err
}

// stopOne stops the oldest worker in good order, as a deployment does, and starts another in its place. It returns how long the stop took.
func (w *town) stopOne(ctx context.Context) (time.Duration, error) {
	w.mu.Lock()
	p := w.workers[0]
	w.workers = w.workers[1:]
	w.mu.Unlock()
	began := time.Now()
	_, err := p.Stop()
	took := time.Since(began)
	if err != nil {
		return took, err
	}
	child, url, err := w.hireOne(ctx)
	if err != nil {
		return took, err
	}
	return took, child.AwaitReady(ctx, url)
}

// goHome stops all workers in good order: each must exit with 0. One that ended before is a fault.
func (w *town) goHome() error {
	for _, p := range w.workers {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			return err
		}
	}
	for _, p := range w.workers {
		if err := p.Wait(); err != nil {
			return err
		}
	}
	w.workers = nil
	return nil
}
