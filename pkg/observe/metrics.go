package observe

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// namespace is what every metric of ours begins with.
const namespace = "gonets"

// Config is what a worker's metrics are about. All label values follow from it.
type Config struct {
	Routes   []dispatch.Route
	Accounts []Account
}

// Account is what the metrics need to know of an account.
type Account struct {
	Name          string
	Rate          float64 // messages a second over all replicas; 0: no limit
	InFlight      int     // concurrent requests of one replica
	InFlightTotal int     // concurrent requests over all replicas; 0: no bound
	Batch         int     // messages a request at most
}

// Metrics is what a worker counts and measures. It is a [Layer], safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	queues   *queues
	accounts map[string]*account
	claims   *claimed
	backlog  *backlog
	states   *States
	receipts *Receipts
	balances *Balances
	control  *Control
}

var _ Layer = (*Metrics)(nil)

// NewMetrics returns the metrics of a worker, all of them at zero.
func NewMetrics(cfg Config) *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newBuildInfo())
	factory := promauto.With(registry)
	m := &Metrics{
		registry: registry,
		queues:   newQueues(factory, cfg.Routes),
		accounts: newAccounts(factory, cfg.Accounts),
		claims:   newClaimed(factory),
		states:   newStates(cfg.Accounts),
		receipts: newReceipts(factory, cfg.Accounts),
		balances: newBalances(factory),
	}
	m.control = newControl(factory, m.accounts)
	m.backlog = newBacklog(cfg.Routes, m.accounts, m.states)
	registry.MustRegister(m.backlog, m.states, m.receipts)
	return m
}

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Ports implements [Layer].
func (m *Metrics) Ports(p dispatch.Ports) dispatch.Ports {
	sources := p.Sources
	p.Sources = func(lane job.Lane, route string) dispatch.Source {
		return &countedSource{sources(lane, route), m.queues.at(lane, route)}
	}
	p.Claims = &countedClaims{p.Claims, m.claims}
	p.Limiter = &countedLimiter{p.Limiter, m.accounts}
	p.Health = &watchedHealth{p.Health, m.states}
	p.Outlet = &countedOutlet{p.Outlet, m.queues}
	return p
}

// Provider implements [Layer].
func (m *Metrics) Provider(name string, p providers.Provider) providers.Provider {
	return &countedProvider{p, m.accounts[name]}
}

// States are the metrics of how the accounts stand.
func (m *Metrics) States() *States { return m.states }

// Receipts are the metrics of delivery receipts.
func (m *Metrics) Receipts() *Receipts { return m.receipts }

// Balances are the metrics of the accounts' money.
func (m *Metrics) Balances() *Balances { return m.balances }

// Control are the metrics of what operators change.
func (m *Metrics) Control() *Control { return m.control }

// Condition adds a metric that is 1 while holds says so, else 0. It is asked with each scrape. The name is without the prefix gonets_.
func (m *Metrics) Condition(name, help string, holds func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, func() float64 { return oneIf(holds()) }))
}

// How often what must be asked for is: the longest and the shortest time between two rounds. They differ, lest all workers ask at once.
const (
	everyLeast = 10 * time.Second
	everyMost  = 15 * time.Second
)

// Run asks for the backlog, at once and again and again until ctx ends, and works out what is measured over time. A round that fails
// is told of; the metrics of the backlog are missing until the next one.
func (m *Metrics) Run(ctx context.Context, ask func(context.Context) ([]Queue, error), failed func(error)) {
	last := time.Now()
	for {
		now := time.Now()
		for _, a := range m.accounts {
			a.sample(now.Sub(last))
		}
		last = now
		one, cancel := context.WithTimeout(ctx, everyLeast)
		queues, err := ask(one)
		cancel()
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		m.backlog.set(queues)
		select {
		case <-ctx.Done():
			return
		case <-time.After(everyLeast + rand.N(everyMost-everyLeast)):
		}
	}
}
