package observe

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Control is the metrics of what operators change while the worker runs.
type Control struct {
	accounts map[string]*account
	rate     *prometheus.GaugeVec
	burst    *prometheus.GaugeVec
	changes  *prometheus.CounterVec
}

func newControl(f promauto.Factory, accounts map[string]*account) *Control {
	one := []string{"account"}
	c := &Control{accounts: accounts,
		rate: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "account_limit_rate",
			Help: "Messages a second that the account's limit allows now. Missing where there is none."}, one),
		burst: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "account_limit_burst",
			Help: "Messages at once that the account's limit allows now. Missing where there is none."}, one),
		changes: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "account_changes_total",
			Help: "Changes by operators that this worker learnt of since its start."}, []string{"account", "change"}),
	}
	for name := range accounts {
		for _, change := range []string{"pause", "resume", "limit", "reset"} {
			c.changes.WithLabelValues(name, change)
		}
	}
	return c
}

// Limit notes which limit of an account is in force.
func (c *Control) Limit(name string, rate float64, burst int) {
	a := c.accounts[name]
	if a == nil {
		return
	}
	a.mu.Lock()
	a.Rate = rate
	a.mu.Unlock()
	c.rate.WithLabelValues(name).Set(rate)
	c.burst.WithLabelValues(name).Set(float64(burst))
}

// Changed counts a change of an account by its kind: pause, resume, limit or reset.
func (c *Control) Changed(name, change string) {
	if c.accounts[name] != nil {
		c.changes.WithLabelValues(name, change).Inc()
	}
}
