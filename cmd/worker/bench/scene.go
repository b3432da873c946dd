package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// scene is what stands around a subject, as far as measurements differ in it.
type scene struct {
	delay    time.Duration // of the provider's answers
	inFlight int           // requests of one process under way at once
	rate     int           // of the account, messages a second, with a burst of one packet; 0: no limit
	routes   int           // all of them on the one account
	servers  int           // of NATS, each of which has all streams
}

// scene is the one that the command line describes: no limit, one route.
func (o *options) scene() scene {
	return scene{delay: o.delay, inFlight: o.inFlight, routes: 1, servers: 1}
}

// routeName is the i-th route.
func routeName(i int) string {
	if i == 0 {
		return route
	}
	return fmt.Sprintf("route-%02d", i)
}

// writeConfig writes the worker's configuration. Nobody is asked for receipts while something is measured.
func (w *world) writeConfig(s scene) (string, error) {
	limit := ""
	if s.rate > 0 {
		limit = fmt.Sprintf("\n    limit: {messages_per_second: %d, burst: %d}", s.rate, packet)
	}
	var routes strings.Builder
	for i := range s.routes {
		fmt.Fprintf(&routes, "  %s: {accounts: [prostor-main]}\n", routeName(i))
	}
	path := filepath.Join(w.dir, "gonets.yaml")
	text := fmt.Sprintf(`nats: {url: %q, replicas: %d}
redis: {url: "redis://%s/0", prefix: %s}
http: {listen: "127.0.0.1:0"}
log: {level: info, format: json}
accounts:
  prostor-main:
    provider: prostor
    url: %q
    login: %s
    password: %s
    in_flight: %d
    batch: %d%s
    receipts: {idle: 1h, ask_after: 1h}
routes:
%s`, w.natsURL, s.servers, w.redisAddr, prefix, w.providerURL, login, password, s.inFlight, packet, limit, routes.String())
	return path, os.WriteFile(path, []byte(text), 0o600)
}
