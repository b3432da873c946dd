package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

// world is what stands around a subject for one measurement, all new: no round inherits streams, records or duplicate windows
// from another.
type world struct {
	dir                string
	nats               []*lab.Process
	redis, provider    *lab.Process
	natsURL, redisAddr string
	providerURL, admin string
	config             string // the worker's file
	scene              scene
	nc                 *nats.Conn
	js                 jetstream.JetStream // for jobs; its failures are in failed
	failed             chan error
	gently             bool // the servers write profiles when they are told to stop
}

func (p *plan) newWorld(ctx context.Context, s subject, set scene) (w *world, err error) {
	w = &world{scene: set, failed: make(chan error, 1), gently: p.profile != ""}
	defer func() {
		if err != nil {
			w.close() // what there is of it
		}
	}()
	if w.dir, err = os.MkdirTemp(p.dir, "world-"); err != nil {
		return w, err
	}
	if w.redis, w.redisAddr, err = lab.StartRedis(ctx, w.dir); err != nil {
		return w, err
	}
	var said []string
	if w.nats, w.natsURL, err = lab.StartNATS(ctx, p.self, p.profileOf("nats-of-"+s.short), w.dir, set.servers); err != nil {
		return w, err
	}
	if w.provider, said, err = lab.StartSelf(ctx, p.self, p.profileOf("provider-of-"+s.short), "provider", "-delay", set.delay.String()); err != nil {
		return w, err
	}
	w.providerURL, w.admin = said[0], said[1]
	if w.config, err = w.writeConfig(set); err != nil {
		return w, err
	}
	if err = lab.InitStreams(ctx, p.worker, w.config); err != nil {
		return w, err
	}
	if w.nc, err = nats.Connect(w.natsURL); err != nil {
		return w, err
	}
	w.js, err = jetstream.New(w.nc, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(lab.StartWithin),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			select {
			case w.failed <- fmt.Errorf("a job was not stored: %w", err):
			default:
			}
		}))
	return w, err
}

// close ends the servers and removes their data.
func (w *world) close() {
	if w.nc != nil {
		w.nc.Close()
	}
	for _, p := range append([]*lab.Process{w.provider, w.redis}, w.nats...) {
		if w.gently && p != nil {
			_, _ = p.Stop() // a server that doesn't is killed
		}
		p.Kill()
	}
	if w.dir != "" {
		_ = os.RemoveAll(w.dir) // within the folder that is removed at the end
	}
}

// cpu is what NATS, Redis and the provider have used up.
func (w *world) cpu() (used [3]time.Duration) {
	for _, server := range w.nats {
		used[0] += lab.CPUOf(server)
	}
	used[1], used[2] = lab.CPUOf(w.redis), lab.CPUOf(w.provider)
	return used
}
