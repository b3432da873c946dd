// Publish publishes one job and says what the stream answered. A job that was stored before is a success, so to run it again does no harm.
//
//	go run ./examples/go/publish -nats nats://127.0.0.1:4222 -route otp -tenant shop -id ord-42
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

func main() {
	url := flag.String("nats", nats.DefaultURL, "the server")
	route := flag.String("route", "otp", "the route")
	tenant := flag.String("tenant", "shop", "the tenant")
	id := flag.String("id", "ord-42", "the job's id: one id, one message")
	flag.Parse()
	to := job.Address{Lane: job.Urgent, Route: *route, Tenant: *tenant}
	j := &job.Job{ID: *id, Channel: job.SMS, To: "8 (961) 224-22-43", Text: "Your code is 4711", Metadata: map[string]string{"order": "42"}}
	ack, err := publish(*url, to, j)
	if err != nil {
		fmt.Fprintln(os.Stderr, explain(err, to))
		os.Exit(1)
	}
	word := "stored"
	if ack.Duplicate {
		word = "stored before, nothing to do"
	}
	fmt.Printf("%s: %s:%d\n", word, ack.Stream, ack.Sequence)
}

func publish(url string, to job.Address, j *job.Job) (*jetstream.PubAck, error) {
	body, err := j.Encode()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return js.Publish(ctx, to.JobSubject("dispatch"), body,
		jetstream.WithMsgID(job.MsgID(to.Tenant, j.ID, body))) // by it the server drops repeats for ten minutes
}

// explain tells the three ways in which a publication fails apart: nobody there, refused, and no answer.
func explain(err error, to job.Address) string {
	refused, isRefused := errors.AsType[*jetstream.APIError](err)
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return fmt.Sprintf("no stream responds: is there a route %s? Nothing is stored", to.Route)
	case isRefused:
		return "refused, nothing is stored: " + refused.Description // too large, or the stream is full
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer, the job may or may not be stored; run it again, a repeat does no harm"
	}
	return err.Error()
}
