package main

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
)

// rereadEvery is how often a worker looks whether a secret changed. Kubernetes itself takes a minute or so to bring one into a pod.
const rereadEvery = 15 * time.Second

// serveUntilRotated is [serve] until ctx ends or a file of a secret changes. Then the worker finishes what is in hand, as at any stop, and next is
// the configuration to begin anew with; nil: it has ended. To begin anew in the same process is the one way that takes over every kind of secret, and
// that is a stop and a start like any other to the jobs: no attempt is spent, nothing is sent twice.
func (p *program) serveUntilRotated(ctx context.Context, path string, cfg *config.Config, log *zap.Logger) (next *config.Config, err error) {
	ctx, stop := context.WithCancel(ctx)
	rotated := make(chan *config.Config, 1)
	go func() {
		defer close(rotated)
		if next := p.awaitRotation(ctx, path, cfg, log); next != nil {
			rotated <- next
			stop()
		}
	}()
	err = serve(ctx, cfg, log, p.around)
	stop()
	next = <-rotated
	if next != nil && err != nil {
		log.Warn("the worker did not end in good order before it begins anew", zap.Error(err))
		err = nil
	}
	return next, err
}

// awaitRotation waits until a file of a secret changes and the configuration can be read with it; nil: ctx ended before.
func (p *program) awaitRotation(ctx context.Context, path string, cfg *config.Config, log *zap.Logger) *config.Config {
	look := time.NewTicker(p.reread)
	defer look.Stop()
	var refused []config.Content
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
		now, changed := rotations(cfg.Secrets)
		if len(changed) == 0 || slices.Equal(now, refused) {
			continue
		}
		next, err := p.load(path)
		if err != nil {
			log.Warn("a secret changed, and the configuration is faulty with it: the worker goes on as it is", zap.Strings("files", changed), zap.Error(err))
			refused = now // say it once
			continue
		}
		log.Info("a secret changed: the worker begins anew", zap.Strings("files", changed))
		return next
	}
}

// rotations are the files as they are now, and the names of those that changed.
func rotations(known []config.Content) (now []config.Content, changed []string) {
	for _, c := range known {
		n := c.Now()
		if n != c {
			changed = append(changed, filepath.Base(c.Path))
		}
		now = append(now, n)
	}
	return now, changed
}
