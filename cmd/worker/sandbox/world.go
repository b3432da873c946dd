package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// world is what stands around the worker: NATS, Redis and the providers, all in this process, on free ports of loopback.
type world struct {
	nats      *server.Server
	redis     *miniredis.Miniredis
	prostor   *sim.Prostor
	mysmpp    *sim.MySMPPServer
	scorocode *sim.Server
	dir       string   // of the streams and the configuration; removed at the end
	closers   []func() // of the providers
	stop      context.CancelFunc
}

// delay is how long a simulated provider takes to answer.
const delay = 20 * time.Millisecond

// delivery is how long after a provider took a message it says that the message was delivered.
const delivery = 500 * time.Millisecond

// recipients is how many a push finds.
const recipients = 3

func newWorld(ctx context.Context) (w *world, err error) {
	w = &world{stop: func() {}}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "gonets-sandbox-"); err != nil {
		return w, err
	}
	w.nats, err = server.NewServer(&server.Options{ServerName: "sandbox", Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: filepath.Join(w.dir, "jetstream"), NoSigs: true, NoLog: true})
	if err != nil {
		return w, fmt.Errorf("embedded NATS: %w", err)
	}
	w.nats.Start()
	if !w.nats.ReadyForConnections(10 * time.Second) {
		return w, errors.New("embedded NATS: not ready after 10 s")
	}
	if w.redis, err = miniredis.Run(); err != nil {
		return w, fmt.Errorf("embedded Redis: %w", err)
	}
	ticking, stop := context.WithCancel(ctx)
	w.stop = stop
	go w.tick(ticking)
	w.prostor = sim.NewProstor("sandbox", "sandbox")
	w.mysmpp = sim.NewMySMPP(sim.MySMPP{Token: "sandbox"})
	w.scorocode = sim.NewScorocode(sim.Scorocode{App: "sandbox", ClientKey: "sandbox", MasterKey: "sandbox", Count: recipients})
	w.prostor.DeliverAfter(delivery, nil)
	w.mysmpp.DeliverAfter(delivery, nil)
	for _, s := range w.servers() {
		if err = s.Start("127.0.0.1:0"); err != nil {
			return w, fmt.Errorf("simulated provider: %w", err)
		}
		w.closers = append(w.closers, s.Close)
		s.Delay(delay)
	}
	return w, nil
}

// servers are the simulated providers.
func (w *world) servers() []*sim.Server {
	return []*sim.Server{w.prostor.Server, w.mysmpp.Server, w.scorocode}
}

// tick tells the embedded Redis that time passes: by itself it expires nothing.
func (w *world) tick(ctx context.Context) {
	const step = 100 * time.Millisecond
	t := time.NewTicker(step)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			w.redis.FastForward(step)
		}
	}
}

func (w *world) close() {
	w.stop()
	for _, close := range w.closers {
		close()
	}
	if w.redis != nil {
		w.redis.Close()
	}
	if w.nats != nil {
		w.nats.Shutdown()
		w.nats.WaitForShutdown()
	}
	if w.dir != "" {
		_ = os.RemoveAll(w.dir) // a temporary folder
	}
}

// configuration writes the worker's configuration and returns its path.
func (w *world) configuration(listen string) (string, error) {
	path := filepath.Join(w.dir, "gonets.yaml")
	text := fmt.Sprintf(`nats: {url: %q}
redis: {url: "redis://%s/0"}
http: {listen: %q}
log: {level: warn, format: console}
accounts:
  prostor-main:
    provider: prostor
    url: %s
    login: sandbox
    password: sandbox
    sender: Sandbox
    status_queue: sandbox
    receipts: {every: 200ms, idle: 1s}
  mysmpp-main:
    provider: mysmpp
    url: %s
    token: sandbox
    sender: Sandbox
    receipts: {every: 200ms, idle: 1s, ask_after: 1s}
  scorocode-main:
    provider: scorocode
    url: %s
    app: sandbox
    client_key: sandbox
    access_key: sandbox
routes:
  otp: {accounts: [prostor-main, mysmpp-main]}
  promo: {accounts: [mysmpp-main]}
  push: {accounts: [scorocode-main]}
`, w.nats.ClientURL(), w.redis.Addr(), listen, w.prostor.URL(), w.mysmpp.URL(), w.scorocode.URL())
	return path, os.WriteFile(path, []byte(text), 0o600)
}
