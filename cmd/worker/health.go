package main

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// health answers /livez, /readyz and /metrics. A check is ready once its last report was nil.
type health struct {
	mu       sync.Mutex
	checks   map[string]string // name → "ok" or what is wrong
	warnings map[string]string // name → what to look at, though it works
	probes   map[string]func(context.Context) error
	hooks    hooks // what providers post to
}

// probeTimeout is how long /readyz waits for a probe.
const probeTimeout = 2 * time.Second

func newHealth() *health {
	return &health{checks: map[string]string{}, warnings: map[string]string{}, probes: map[string]func(context.Context) error{}}
}

// report sets a check's state. Its words must hold no secret: anyone who reaches the port can read them.
func (h *health) report(name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = "ok"
	if err != nil {
		h.checks[name] = err.Error()
	}
}

// warn adds a check that is ready, and what should be looked at nevertheless. Its words must hold no secret.
func (h *health) warn(name, words string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warnings[name] = words
}

// probe adds a check that is asked for each time.
func (h *health) probe(name string, ask func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probes[name] = ask
}

// readiness is the body of /livez and /readyz.
type readiness struct {
	Status string            `json:"status"` // "ok" or "unavailable"
	Checks map[string]string `json:"checks"` // "ok", "ok (warning: …)" or what is wrong
}

func (h *health) state(ctx context.Context) (readiness, int) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	r := readiness{Status: "ok", Checks: map[string]string{}}
	h.mu.Lock()
	probes := make(map[string]func(context.Context) error, len(h.probes))
	for name, state := range h.checks {
		r.Checks[name] = state
	}
	warnings := maps.Clone(h.warnings)
	for name, ask := range h.probes {
		probes[name] = ask
	}
	h.mu.Unlock()
	for name, ask := range probes {
		if err := ask(ctx); err != nil {
			r.Checks[name] = err.Error()
		} else if r.Checks[name] == "" {
			r.Checks[name] = "ok"
		}
	}
	for _, state := range r.Checks {
		if state != "ok" {
			r.Status = "unavailable"
		}
	}
	for name, words := range warnings {
		r.Checks[name] = "ok (warning: " + words + ")"
	}
	if r.Status != "ok" {
		return r, http.StatusServiceUnavailable
	}
	return r, http.StatusOK
}

// ok tells whether a check's last report was nil.
func (h *health) ok(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.checks[name] == "ok"
}

// serve answers on the listener until stop is called.
func (h *health) serve(l net.Listener, metrics http.Handler) (stop func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, readiness{Status: "ok", Checks: map[string]string{"process": "ok"}}, http.StatusOK)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state, status := h.state(r.Context())
		answer(w, state, status)
	})
	mux.Handle("GET /metrics", metrics)
	mux.Handle("POST /webhooks/{account}/{secret}", &h.hooks)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }() // it ends with ErrServerClosed
	return func() { _ = s.Close(); <-done }
}

func answer(w http.ResponseWriter, body readiness, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
