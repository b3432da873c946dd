package observe

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// AccountState is how an account stands.
type AccountState struct {
	Account string
	State   string        // StateClosed, StateOpen, StateHalfOpen or StatePaused
	Cause   job.Code      // why it isn't closed; empty where it is
	Left    time.Duration // until it is asked again; 0 where it is asked
}

// The states of an account, by the terms of a circuit breaker: a closed one is asked, an open one failed too often, a half-open one is being
// probed. A paused one said itself that it can't, for lack of money for instance.
const (
	StateClosed   = "closed"
	StateOpen     = "open"
	StateHalfOpen = "half_open"
	StatePaused   = "paused"
)

// states shows how the accounts stand, as they are asked for with each scrape.
type states struct {
	state, pause *prometheus.Desc
	names        []string
	feed         atomic.Pointer[func() []AccountState] // nil: nobody tells
}

func newStates(accounts []Account) *states {
	s := &states{
		state: prometheus.NewDesc(namespace+"_account_state", "1 for the state in which the account is, else 0.", []string{"account", "state"}, nil),
		pause: prometheus.NewDesc(namespace+"_account_pause_seconds", "How long until the account is asked again, by why it isn't; 0 where it is.", []string{"account", "cause"}, nil),
	}
	for _, a := range accounts {
		s.names = append(s.names, a.Name)
	}
	return s
}

// States says where the accounts' states are had from. tell is called with each scrape and must be fast. Until then there are none.
func (m *Metrics) States(tell func() []AccountState) { m.states.feed.Store(&tell) }

func (s *states) now() []AccountState {
	tell := s.feed.Load()
	if tell == nil {
		return nil
	}
	return (*tell)()
}

// shut are the accounts that get no jobs now.
func (s *states) shut() map[string]bool {
	shut := map[string]bool{}
	for _, a := range s.now() {
		if a.State == StateOpen || a.State == StatePaused {
			shut[a.Account] = true
		}
	}
	return shut
}

// Describe implements [prometheus.Collector].
func (s *states) Describe(out chan<- *prometheus.Desc) { out <- s.state; out <- s.pause }

// Collect implements [prometheus.Collector].
func (s *states) Collect(out chan<- prometheus.Metric) {
	for _, a := range s.now() {
		if !slices.Contains(s.names, a.Account) {
			continue
		}
		for _, one := range []string{StateClosed, StateOpen, StateHalfOpen, StatePaused} {
			out <- prometheus.MustNewConstMetric(s.state, prometheus.GaugeValue, oneIf(a.State == one), a.Account, one)
		}
		// What an account is left alone for; all of them are shown, so that an alert needn't mind a missing one.
		causes := []job.Code{job.InsufficientFunds, job.Unauthorized, job.Misconfigured, job.Unavailable}
		for _, c := range append(causes, other) {
			left := 0.0
			if is := a.Cause == c || c == other && a.Cause != "" && !slices.Contains(causes, a.Cause); is {
				left = max(0, a.Left.Seconds())
			}
			out <- prometheus.MustNewConstMetric(s.pause, prometheus.GaugeValue, left, a.Account, string(c))
		}
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
