package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// packet is how many messages one of Prostor's requests may hold.
const packet = 200

// The simulated account.
const (
	login    = "bench"
	password = "bench"
)

// counts are what the provider saw.
type counts struct {
	Requests   int
	Messages   int       // taken
	Full       int       // requests of as many messages as they may hold
	First      time.Time // when the first request came
	Violations []string  // of the provider's document
}

// counter is a simulated Prostor that counts its packets: the simulator's own ledger would remember each of them.
type counter struct {
	prostor *sim.Prostor

	mu   sync.Mutex
	seen counts
}

// Answer implements [sim.Answerer].
func (c *counter) Answer(r sim.Request) sim.Answer {
	arrived := time.Now()
	a := c.prostor.Answer(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen.Requests == 0 {
		c.seen.First = arrived
	}
	c.seen.Requests++
	c.seen.Messages += len(a.Taken)
	if len(a.Taken) == packet {
		c.seen.Full++
	}
	return a
}

// ServeHTTP tells the counts.
func (c *counter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	seen := c.seen
	c.mu.Unlock()
	seen.Violations = c.prostor.Violations()
	_ = json.NewEncoder(w).Encode(seen) // a client that left is no matter
}

// runProvider is the process of the simulated provider.
func runProvider(args []string, out io.Writer) error {
	f := flag.NewFlagSet("provider", flag.ContinueOnError)
	delay := f.Duration("delay", 0, "how long an answer takes")
	if err := f.Parse(args); err != nil {
		return err
	}
	c := &counter{prostor: sim.NewProstor(login, password)}
	s := sim.New(c)
	s.CountOnly(true)
	s.Delay(*delay)
	if err := s.Start("127.0.0.1:0"); err != nil {
		return err
	}
	defer s.Close()
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	asked := &http.Server{Handler: c, ReadHeaderTimeout: time.Second}
	go func() { _ = asked.Serve(admin) }() // ends with Close
	defer func() { _ = asked.Close() }()   // nothing is lost with it
	fmt.Fprintln(out, "ready", s.URL(), "http://"+admin.Addr().String())
	lab.UntilStopped()
	return nil
}

// counts asks the provider what it saw.
func (w *world) counts(ctx context.Context) (c counts, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.admin, nil)
	if err != nil {
		return c, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return c, fmt.Errorf("ask the provider: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	return c, json.NewDecoder(resp.Body).Decode(&c)
}
