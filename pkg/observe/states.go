package observe

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// The states of an account, by the terms of a circuit breaker: a closed one is asked, an open one failed too often, a half-open one is being
// probed. A paused one said itself that it can't, for lack of money for instance.
const (
	StateClosed   = "closed"
	StateOpen     = "open"
	StateHalfOpen = "half_open"
	StatePaused   = "paused"
)

// States is told how the accounts stand. An account of which it was never told isn't shown, and counts as closed.
type States struct {
	state, pause *prometheus.Desc
	names        []string

	mu  sync.Mutex
	now map[string]standing
}

// standing is how an account stands.
type standing struct {
	state string
	cause job.Code
	since time.Time // when it was last closed; zero: it is
}

func newStates(accounts []Account) *States {
	s := &States{now: map[string]standing{},
		state: prometheus.NewDesc(namespace+"_account_state", "1 for the state in which the account is, else 0.", []string{"account", "state"}, nil),
		pause: prometheus.NewDesc(namespace+"_account_pause_seconds", "For how long the account has been left alone, probes apart, by why it is now; 0 where it is asked.",
			[]string{"account", "cause"}, nil),
	}
	for _, a := range accounts {
		s.names = append(s.names, a.Name)
	}
	return s
}

// Set notes how an account stands: one of the states, and why it isn't closed.
func (s *States) Set(account, state string, cause job.Code) {
	if !slices.Contains(s.names, account) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	is := standing{state: state, cause: cause}
	if state != StateClosed {
		if is.since = s.now[account].since; is.since.IsZero() {
			is.since = time.Now()
		}
	}
	s.now[account] = is
}

// shut are the accounts that get no jobs now, but for a probe.
func (s *States) shut() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	shut := map[string]bool{}
	for name, is := range s.now {
		shut[name] = !is.since.IsZero()
	}
	return shut
}

// Describe implements [prometheus.Collector].
func (s *States) Describe(out chan<- *prometheus.Desc) { out <- s.state; out <- s.pause }

// Collect implements [prometheus.Collector].
func (s *States) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, is := range s.now {
		for _, one := range []string{StateClosed, StateOpen, StateHalfOpen, StatePaused} {
			out <- prometheus.MustNewConstMetric(s.state, prometheus.GaugeValue, oneIf(is.state == one), name, one)
		}
		// What an account is left alone for; all of them are shown, so that an alert needn't mind a missing one.
		causes := []job.Code{job.InsufficientFunds, job.Unauthorized, job.Misconfigured, job.Throttled, job.Unavailable, other}
		why := is.cause
		if !slices.Contains(causes, why) {
			why = other
		}
		for _, c := range causes {
			left := 0.0
			if c == why && !is.since.IsZero() {
				left = max(0, time.Since(is.since).Seconds())
			}
			out <- prometheus.MustNewConstMetric(s.pause, prometheus.GaugeValue, left, name, string(c))
		}
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
