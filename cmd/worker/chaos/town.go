package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

const (
	ackWait = 4 * time.Second // so that what a killed worker had comes back soon; the claims' lease is half of it
	timeout = time.Second     // of the accounts
)

// town is what a trial has of its own: servers, providers, workers and the ledger.
type town struct {
	options
	self, worker, dir string
	out               io.Writer
	random            *rand.Rand // what is broken when

	natsPort  string
	nats      *lab.Process
	redisAddr string // of the server itself; workers go through the proxy
	redis     *lab.Process
	proxy     *proxy
	prostor   *sim.Prostor
	mysmpp    *sim.Server
	spare     *sim.Prostor // second account of route otp, whose first one is frail
	frail     *sim.Prostor
	config    string

	natsKilled bool // and nothing is known to be sent since

	nc    *nats.Conn
	js    jetstream.JetStream
	db    *redis.Client
	pulse *pulse

	mu      sync.Mutex // of workers
	workers []*lab.Process
	started int
}

// build makes a town without workers, its streams ready.
func build(ctx context.Context, self, worker, dir string, o options, out io.Writer) (w *town, err error) {
	w = &town{options: o, self: self, worker: worker, dir: dir, out: out, random: rand.New(rand.NewPCG(o.seed, 0))}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, d := range []string{w.redisDir(), w.natsDir()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if w.redis, w.redisAddr, err = lab.StartRedis(ctx, w.redisDir(), redisArgs()...); err != nil {
		return nil, err
	}
	if w.proxy, err = newProxy(w.redisAddr); err != nil {
		return nil, err
	}
	w.natsPort = "-1"
	if err := w.startNATS(ctx); err != nil {
		return nil, err
	}
	w.prostor, w.frail, w.spare = sim.NewProstor("chaos", "chaos"), sim.NewProstor("chaos", "chaos"), sim.NewProstor("chaos", "chaos")
	w.mysmpp = sim.NewMySMPP(sim.MySMPP{Token: "chaos"}).Server
	for _, s := range w.sims() {
		if err := s.Start("127.0.0.1:0"); err != nil {
			return nil, err
		}
		s.Delay(30 * time.Millisecond)
	}
	if err := w.configure(); err != nil {
		return nil, err
	}
	if err := lab.InitStreams(ctx, worker, w.config); err != nil {
		return nil, err
	}
	w.db = redis.NewClient(&redis.Options{Addr: w.redisAddr})
	return w, w.connect()
}

func (w *town) sims() []*sim.Server {
	return []*sim.Server{w.prostor.Server, w.mysmpp, w.frail.Server, w.spare.Server}
}

func (w *town) redisDir() string { return filepath.Join(w.dir, "redis") }
func (w *town) natsDir() string  { return filepath.Join(w.dir, "nats") }

// redisArgs are the settings that most installations have.
func redisArgs() []string { return []string{"--appendonly", "yes", "--appendfsync", "everysec"} }

// startNATS starts nats-server, on the port that it had.
func (w *town) startNATS(ctx context.Context) error {
	child, said, err := lab.StartSelf(ctx, w.self, nil, "nats", "-dir", w.natsDir(), "-port", w.natsPort)
	if err != nil {
		return err
	}
	u, err := url.Parse(said[0])
	if err != nil {
		return err
	}
	w.nats, w.natsPort = child, u.Port()
	return nil
}

// startRedis starts redis-server again on its address, with what is in its folder.
func (w *town) startRedis(ctx context.Context) (err error) {
	w.redis, err = lab.StartRedisAt(ctx, w.redisAddr, w.redisDir(), redisArgs()...)
	return err
}

func (w *town) natsURL() string { return "nats://" + net.JoinHostPort("127.0.0.1", w.natsPort) }

// connect makes the connection of publisher and ledger.
func (w *town) connect() (err error) {
	w.nc, err = nats.Connect(w.natsURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0), nats.RetryOnFailedConnect(true))
	if err != nil {
		return err
	}
	if w.js, err = jetstream.New(w.nc); err != nil {
		return err
	}
	w.pulse, err = feel(w.nc)
	return err
}

func (w *town) configure() error {
	w.config = filepath.Join(w.dir, "gonets.yaml")
	return os.WriteFile(w.config, fmt.Appendf(nil, `nats: {url: %q, ack_wait: %s}
redis: {url: "redis://%s/0"}
http: {listen: "127.0.0.1:0"}
log: {level: info}
accounts:
  prostor: {provider: prostor, url: %q, login: chaos, password: chaos, in_flight: 4, batch: 50, timeout: %s, recheck: 1s}
  mysmpp: {provider: mysmpp, url: %q, token: chaos, sender: MyShop, in_flight: 4, batch: 50, timeout: %s, recheck: 1s}
  frail: {provider: prostor, url: %q, login: chaos, password: chaos, in_flight: 4, batch: 50, timeout: %s, recheck: 1s}
  spare: {provider: prostor, url: %q, login: chaos, password: chaos, in_flight: 4, batch: 50, timeout: %s, recheck: 1s}
routes:
  sms: {accounts: [prostor], retry: {attempts: 10, initial: 100ms, max: 2s}}
  promo: {accounts: [mysmpp], retry: {attempts: 10, initial: 100ms, max: 2s}}
  otp: {accounts: [frail, spare], retry: {attempts: 10, initial: 100ms, max: 2s}}
`, w.natsURL(), ackWait, w.proxy.addr(), w.prostor.URL(), timeout, w.mysmpp.URL(), timeout, w.frail.URL(), timeout, w.spare.URL(), timeout), 0o600)
}

// say prints a figure of the trial.
func (w *town) say(format string, args ...any) { fmt.Fprintf(w.out, "  "+format+"\n", args...) }

// note writes a line to the trial's own log: what was done when.
func (w *town) note(what string) {
	f, err := os.OpenFile(filepath.Join(w.dir, "trial.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return // it is told of by the next thing that needs the folder
	}
	defer f.Close() //nolint:errcheck // likewise
	_, _ = fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), what)
}

// close ends everything; the logs stay.
func (w *town) close() {
	for _, p := range w.workers {
		p.Kill()
	}
	if w.nc != nil {
		w.nc.Close()
	}
	if w.db != nil {
		_ = w.db.Close() // nothing is lost with it
	}
	if w.proxy != nil {
		w.proxy.close()
	}
	w.nats.Kill()
	w.redis.Kill()
	if w.prostor != nil {
		for _, s := range w.sims() {
			s.Close()
		}
	}
}
