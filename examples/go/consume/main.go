// Consume follows a tenant's status events with a durable consumer, until interrupted. Run again, it goes on where it was.
//
//	go run ./examples/go/consume -nats nats://127.0.0.1:4222 -tenant shop
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

func main() {
	url := flag.String("nats", nats.DefaultURL, "the server")
	tenant := flag.String("tenant", "shop", "whose events")
	durable := flag.String("durable", "example-go", "the consumer's name; it remembers what was acknowledged")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := consume(ctx, *url, *tenant, *durable); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func consume(ctx context.Context, url, tenant, durable string) error {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, "DISPATCH_STATUS", jetstream.ConsumerConfig{
		Durable: durable, FilterSubject: "dispatch.status." + tenant + ".>", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return fmt.Errorf("consumer %s: %w", durable, err)
	}
	seen := newLedger()
	running, err := consumer.Consume(func(m jetstream.Msg) {
		if err := handle(m, seen); err != nil {
			fmt.Fprintln(os.Stderr, err) // not acknowledged, so it comes again
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	running.Drain() // what is here already is handled, unlike with Stop
	<-running.Closed()
	return nc.Drain()
}

// handle acknowledges an event once its effect is there.
func handle(m jetstream.Msg, seen *ledger) error {
	e, err := job.DecodeEvent(m.Data())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return m.Term() // it won't become one
	}
	if seen.isNew(e, m.Headers().Get("ce-id")) {
		tell(e)
	}
	return m.Ack()
}

func tell(e *job.Event) {
	line := fmt.Sprintf("%s %s/%s %s", e.At.Format(time.RFC3339), e.Tenant, e.Job, e.State)
	if e.Final {
		line += " (final)"
	}
	if e.Error != nil {
		line += " " + string(e.Error.Code)
	}
	fmt.Println(line)
}
