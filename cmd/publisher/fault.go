package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// fault is what a publication that wasn't stored asks for.
type fault int

const (
	again   fault = iota // nobody knows whether it was stored: repeat it with the same message id
	full                 // the stream takes no more for now
	nobody               // no stream has the subject
	refused              // the stream will never take it
)

// faultOf sorts the errors of a publish. What isn't known to be hopeless is repeated: the message id makes that harmless.
func faultOf(err error) fault {
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) {
		return nobody
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		return refused
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	switch {
	case !ok:
		return again
	case api.ErrorCode == jsStoreFailed && strings.Contains(api.Description, "exceeded"):
		return full
	case api.Code >= 500:
		return again // no leader, no resources: of the server's state, not of the message
	}
	return refused
}

// jsStoreFailed is the server's error 10077. Of a stream that discards new messages since it, or one subject's share of it, is
// full, it says "maximum messages exceeded", "maximum bytes exceeded" or "maximum messages per subject exceeded".
const jsStoreFailed jetstream.ErrorCode = 10077

// noStream says what to do where no stream takes the jobs of an address.
func noStream(to job.Address, prefix string) error {
	return fmt.Errorf("no stream responds to %s: no worker serves route %s, or the streams are not provisioned (run 'worker init')", to.JobSubject(prefix), to.Route)
}
