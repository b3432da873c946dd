package observe

import (
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gonets/gonets/pkg/providers"
)

// Balances is told what is left on the accounts, and works out how long it lasts.
type Balances struct {
	amount *prometheus.GaugeVec
	burn   *prometheus.GaugeVec
	empty  *prometheus.GaugeVec

	mu     sync.Mutex
	purses map[string]map[string]*purse // by account and unit
}

// maxUnits is how many units an account may have, since a provider chooses their names.
const maxUnits = 8

// spendingOver is the time whose spending is taken to go on.
const spendingOver = time.Hour

// purse is what was seen of one balance.
type purse struct {
	seen []level // in order; all but the first are younger than spendingOver
}

// level is a balance at a time.
type level struct {
	at     time.Time
	amount float64
}

func newBalances(f promauto.Factory) *Balances {
	return &Balances{purses: map[string]map[string]*purse{},
		amount: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "account_balance",
			Help: "What is left on the account, in the provider's unit. It may be negative."}, []string{"account", "unit"}),
		burn: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "account_balance_burn_per_second",
			Help: "What was spent of it each second in the last hour, in the provider's unit."}, []string{"account", "unit"}),
		empty: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "account_balance_empty_seconds",
			Help: "When the account will be empty if it is spent as in the last hour; +Inf where nothing is spent. Credit counts as money."}, []string{"account"})}
}

// Set notes what the provider said. An amount that can't be read is left out.
func (b *Balances) Set(account string, now time.Time, balances []providers.Balance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	soonest, any := math.Inf(1), false
	for _, one := range balances {
		amount, ok := decimal(one.Amount)
		if !ok {
			continue
		}
		any = true
		unit := b.unit(account, one.Unit)
		b.amount.WithLabelValues(account, unit).Set(amount)
		if credit, ok := decimal(one.Credit); ok {
			amount += credit
		}
		p := b.purses[account][unit]
		p.add(level{now, amount})
		b.burn.WithLabelValues(account, unit).Set(p.burn())
		soonest = min(soonest, p.lasts())
	}
	if any {
		b.empty.WithLabelValues(account).Set(soonest)
	}
}

// unit is what a purse's unit is called, and sees to it that there is such a purse.
func (b *Balances) unit(account, name string) string {
	purses := b.purses[account]
	if purses == nil {
		purses = map[string]*purse{}
		b.purses[account] = purses
	}
	if name == "" || purses[name] == nil && len(purses) >= maxUnits-1 {
		name = "unknown"
	}
	if purses[name] == nil {
		purses[name] = &purse{}
	}
	return name
}

func decimal(text string) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// add notes a level and forgets what is older than it need be.
func (p *purse) add(l level) {
	p.seen = append(p.seen, l)
	for len(p.seen) > 2 && l.at.Sub(p.seen[1].at) >= spendingOver {
		p.seen = p.seen[1:]
	}
}

// burn is how much was spent each second of late. Money that was paid in is not spending.
func (p *purse) burn() float64 {
	spent := 0.0
	for i := 1; i < len(p.seen); i++ {
		spent += max(0, p.seen[i-1].amount-p.seen[i].amount)
	}
	if spent == 0 {
		return 0
	}
	return spent / p.seen[len(p.seen)-1].at.Sub(p.seen[0].at).Seconds()
}

// lasts is how many seconds it takes to spend what is left, as fast as it was spent of late.
func (p *purse) lasts() float64 {
	left := p.seen[len(p.seen)-1].amount
	if left <= 0 {
		return 0
	}
	return left / p.burn() // +Inf where nothing is spent
}
