package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// account is the metrics of one account.
type account struct {
	Account
	submitted prometheus.Counter
	outcomes  map[providers.Code]prometheus.Counter
	others    prometheus.Counter
	duration  prometheus.Observer
	fill      prometheus.Observer
	inFlight  prometheus.Gauge
	wait      prometheus.Counter
	used      prometheus.Gauge // nil: no limit

	// Sums, of which sample makes figures.
	tokens   atomic.Int64 // granted and not given back
	requests atomic.Int64
	asking   atomic.Int64 // nanoseconds in requests
	waited   atomic.Int64 // nanoseconds waited for tokens

	mu     sync.Mutex
	paused time.Time     // when the limiter last said when to ask again, and hasn't been asked since; zero: it hasn't
	pause  time.Duration // in how long
	before sums
	lately pace
}

func newAccounts(f promauto.Factory, accounts []Account) map[string]*account {
	one := []string{"account"}
	outcomes := f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "outcomes_total",
		Help: "Messages given to providers, by what their answer means: submitted, or an error code."}, []string{"account", "code"})
	duration := f.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "request_duration_seconds",
		Help: "How long requests to providers took.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, one)
	fill := f.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "batch_fill_ratio",
		Help: "Messages in a request, as a share of the most that one may have.", Buckets: []float64{.01, .05, .1, .25, .5, .75, .9, 1}}, one)
	inFlight := f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "requests_in_flight", Help: "Requests to providers under way from this worker."}, one)
	wait := f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "limiter_wait_seconds_total",
		Help: "Time for which packets waited for tokens of the account's rate."}, one)
	used := f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "limiter_utilisation_ratio",
		Help: "Tokens that this worker used of late, as a share of the account's rate. Sum it over the workers. Missing where there is no rate."}, one)

	all := map[string]*account{}
	for _, cfg := range accounts {
		a := &account{Account: cfg, outcomes: map[providers.Code]prometheus.Counter{},
			submitted: outcomes.WithLabelValues(cfg.Name, string(job.Submitted)), others: outcomes.WithLabelValues(cfg.Name, other),
			duration: duration.WithLabelValues(cfg.Name), fill: fill.WithLabelValues(cfg.Name), inFlight: inFlight.WithLabelValues(cfg.Name),
			wait: wait.WithLabelValues(cfg.Name)}
		for _, c := range job.Codes() {
			a.outcomes[providers.Code(c)] = outcomes.WithLabelValues(cfg.Name, string(c))
		}
		if cfg.Rate > 0 {
			a.used = used.WithLabelValues(cfg.Name)
		}
		all[cfg.Name] = a
	}
	return all
}

// countedProvider counts and measures requests.
type countedProvider struct {
	providers.Provider
	account *account
}

// Send implements [providers.Provider].
func (p *countedProvider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	a := p.account
	a.inFlight.Inc()
	defer a.inFlight.Dec()
	start := time.Now()
	results := p.Provider.Send(ctx, msgs)
	took := time.Since(start)
	a.duration.Observe(took.Seconds())
	a.fill.Observe(float64(len(msgs)) / float64(a.Batch))
	a.requests.Add(1)
	a.asking.Add(int64(took))
	a.count(results)
	return results
}

// count counts runs of equal results at once.
func (a *account) count(results []providers.Result) {
	for from := 0; from < len(results); {
		r := &results[from]
		to := from + 1
		for to < len(results) && results[to].Outcome == r.Outcome && results[to].Code == r.Code {
			to++
		}
		a.outcome(r).Add(float64(to - from))
		from = to
	}
}

func (a *account) outcome(r *providers.Result) prometheus.Counter {
	if r.Outcome == providers.Submitted {
		return a.submitted
	}
	if c := a.outcomes[r.Code]; c != nil {
		return c
	}
	return a.others
}
