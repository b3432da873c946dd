package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// house is everything a worker needs, for real: nats-server, redis-server and simulated providers.
type house struct {
	t         testing.TB
	nats      *natstest.Server
	redis     *redistest.Server
	prostor   *sim.Prostor
	mysmpp    *sim.MySMPPServer
	scorocode *sim.Server
	nc        *nats.Conn
	js        jetstream.JetStream
	config    string
	events    chan *nats.Msg
	watch     *nats.Subscription // which fills events
}

// The secrets of the house's accounts, which nothing may show.
const (
	prostorPassword = "hunter2-prostor"
	mysmppToken     = "token-of-mysmpp"
	scorocodeKey    = "scorocode-access"
)

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, redis: redistest.Start(t), nats: natstest.Start(t)}
	h.prostor = sim.NewProstor("shop", prostorPassword)
	h.mysmpp = sim.NewMySMPP(sim.MySMPP{Token: mysmppToken})
	h.scorocode = sim.NewScorocode(sim.Scorocode{App: "app", ClientKey: "client", MasterKey: scorocodeKey, Count: 2})
	for _, s := range []*sim.Server{h.prostor.Server, h.mysmpp.Server, h.scorocode} {
		require.NoError(t, s.Start("127.0.0.1:0"))
		t.Cleanup(s.Close)
	}
	h.nc, h.js = h.nats.Connect(t)
	h.events = make(chan *nats.Msg, 10_000)
	var err error
	seen := map[string]bool{} // events once each, as the status stream has them
	h.watch, err = h.nc.Subscribe("dispatch.status.>", func(m *nats.Msg) {
		if id := m.Header.Get("Nats-Msg-Id"); !seen[id] {
			seen[id] = true
			h.events <- m
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.watch.Unsubscribe() }) // it may have ended
	require.NoError(t, h.nc.Flush())
	h.config = h.configure("")
	return h
}

// configure writes a configuration; more are lines for its top level.
func (h *house) configure(more string) string {
	path := filepath.Join(h.t.TempDir(), "gonets.yaml")
	text := fmt.Sprintf(`nats: {url: %q}
redis: {url: "redis://%s/0"}
http: {listen: %q}
log: {level: debug}
accounts:
  prostor-main: {provider: prostor, url: "%s", login: shop, password: %s, sender: MyShop, recheck: 1s}
  mysmpp-main: {provider: mysmpp, url: "%s", token: %s, sender: MyShop}
  scorocode-main: {provider: scorocode, url: "%s", app: app, client_key: client, access_key: %s}
routes:
  otp: {accounts: [prostor-main, mysmpp-main], retry: {attempts: 3, initial: 20ms, max: 50ms}}
  promo: {accounts: [mysmpp-main], retry: {attempts: 3, initial: 20ms, max: 50ms}}
  alone: {accounts: [prostor-main], retry: {attempts: 2, initial: 20ms, max: 50ms}}
  push: {accounts: [scorocode-main]}
%s
`, h.nats.URL(), h.redis.Addr, freeAddress(h.t), h.prostor.URL(), prostorPassword, h.mysmpp.URL(), mysmppToken, h.scorocode.URL(), scorocodeKey, more)
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// buffer is a bytes.Buffer for many writers.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// run starts a worker; stop ends it in good order and returns its exit status. log is its standard error.
func (h *house) run() (stop func() int, log *buffer) {
	log = &buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"run", "--config", h.config}, nil, &buffer{}, log) }()
	var once sync.Once
	status := -1
	stop = func() int {
		once.Do(func() { cancel(); status = <-done })
		return status
	}
	h.t.Cleanup(func() { stop() })
	return stop, log
}

// awaitStreams waits until jobs of the route can be published.
func (h *house) awaitStreams(route string) {
	require.Eventually(h.t, func() bool {
		_, err := h.js.StreamNameBySubject(h.t.Context(), "dispatch.jobs.normal."+route+".shop")
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
}

// publish stores a job as a plain client would, and returns its publication.
func (h *house) publish(subject, body string) string {
	h.t.Helper()
	ack, err := h.js.Publish(h.t.Context(), subject, []byte(body))
	require.NoError(h.t, err)
	return fmt.Sprintf("%s:%d", ack.Stream, ack.Sequence)
}

// next is the next event of the job.
func (h *house) next(id string) (*nats.Msg, *job.Event) {
	h.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(h.t, err)
			if e.Job == id {
				return m, e
			}
		case <-timeout:
			require.FailNow(h.t, "no event", "job %s", id)
		}
	}
}

// empty waits until no job is left in any stream.
func (h *house) empty() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		for _, name := range []string{"DISPATCH_JOBS_URGENT", "DISPATCH_JOBS_NORMAL", "DISPATCH_JOBS_BULK", "DISPATCH_LATER"} {
			s, err := h.js.Stream(h.t.Context(), name)
			if err != nil || s.CachedInfo().State.Msgs > 0 {
				return false
			}
		}
		return true
	}, 30*time.Second, 20*time.Millisecond)
}

// get asks one of the worker's own pages.
func get(t *testing.T, url string) (int, map[string]any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		return 0, nil
	}
	defer func() { require.NoError(t, res.Body.Close()) }()
	var body map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&body))
	return res.StatusCode, body
}
