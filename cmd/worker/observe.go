package main

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"
	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/observe"
)

// newMetrics are the metrics of a worker with this configuration.
func newMetrics(cfg *config.Config) *observe.Metrics {
	o := observe.Config{Routes: cfg.Routes}
	for _, a := range cfg.Accounts {
		o.Accounts = append(o.Accounts, observe.Account{Name: a.Name, Rate: a.Limit.PerSecond, InFlight: a.InFlight, InFlightTotal: a.InFlightTotal, Batch: a.Batch})
	}
	return observe.NewMetrics(o)
}

// openLayers are the ways in which the work is watched: by metrics and logs, and by traces where the environment asks for them.
func openLayers(ctx context.Context, m *observe.Metrics, log *zap.Logger) (layers []observe.Layer, stop func(), err error) {
	layers = []observe.Layer{m, observe.NewLogs(log)}
	traces, stop, err := observe.OpenTraces(ctx)
	if err != nil || traces == nil {
		return layers, func() {}, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", zap.Error(err)) }))
	log.Info("tracing, as OTEL_EXPORTER_OTLP_ENDPOINT says")
	return append(layers, traces), stop, nil
}

// watchServers adds the metrics of what the worker stands on.
func watchServers(m *observe.Metrics, h *health, nc *nats.Conn, db redis.UniversalClient) {
	m.Condition("nats_connected", "1 while the worker is connected to NATS.", nc.IsConnected)
	m.Condition("redis_connected", "1 while Redis answers; it is asked with each scrape.", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		return reachable(ctx, db) == nil
	})
	m.Condition("claims_whole", "1 while the claim records are known to be whole; else nothing is sent.", func() bool { return h.ok("claims") })
}

// watchBacklog keeps asking how much waits, until stop is called.
func watchBacklog(m *observe.Metrics, js jetstream.JetStream, l natsq.Layout, log *zap.Logger) (stop func()) {
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx, func(ctx context.Context) ([]observe.Queue, error) {
			backlogs, err := natsq.Backlogs(ctx, js, l)
			queues := make([]observe.Queue, len(backlogs))
			for i, b := range backlogs {
				queues[i] = observe.Queue(b)
			}
			return queues, err
		}, func(err error) { log.Warn("the backlog can't be seen", zap.Error(err)) })
	}()
	return func() { end(); <-done }
}
