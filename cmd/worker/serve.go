package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/breaker"
	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/claim"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/observe"
	"github.com/gonets/gonets/pkg/ratelimit"
	"github.com/gonets/gonets/pkg/receipts/index"
)

// drainBudget is how long a worker may take to finish what is in hand once it was told to stop.
const drainBudget = 25 * time.Second

// serve is the worker: it opens what it needs, in this order, works until ctx ends, finishes what is in hand, and closes everything in
// reverse. NATS or Redis may come later than it: it waits for them, not ready. The pipeline works through what around makes of its ports; nil: through them.
func serve(ctx context.Context, cfg *config.Config, log *zap.Logger, around func(dispatch.Ports) dispatch.Ports) (err error) {
	if around == nil {
		around = func(ports dispatch.Ports) dispatch.Ports { return ports }
	}
	var opened closers
	defer opened.close()

	h := newHealth()
	listener, err := net.Listen("tcp", cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	metrics := newMetrics(cfg)
	opened.add(h.serve(listener, metrics.Handler()))
	log.Info("listening", zap.String("http", listener.Addr().String()))

	layers, stopTraces, err := openLayers(ctx, metrics, log)
	if err != nil {
		return err
	}
	opened.add(stopTraces)
	h.report("worker", errors.New("starting"))
	nc, js, err := openNATS(cfg.NATS, "gonets worker", natsHooks{failed: func(err error) { log.Warn("nats", zap.Error(err)) }})
	if err != nil {
		return err
	}
	opened.add(nc.Close)
	h.probe("nats", func(context.Context) error { return connected(nc) })
	db, err := openRedis(cfg.Redis)
	if err != nil {
		return err
	}
	opened.add(func() { _ = db.Close() })
	h.probe("redis", func(ctx context.Context) error { return reachable(ctx, db) })
	watchServers(metrics, h, nc, db)

	claims, err := claim.New(db, claim.Config{Prefix: cfg.Redis.Prefix, Worker: rand.Text()[:16], Lease: cfg.NATS.Lease(), Window: cfg.Dedupe.Window})
	if err != nil {
		return err
	}
	outlet, err := natsq.NewOutlet(nc, cfg.NATS.Prefix)
	if err != nil {
		return err
	}
	accounts, err := openAccounts(cfg, log)
	if err != nil {
		return err
	}
	opened.add(learnVersions(ctx, accounts, h.warn, log))
	opened.add(checkSenders(ctx, cfg.Accounts, accounts, log))

	h.report("streams", errors.New("not seen yet"))
	h.report("claims", errors.New("not seen yet"))
	h.report("control", errors.New("not seen yet"))
	if !await(ctx, func() error { return prepareStreams(ctx, js, cfg, log) }, func(err error) { h.report("streams", err); log.Warn("streams", zap.Error(err)) }) {
		return nil
	}
	h.report("streams", nil)
	report := func(err error) { h.report("claims", err) }
	tokens := ratelimit.NewRedis(db, cfg.Redis.Prefix)
	limiter := newLimits(cfg.Accounts, cfg.NATS.Lease(), tokens, tokens)
	waiting := index.New(db, cfg.Redis.Prefix, rand.Text()[:16])
	reporting := receiptAccounts(cfg, accounts, limiter)
	rebuilder := &rebuilder{claims: claims, js: js, layout: layout(cfg), window: cfg.Dedupe.Window, region: cfg.PhoneRegion, report: report, log: log,
		others: func(ctx context.Context) error {
			return errors.Join(limiter.empty(ctx), forget(ctx, waiting, reporting))
		}}
	guard, stopGuard := newGuard(claims, rebuilder.restore, report, log)
	opened.add(stopGuard)
	if guard.whole(ctx) != nil {
		return nil // told to stop
	}
	warnOfRedis(ctx, db, log)
	opened.add(beside(func(ctx context.Context) { guard.watch(ctx, claims.Ensure) }))

	pulls := map[string]int{}
	for _, r := range cfg.Routes {
		pulls[r.Name] = pullOf(r, cfg)
	}
	states := newBreakers(cfg.Accounts, breaker.NewRedis(db, cfg.Redis.Prefix))
	limiter.bind(accounts)
	control := newControl(cfg.Accounts, natsq.NewControl(js, layout(cfg)), limiter, metrics.Control(), log)
	opened.add(control.start(func(err error) { h.report("control", err) }))
	if control.known(ctx, 0) != nil {
		return nil // told to stop; what an operator paused must not be sent through
	}
	health := &overlay{states, control}
	ports, watched := observe.Wrap(around(dispatch.Ports{
		Sources: func(lane job.Lane, route string) dispatch.Source {
			return natsq.NewSource(js, layout(cfg), lane, route, natsq.SourceOptions{
				Messages: pulls[route],
				Keep:     guard.away.Load, // given back, it would come again and be ambiguous after a loss
				Failed: func(err error) {
					log.Warn("source", zap.String("route", route), zap.String("lane", string(lane)), zap.Error(err))
				},
			})
		},
		Claims:  guard,
		Limiter: limiter,
		Health:  health,
		Outlet:  outlet,
	}), accounts, layers...)
	told := newReceipts(cfg, reporting, waiting, js, records{guard, claims}, ports.Outlet, metrics.Receipts(), log)
	ports.Outlet = tracked{ports.Outlet, told.Track}
	h.hooks.serve(told, cfg, log)
	pipeline, err := dispatch.New(dispatch.Config{
		Routes: cfg.Routes, Accounts: watched, PhoneRegion: cfg.PhoneRegion,
		Dedupe: cfg.Dedupe.Window, AckWait: cfg.NATS.AckWait, Lease: cfg.NATS.Lease(), Drain: drainBudget,
	}, ports, log)
	if err != nil {
		return err
	}
	closeDesk, err := (&operatorDesk{control, health, log}).open(nc, cfg.NATS.Prefix)
	if err != nil {
		return err
	}
	opened.add(closeDesk)
	opened.add(watchBacklog(metrics, js, layout(cfg), log))
	// Money is what the breakers know of, beneath an operator's pause.
	money := &money{store: balanceStore{db, cfg.Redis.Prefix}, health: states, states: pipeline.Accounts, save: pipeline.SaveFunds,
		told: func(account string, r reading) { metrics.Balances().Set(account, time.Now(), r.Purses) }, log: log}
	opened.add(money.watch(ctx, cfg.Accounts, accounts))
	stopping := context.AfterFunc(ctx, func() {
		h.report("worker", errors.New("stopping"))
		log.Info("stopping", zap.Duration("budget", drainBudget))
	})
	defer stopping()
	h.report("worker", nil)
	log.Info("working", zap.Int("routes", len(cfg.Routes)), zap.Int("accounts", len(cfg.Accounts)))
	err = together(ctx, pipeline.Run, told.Run)
	if flushed := flush(nc); err == nil {
		err = flushed
	}
	log.Info("stopped", zap.Error(err))
	return err
}

// beside runs work until stop is called.
func beside(work func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); work(ctx) }()
	return func() { cancel(); <-done }
}

// await repeats try until it succeeds; false where ctx ended before.
func await(ctx context.Context, try func() error, failed func(error)) bool {
	pace := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	return nil == backoff.RetryNotify(try, backoff.WithContext(pace, ctx), func(err error, _ time.Duration) { failed(err) })
}

// tryFor is how long one try of a preparation may take.
const tryFor = 10 * time.Second

// prepareStreams provisions the streams, or sees that somebody else did.
func prepareStreams(ctx context.Context, js jetstream.JetStream, cfg *config.Config, log *zap.Logger) error {
	if err := connected(js.Conn()); err != nil {
		return err
	}
	if !cfg.NATS.Provision {
		return nil // a worker without the right to ask couldn't tell; its sources say what is missing
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	changes, err := natsq.Provision(ctx, js, layout(cfg))
	for _, c := range changes {
		switch c.Action {
		case natsq.Kept:
		case natsq.Warning:
			log.Warn("provision", zap.Stringer("change", c))
		default:
			log.Info("provision", zap.Stringer("change", c))
		}
	}
	return err
}

// openAccounts makes the providers of all accounts. None is asked anything.
func openAccounts(cfg *config.Config, log *zap.Logger) ([]dispatch.Account, error) {
	out := make([]dispatch.Account, 0, len(cfg.Accounts))
	for _, a := range cfg.Accounts {
		if a.AllowHTTP && a.URL.Scheme == "http" {
			log.Warn("credentials and messages go out unencrypted", zap.String("account", a.Name))
		}
		p, err := openProvider(a)
		if err != nil {
			return nil, err
		}
		out = append(out, dispatch.Account{
			Name: a.Name, ProviderName: a.Kind.Name, Provider: p, Traits: a.Kind.Traits, Sender: a.Sender,
			Rate: a.Limit.PerSecond, Burst: a.Limit.Burst, Bounded: a.InFlightTotal > 0, InFlight: a.InFlight, Batch: a.Batch,
			Timeout: a.Timeout, Recheck: a.Recheck, NativeSchedule: a.NativeSchedule,
		})
	}
	return out, nil
}

// window is how many messages all sources together may have under way to the worker, or nearly: what bounds its memory. A route gets
// more where it needs that to fill two packets.
const window = 16_000

// hidden is how many messages a source has under way where packets are small, so that the server's distance doesn't tell.
const hidden = 64

// pullOf is how many messages a source of the route may have under way: those of two packets, so that one comes while the other is taken.
func pullOf(route dispatch.Route, cfg *config.Config) int {
	largest := 1
	for _, a := range cfg.Accounts {
		if slices.Contains(route.Accounts, a.Name) {
			largest = max(largest, a.Batch)
		}
	}
	share := window / (len(cfg.Routes) * len(job.Lanes()))
	return max(2*largest, min(share, hidden), 16)
}

func connected(nc *nats.Conn) error {
	if nc.IsConnected() {
		return nil
	}
	if err := nc.LastError(); err != nil {
		return fmt.Errorf("not connected: %w", err)
	}
	return errors.New("not connected")
}

func reachable(ctx context.Context, db redis.UniversalClient) error { return db.Ping(ctx).Err() }

// flush waits until the server has what was published last: answers to deliveries, above all.
func flush(nc *nats.Conn) error {
	if !nc.IsConnected() {
		return nil // they are lost, and lead to redeliveries
	}
	if err := nc.FlushTimeout(2 * time.Second); err != nil {
		return fmt.Errorf("the last answers may not have reached NATS: %w", err)
	}
	return nil
}
