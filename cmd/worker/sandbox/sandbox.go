// Package sandbox is the whole system in one process, with nothing to install: embedded NATS and Redis, simulated providers,
// the worker, and sample jobs that go through all of them.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/schollz/progressbar/v3"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Prefix is the subjects' prefix in the sandbox.
const Prefix = "dispatch"

// Options say what the sandbox does.
type Options struct {
	Jobs     int       // sample jobs, from 0
	Keep     bool      // go on until ctx ends
	Results  io.Writer // the summary and how to reach what is kept
	Progress io.Writer // the progress bar
	// Worker runs a worker with the configuration in a file until ctx ends.
	Worker func(ctx context.Context, configFile string) error
}

// idle is how long the sandbox waits for one more event before it gives up on the rest.
const idle = 30 * time.Second

// Run builds everything up, sends the samples through, and tells what became of them. The error says what isn't as it should
// be: a sample lost, doubled or refused.
func Run(ctx context.Context, o Options) error {
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	listen, err := freePort()
	if err != nil {
		return err
	}
	file, err := w.configuration(listen)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	worker := make(chan error, 1)
	go func() { worker <- o.Worker(working, file) }()

	nc, err := nats.Connect(w.nats.ClientURL())
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if err := awaitStreams(ctx, js, worker); err != nil {
		return err
	}
	sum, err := sendSamples(ctx, nc, js, o)
	if err == nil {
		sum.write(o.Results, w)
		err = sum.verdict(w)
	}
	if err == nil && o.Keep {
		fmt.Fprintf(o.Results, "\nkept running until interrupted:\n  NATS      %s   (jobs on %s.jobs.<urgent|normal|bulk>.<otp|promo|push>.<tenant>)\n  Redis     redis://%s\n  health    http://%s/readyz\n  config    %s\n",
			w.nats.ClientURL(), Prefix, w.redis.Addr(), listen, file)
		select {
		case <-ctx.Done():
		case err := <-worker:
			return fmt.Errorf("the worker stopped: %w", err)
		}
	}
	stop()
	return errors.Join(err, <-worker)
}

// sendSamples publishes the samples and counts their events until each has ended.
func sendSamples(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, o Options) (*summary, error) {
	events := make(chan *nats.Msg, 8192)
	sub, err := nc.ChanSubscribe(Prefix+".status.>", events)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection is closed next
	sum := newSummary(o.Jobs)
	bar := progressbar.NewOptions(o.Jobs, progressbar.OptionSetWriter(o.Progress), progressbar.OptionSetDescription("ended"),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("jobs"), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(o.Progress) }))
	published := make(chan error, 1)
	go func() { published <- publishSamples(ctx, js, o.Jobs, sum) }()
	timeout := time.NewTimer(idle)
	defer timeout.Stop()
	for !sum.complete() {
		select {
		case m := <-events:
			e, err := job.DecodeEvent(m.Data)
			if err != nil {
				return nil, fmt.Errorf("an event that isn't one: %w", err)
			}
			if sum.count(e) {
				_ = bar.Add(1) // a terminal that went away is no matter
			}
			timeout.Reset(idle)
		case err := <-published:
			if err != nil {
				return nil, fmt.Errorf("publish samples: %w", err)
			}
			published = nil
		case <-timeout.C:
			return sum, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return sum, nil
}

// publishSamples publishes each sample, and some of them twice.
func publishSamples(ctx context.Context, js jetstream.JetStream, n int, sum *summary) error {
	var acks []jetstream.PubAckFuture
	for i := range n {
		at, j := sample(i)
		body, err := j.Encode()
		if err != nil {
			return err
		}
		sum.sent(j.ID)
		for range sum.publications(i) {
			ack, err := js.PublishAsync(at.JobSubject(Prefix), body)
			if err != nil {
				return err
			}
			acks = append(acks, ack)
		}
		if len(acks) >= 1000 || i == n-1 {
			if err := awaitAcks(ctx, acks); err != nil {
				return err
			}
			acks = acks[:0]
		}
	}
	return nil
}

func awaitAcks(ctx context.Context, acks []jetstream.PubAckFuture) error {
	for _, a := range acks {
		select {
		case <-a.Ok():
		case err := <-a.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// awaitStreams waits until the worker has made the streams.
func awaitStreams(ctx context.Context, js jetstream.JetStream, worker <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		at, _ := sample(9)
		if _, err := js.StreamNameBySubject(ctx, at.JobSubject(Prefix)); err == nil {
			return nil
		}
		select {
		case err := <-worker:
			return fmt.Errorf("the worker stopped: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("the worker made no streams: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// freePort is an address of loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
