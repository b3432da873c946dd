package observe

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Queue is what waits of one lane and route: published jobs, and those that were held for a time and are due.
type Queue struct {
	Lane       job.Lane
	Route      string
	Pending    uint64    // not handed over to a worker yet
	AckPending uint64    // in a worker's hands, or given back for a while
	Oldest     time.Time // when the oldest of all these was stored, or became due; zero: there is none
}

// backlog shows the queues as they were last seen, and nothing while they can't be seen.
type backlog struct {
	jobs, oldest, seconds *prometheus.Desc
	routes                map[string][]string // accounts
	accounts              map[string]*account
	states                *States
	seen                  atomic.Pointer[[]Queue]
}

func newBacklog(routes []dispatch.Route, accounts map[string]*account, s *States) *backlog {
	b := &backlog{accounts: accounts, states: s, routes: map[string][]string{},
		jobs: prometheus.NewDesc(namespace+"_backlog_jobs",
			"Jobs that wait: pending ones weren't handed over yet, ack_pending ones are in a worker's hands or given back for a while.", []string{"lane", "route", "kind"}, nil),
		oldest: prometheus.NewDesc(namespace+"_backlog_oldest_seconds", "Age of the oldest job that isn't done with; since it was due, where it was held.", []string{"lane", "route"}, nil),
		seconds: prometheus.NewDesc(namespace+"_backlog_seconds",
			"How long the pending jobs would take. worker: one worker, where more workers help. provider: any number of workers, where the account's limits hold it back.",
			[]string{"lane", "route", "bound"}, nil)}
	for _, r := range routes {
		b.routes[r.Name] = r.Accounts
	}
	return b
}

// set notes what was seen; none: nothing could be.
func (b *backlog) set(queues []Queue) { b.seen.Store(&queues) }

// Describe implements [prometheus.Collector].
func (b *backlog) Describe(out chan<- *prometheus.Desc) {
	out <- b.jobs
	out <- b.oldest
	out <- b.seconds
}

// Collect implements [prometheus.Collector].
func (b *backlog) Collect(out chan<- prometheus.Metric) {
	seen := b.seen.Load()
	if seen == nil {
		return
	}
	shut := b.states.shut()
	for _, q := range *seen {
		lane := string(q.Lane)
		gauge := func(d *prometheus.Desc, v float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{lane, q.Route}, labels...)...)
		}
		gauge(b.jobs, float64(q.Pending), "pending")
		gauge(b.jobs, float64(q.AckPending), "ack_pending")
		age := 0.0
		if !q.Oldest.IsZero() {
			age = max(0, time.Since(q.Oldest).Seconds())
		}
		gauge(b.oldest, age)
		worker, provider := b.bounds(q, shut)
		gauge(b.seconds, worker, "worker")
		gauge(b.seconds, provider, "provider")
	}
}

// bounds are those of the account that takes the route's jobs now: the first that isn't shut, since the next one gets none before. Where
// all are shut no worker helps.
func (b *backlog) bounds(q Queue, shut map[string]bool) (worker, provider float64) {
	names := b.routes[q.Route]
	for _, name := range names {
		if a := b.accounts[name]; !shut[name] {
			return bounds(q.Pending, a.limits(), a.pace(), false)
		}
	}
	if len(names) == 0 {
		return 0, 0
	}
	a := b.accounts[names[0]]
	return bounds(q.Pending, a.limits(), a.pace(), true)
}
