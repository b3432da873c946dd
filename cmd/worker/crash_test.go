package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// diesAt is the environment variable by which a worker of these tests is told where to die. Such a worker is this test binary, started again.
const diesAt = "GONETS_TEST_DIES_AT"

func TestMain(m *testing.M) {
	point := os.Getenv(diesAt)
	if point == "" {
		os.Exit(m.Run())
	}
	_ = os.Unsetenv(diesAt) // it isn't the configuration's; a name without = can always be unset
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv, environ: os.Environ(), kinds: catalogue(), reread: rereadEvery,
		around: func(ports dispatch.Ports) dispatch.Ports { return dying(point, ports) }}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}

// The points at which a worker dies: before or after a call of one of its ports.
const (
	onFetch     = "a job was fetched"
	onClaimed   = "claimed"
	onAnswered  = "the provider answered, nothing recorded"
	onRecorded  = "recorded"
	onBury      = "before the dead letter"
	onBuried    = "after the dead letter"
	onHalf      = "half of the events are out"
	onPublish   = "before the events"
	onPublished = "after the events"
	onHold      = "before LATER"
	onHeld      = "after LATER"
	onAck       = "before the ack"
)

// dying are ports that kill their process at a point. die never returns.
func dying(point string, ports dispatch.Ports) dispatch.Ports {
	d := &deathbed{point: point}
	sources := ports.Sources
	ports.Sources = func(lane job.Lane, route string) dispatch.Source { return &dyingSource{sources(lane, route), d} }
	ports.Claims = &dyingClaims{ports.Claims, d}
	ports.Outlet = &dyingOutlet{ports.Outlet, d}
	return ports
}

type deathbed struct {
	point string
}

// at kills the process where this is the point.
func (d *deathbed) at(point string) {
	if point != d.point {
		return
	}
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) // nobody survives it
	time.Sleep(time.Hour)
}

type dyingSource struct {
	dispatch.Source
	*deathbed
}

func (s *dyingSource) Run(ctx context.Context, handle func(dispatch.Delivery)) error {
	return s.Source.Run(ctx, func(d dispatch.Delivery) {
		s.at(onFetch)
		d.Handle = &dyingHandle{d.Handle, s.deathbed}
		handle(d)
	})
}

type dyingHandle struct {
	dispatch.Handle
	*deathbed
}

func (h *dyingHandle) Ack() error {
	h.at(onAck)
	return h.Handle.Ack()
}

type dyingClaims struct {
	dispatch.Claims
	*deathbed
}

func (c *dyingClaims) Claim(ctx context.Context, reqs []dispatch.ClaimRequest) ([]dispatch.Claim, error) {
	claims, err := c.Claims.Claim(ctx, reqs)
	if err == nil {
		c.at(onClaimed)
	}
	return claims, err
}

func (c *dyingClaims) Record(ctx context.Context, updates []dispatch.Update) ([]bool, error) {
	c.at(onAnswered)
	held, err := c.Claims.Record(ctx, updates)
	if err == nil {
		c.at(onRecorded)
	}
	return held, err
}

type dyingOutlet struct {
	dispatch.Outlet
	*deathbed
}

func (o *dyingOutlet) Publish(ctx context.Context, events []dispatch.Event) error {
	o.at(onPublish)
	if o.point == onHalf && len(events) > 1 {
		events = events[:len(events)/2]
	}
	err := o.Outlet.Publish(ctx, events)
	if err == nil {
		o.at(onHalf)
		o.at(onPublished)
	}
	return err
}

func (o *dyingOutlet) Hold(ctx context.Context, held []dispatch.Held) error {
	o.at(onHold)
	err := o.Outlet.Hold(ctx, held)
	if err == nil {
		o.at(onHeld)
	}
	return err
}

func (o *dyingOutlet) Bury(ctx context.Context, dead []dispatch.DeadLetter) error {
	o.at(onBury)
	err := o.Outlet.Bury(ctx, dead)
	if err == nil {
		o.at(onBuried)
	}
	return err
}
