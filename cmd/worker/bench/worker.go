package main

import (
	"context"
	"fmt"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

const theWorker = "worker"

// crew is the processes that take the jobs of a world: one subject, or several workers.
type crew []*lab.Process

// kill ends all of them at once.
func (c crew) kill() {
	for _, child := range c {
		child.Kill()
	}
}

// ended tells of one that ended by itself; nil: none did.
func (c crew) ended() error {
	for _, child := range c {
		select {
		case <-child.Over():
			return child.Ended()
		default:
		}
	}
	return nil
}

// said is what the first of them said last.
func (c crew) said() string { return c[0].Said() }

// stop ends all of them as an operator would, and tells what they used up together.
func (c crew) stop() (used lab.Usage, err error) {
	for _, child := range c {
		u, err := child.Stop()
		if err != nil {
			return used, err
		}
		used.CPU, used.Peak = used.CPU+u.CPU, used.Peak+u.Peak
	}
	return used, nil
}

// startWorkers runs n workers side by side and waits until all say that they are ready.
func (p *plan) startWorkers(ctx context.Context, w *world, n int) (crew, error) {
	type started struct {
		child *lab.Process
		err   error
	}
	all := make(chan started, n)
	for i := range n {
		go func() {
			child, err := p.startReplica(ctx, w, i)
			all <- started{child, err}
		}()
	}
	var c crew
	var failed error
	for range n {
		if s := <-all; s.err != nil {
			failed = s.err
		} else {
			c = append(c, s.child)
		}
	}
	if failed != nil {
		c.kill()
		return nil, failed
	}
	return c, nil
}

// startReplica runs one of several workers; its profile has its number, but for the first one's.
func (p *plan) startReplica(ctx context.Context, w *world, i int) (*lab.Process, error) {
	name := theWorker
	if i > 0 {
		name = fmt.Sprintf("%s-%d", theWorker, i+1)
	}
	child, url, err := lab.StartWorker(ctx, lab.Command{Name: name, Path: p.worker, Args: []string{"run", "--config", w.config}, Env: p.profileOf(name)})
	if err != nil {
		return nil, err
	}
	if err := child.AwaitReady(ctx, url); err != nil {
		child.Kill()
		return nil, err
	}
	return child, nil
}
