package observe

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Receipts is told of delivery receipts. An account of which it was never told isn't shown.
type Receipts struct {
	total   *prometheus.CounterVec
	waiting *prometheus.GaugeVec
	lag     *prometheus.Desc
	known   []string
	states  []job.State

	mu   sync.Mutex
	lags map[string]*peak
}

func newReceipts(f promauto.Factory, accounts []Account) *Receipts {
	r := &Receipts{states: append(job.States(), other), lags: map[string]*peak{},
		total: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "receipts_total",
			Help: "Receipts of which an event tells, by the state it tells."}, []string{"account", "state"}),
		waiting: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "receipts_waiting",
			Help: "Messages that were submitted and whose last receipt hasn't come."}, []string{"account"}),
		lag: prometheus.NewDesc(namespace+"_receipts_lag_seconds",
			"The longest that a receipt took of late from its coming to its event.", []string{"account"}, nil)}
	for _, a := range accounts {
		r.known = append(r.known, a.Name)
	}
	return r
}

// Watch says that an account's receipts are told of from now on.
func (r *Receipts) Watch(account string) {
	if !slices.Contains(r.known, account) {
		return
	}
	for _, s := range []job.State{job.Delivered, job.Undelivered, job.Unknown} {
		r.total.WithLabelValues(account, string(s))
	}
	r.waiting.WithLabelValues(account)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lags[account] == nil {
		r.lags[account] = &peak{}
	}
}

// Told counts a receipt's event. lag is the time since the receipt came.
func (r *Receipts) Told(account string, state job.State, lag time.Duration) {
	r.Watch(account)
	if !slices.Contains(r.known, account) {
		return
	}
	if !slices.Contains(r.states, state) {
		state = other
	}
	r.total.WithLabelValues(account, string(state)).Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lags[account].add(time.Now(), lag)
}

// Waiting says how many messages wait for their last receipt.
func (r *Receipts) Waiting(account string, n int) {
	r.Watch(account)
	if slices.Contains(r.known, account) {
		r.waiting.WithLabelValues(account).Set(float64(n))
	}
}

// Describe implements [prometheus.Collector].
func (r *Receipts) Describe(out chan<- *prometheus.Desc) { out <- r.lag }

// Collect implements [prometheus.Collector].
func (r *Receipts) Collect(out chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for account, p := range r.lags {
		p.add(time.Now(), 0)
		out <- prometheus.MustNewConstMetric(r.lag, prometheus.GaugeValue, max(p.before, p.now).Seconds(), account)
	}
}

// peakOver is how long a peak is remembered at least; at most twice that.
const peakOver = 2 * time.Minute

// peak is the largest value of late: of the window that is under way and of the one before.
type peak struct {
	begun       time.Time // of the window under way
	before, now time.Duration
}

func (p *peak) add(at time.Time, d time.Duration) {
	switch age := at.Sub(p.begun); {
	case age >= 2*peakOver:
		p.begun, p.before, p.now = at, 0, 0
	case age >= peakOver:
		p.begun, p.before, p.now = p.begun.Add(peakOver), p.now, 0
	}
	p.now = max(p.now, d)
}
