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

// sights are what the provider saw.
type sights struct {
	Arrivals   arrivals // of requests that send something
	Violations []string // of the provider's document
}

// watcher is a simulated Prostor that notes when packets come and how large they are: the simulator's own ledger would remember each message.
type watcher struct {
	prostor *sim.Prostor
	delay   time.Duration // from a request's arrival to its answer, what the simulator makes of it included

	mu   sync.Mutex
	seen arrivals
}

// Answer implements [sim.Answerer].
func (c *watcher) Answer(r sim.Request) sim.Answer {
	arrived := time.Now()
	a := c.prostor.Answer(r)
	if !c.Question(r.Request) {
		c.note(arrival{arrived, len(a.Taken)})
	}
	time.Sleep(time.Until(arrived.Add(c.delay)))
	return a
}

func (c *watcher) note(a arrival) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, a)
}

// Question implements [sim.Questioner].
func (c *watcher) Question(r *http.Request) bool { return c.prostor.Question(r) }

// ServeHTTP tells what was seen.
func (c *watcher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	seen := sights{Arrivals: c.seen[:len(c.seen):len(c.seen)]}
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
	c := &watcher{prostor: sim.NewProstor(login, password), delay: *delay}
	s := sim.New(c)
	s.CountOnly(true)
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

// sights asks the provider what it saw. An error, too, is what breaches its document.
func (w *world) sights(ctx context.Context) (arrivals, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.admin, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the provider: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	var seen sights
	if err := json.NewDecoder(resp.Body).Decode(&seen); err != nil {
		return nil, fmt.Errorf("ask the provider: %w", err)
	}
	if len(seen.Violations) > 0 {
		return nil, fmt.Errorf("the provider's document was breached: %s", seen.Violations[0])
	}
	seen.Arrivals.sort()
	return seen.Arrivals, nil
}
