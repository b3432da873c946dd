package observe

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

func TestStates(t *testing.T) {
	m := NewMetrics(testConfig())
	s := m.States()
	require.NotContains(t, m.page(t), "gonets_account_state")
	feed(m)
	m.requireMetrics(t, `gonets_account_state{account="main",state="paused"} 1
gonets_account_state{account="spare",state="closed"} 1`, "gonets_account_state")
	pause := func(cause string) string {
		return `gonets_account_pause_seconds{account="main",cause="` + cause + `"} `
	}
	is := s.now["main"]
	is.since = is.since.Add(-time.Hour)
	s.now["main"] = is
	require.Regexp(t, pause("unauthorized")+"360\\d", m.page(t))
	s.Set("main", StateHalfOpen, job.Unauthorized) // it is probed, and fails again
	s.Set("main", StateOpen, job.Unavailable)
	require.Regexp(t, pause("unavailable")+"360\\d", m.page(t))
	require.Contains(t, m.page(t), pause("unauthorized")+"0\n")
	s.Set("main", StatePaused, "something new")
	require.Regexp(t, pause("_other")+"360\\d", m.page(t))
	s.Set("main", StateClosed, "")
	m.requireMetrics(t, "", "gonets_account_pause_seconds")
	s.Set("main", StateOpen, job.Unavailable)
	require.NotContains(t, m.page(t), pause("unavailable")+"36", "the time begins anew")
	m.requireMetrics(t, `gonets_account_state{account="main",state="open"} 1
gonets_account_state{account="spare",state="closed"} 1`, "gonets_account_state")
}

func TestReceipts(t *testing.T) {
	m := NewMetrics(testConfig())
	r := m.Receipts()
	r.Watch("main")
	require.Contains(t, m.page(t), `gonets_receipts_total{account="main",state="undelivered"} 0`)
	r.Told("main", job.Delivered, time.Second)
	r.Told("main", job.Delivered, 3*time.Second)
	r.Told("main", job.Unknown, 2*time.Second)
	r.Waiting("main", 4)
	names := []string{"gonets_receipts_total", "gonets_receipts_waiting", "gonets_receipts_lag_seconds"}
	m.requireMetrics(t, `gonets_receipts_total{account="main",state="delivered"} 2
gonets_receipts_total{account="main",state="unknown"} 1
gonets_receipts_lag_seconds{account="main"} 3
gonets_receipts_waiting{account="main"} 4`, names...)
	require.NotContains(t, m.page(t), `gonets_receipts_lag_seconds{account="spare"}`)

	p, now := &peak{}, time.Now()
	largest := func(after, d time.Duration) time.Duration {
		p.add(now.Add(after), d)
		return max(p.now, p.before)
	}
	require.Equal(t, time.Hour, largest(0, time.Hour))
	require.Equal(t, time.Hour, largest(peakOver-1, time.Second))
	require.Equal(t, time.Hour, largest(peakOver, time.Second), "a peak is remembered for a while")
	require.Equal(t, time.Second, largest(2*peakOver, 0), "and forgotten")
	require.Zero(t, largest(10*peakOver, 0))
}

func TestBalances(t *testing.T) {
	m := NewMetrics(testConfig())
	names := []string{"gonets_account_balance", "gonets_account_balance_empty_seconds"}
	b, now := m.Balances(), time.Now()
	set := func(after time.Duration, balances ...providers.Balance) { b.Set("main", now.Add(after), balances) }
	set(0, providers.Balance{Amount: "much"}, providers.Balance{Amount: "NaN"})
	m.requireMetrics(t, "", names...)
	set(0, providers.Balance{Amount: "1000", Unit: "RUB"}, providers.Balance{Amount: "50", Unit: "SMS"})
	m.requireMetrics(t, `gonets_account_balance{account="main",unit="RUB"} 1000
gonets_account_balance{account="main",unit="SMS"} 50
gonets_account_balance_empty_seconds{account="main"} +Inf`, names...)
	set(time.Minute, providers.Balance{Amount: "900", Unit: "RUB"}, providers.Balance{Amount: "49", Unit: "SMS"})
	m.requireMetrics(t, `gonets_account_balance_empty_seconds{account="main"} 540`, names[1])
	require.Contains(t, m.page(t), `gonets_account_balance_burn_per_second{account="main",unit="RUB"} 1.6666`)
	set(2*time.Minute, providers.Balance{Amount: "1900", Unit: "RUB"}) // somebody paid
	m.requireMetrics(t, `gonets_account_balance_empty_seconds{account="main"} 2280`, names[1])
	set(3*time.Minute, providers.Balance{Amount: "-100", Credit: "300", Unit: "RUB"})
	m.requireMetrics(t, `gonets_account_balance{account="main",unit="RUB"} -100
gonets_account_balance{account="main",unit="SMS"} 49
gonets_account_balance_empty_seconds{account="main"} 20`, names...)
	set(4*time.Minute, providers.Balance{Amount: "-300", Credit: "300", Unit: "RUB"})
	require.Contains(t, m.page(t), `gonets_account_balance_empty_seconds{account="main"} 0`)
	set(5*time.Minute, providers.Balance{Amount: "7"})
	require.Contains(t, m.page(t), `gonets_account_balance{account="main",unit="unknown"} 7`)
	for i := range 100 { // a provider's whims add no series
		set(6*time.Minute, providers.Balance{Amount: "8", Unit: strings.Repeat("X", i)})
	}
	require.LessOrEqual(t, strings.Count(m.page(t), "gonets_account_balance{"), maxUnits)

	p := &purse{}
	for i := range 1000 { // what was spent long ago doesn't count, nor is it kept
		p.add(level{now.Add(time.Duration(i) * time.Minute), math.Max(500, 1000-float64(i))})
	}
	require.Len(t, p.seen, 61)
	require.True(t, math.IsInf(p.lasts(), 1))
}
