package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// What an import has published and not seen stored yet, at most: so many jobs, and so many bytes of them and their bookkeeping.
const (
	maxInFlight      = 4096
	maxInFlightBytes = maxInFlight * jobOverhead
	jobOverhead      = 4 << 10
)

// The pauses before what wasn't stored is published again, the first and the longest; and how long acks under way are waited for
// once an import is told to stop.
const (
	firstPause  = 50 * time.Millisecond
	longPause   = 5 * time.Second
	finishGrace = 5 * time.Second
)

// importer publishes what a source gives. Three goroutines hand the jobs on: one reads and checks, one publishes, and one, which
// alone reports, sees to their acks. A job that wasn't stored is published again with its message id until it is.
type importer struct {
	js     jetstream.JetStream
	prefix string
	to     job.Address
	region string
	say    func(format string, args ...any)
	refuse func(line int, err error) error // reports a refused line
	counts *counts

	window *semaphore.Weighted
	grace  context.Context // ends some time after the import was told to
	trouble
}

// posted is a job on its way.
type posted struct {
	ready
	tries  int
	ack    jetstream.PubAckFuture // nil: not even published, because of lost
	lost   error
	weight int64
}

// run publishes everything up to the source's end. Where it ends before, the error says why, and first is the first line that isn't
// settled: every one before it is stored or refused.
func (i *importer) run(ctx context.Context, in source) (first int, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	grace, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), nats.ErrPermissionViolation) {
			giveUp() // what is denied is never answered
			return
		}
		time.AfterFunc(finishGrace, giveUp)
	})
	i.grace, i.window = grace, semaphore.NewWeighted(maxInFlightBytes)

	read := make(chan ready, 256)
	var fault error
	go func() {
		defer close(read)
		fault = i.read(ctx, in, read)
	}()
	flying := make(chan *posted, maxInFlight) // the window is no wider, so to put into it never waits
	go i.publish(ctx, read, flying)
	var unsettled []*posted
	for p := range flying {
		left, failed := i.settle(ctx, gather(p, flying))
		unsettled = append(unsettled, left...)
		if failed != nil {
			stop(failed)
		}
	}
	first = int(i.counts.line.Load()) + 1
	for _, p := range unsettled {
		first = min(first, p.line)
	}
	if ctx.Err() != nil {
		return first, context.Cause(ctx)
	}
	return first, fault // the source's channel is closed, else ctx had ended
}

// read reads and checks the source's records, ahead of their publication.
func (i *importer) read(ctx context.Context, in source, out chan<- ready) error {
	for {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the file can't be read any further: %w", err)
		}
		select {
		case out <- prepare(r, i.region):
		case <-ctx.Done():
			return nil
		}
	}
}

// publish publishes what was read, as far as the window allows. Once ctx has ended it doesn't wait for the source.
func (i *importer) publish(ctx context.Context, in <-chan ready, out chan<- *posted) {
	defer close(out)
	for {
		select {
		case r, ok := <-in:
			if !ok {
				return
			}
			p := &posted{ready: r, weight: jobOverhead + int64(len(r.body))}
			if i.window.Acquire(ctx, p.weight) != nil {
				return
			}
			i.counts.line.Store(int64(r.line))
			if r.err == nil {
				i.post(p)
			}
			out <- p
		case <-ctx.Done():
			return
		}
	}
}

// post publishes a job once. The client's own repeats are off: they don't outlast a lost connection, ours do.
func (i *importer) post(p *posted) {
	p.tries++
	p.ack, p.lost = i.js.PublishMsgAsync(messageOf(i.prefix, i.to, p.id, p.body), jetstream.WithRetryAttempts(0))
}

// gather takes what else is on its way at the moment, to see to it together.
func gather(p *posted, flying <-chan *posted) []*posted {
	batch := []*posted{p}
	for range len(flying) {
		if next, ok := <-flying; ok {
			batch = append(batch, next)
		}
	}
	return batch
}
