package observe

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gonets/gonets/pkg/providers"
)

// Receipts is told of delivery receipts. An account of which it was never told isn't shown.
type Receipts struct {
	total   *prometheus.CounterVec
	waiting *prometheus.GaugeVec
	lag     *prometheus.Desc
	known   map[string]bool

	mu      sync.Mutex
	current map[string]time.Time
}

func newReceipts(f promauto.Factory, accounts []Account) *Receipts {
	r := &Receipts{known: map[string]bool{}, current: map[string]time.Time{},
		total: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "receipts_total",
			Help: "Receipts read from providers, by what they say of their message."}, []string{"account", "state"}),
		waiting: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "receipts_waiting",
			Help: "Messages that were submitted and whose last receipt hasn't come."}, []string{"account"}),
		lag: prometheus.NewDesc(namespace+"_receipts_lag_seconds",
			"How long ago all receipts that the provider had were read: the most by which events of delivery are late.", []string{"account"}, nil)}
	for _, a := range accounts {
		r.known[a.Name] = true
	}
	return r
}

// Watch says that an account's receipts are read from now on.
func (r *Receipts) Watch(account string) {
	if !r.known[account] {
		return
	}
	for _, s := range []providers.ReceiptState{providers.Pending, providers.Delivered, providers.Undelivered, providers.Untold} {
		r.total.WithLabelValues(account, s.String())
	}
	r.UpToDate(account)
	r.Waiting(account, 0)
}

// Read counts receipts that a provider gave.
func (r *Receipts) Read(account string, receipts []providers.Receipt) {
	if !r.known[account] {
		return
	}
	for i := range receipts {
		r.total.WithLabelValues(account, receipts[i].State.String()).Inc()
	}
}

// UpToDate says that all receipts that the provider has are read: its queue was empty, or it answered about all that were asked for.
func (r *Receipts) UpToDate(account string) {
	if !r.known[account] {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current[account] = time.Now()
}

// Waiting says how many messages wait for their last receipt.
func (r *Receipts) Waiting(account string, n int) {
	if r.known[account] {
		r.waiting.WithLabelValues(account).Set(float64(n))
	}
}

// Describe implements [prometheus.Collector].
func (r *Receipts) Describe(out chan<- *prometheus.Desc) { out <- r.lag }

// Collect implements [prometheus.Collector].
func (r *Receipts) Collect(out chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for account, at := range r.current {
		out <- prometheus.MustNewConstMetric(r.lag, prometheus.GaugeValue, max(0, time.Since(at).Seconds()), account)
	}
}
