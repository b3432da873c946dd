package observe

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gonets/gonets/pkg/dispatch"
)

// claimed counts claims by what came of them.
type claimed struct {
	verdicts  []prometheus.Counter // by dispatch.Verdict
	overtaken prometheus.Counter
	failed    prometheus.Counter
}

func newClaimed(f promauto.Factory) *claimed {
	results := f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "claims_total",
		Help: "Claims of jobs by what came of them. overtaken: another worker took the job before its outcome was recorded. failed: no answer."}, []string{"result"})
	c := &claimed{verdicts: make([]prometheus.Counter, dispatch.Stale+1), overtaken: results.WithLabelValues("overtaken"), failed: results.WithLabelValues("failed")}
	for v, name := range map[dispatch.Verdict]string{
		dispatch.Busy: "busy", dispatch.Taken: "taken", dispatch.TakenAmbiguous: "ambiguous", dispatch.Settled: "settled",
		dispatch.Duplicate: "duplicate", dispatch.Reused: "reused", dispatch.Stale: "stale",
	} {
		c.verdicts[v] = results.WithLabelValues(name)
	}
	return c
}

type countedClaims struct {
	dispatch.Claims
	counts *claimed
}

// Claim implements [dispatch.Claims].
func (c *countedClaims) Claim(ctx context.Context, reqs []dispatch.ClaimRequest) ([]dispatch.Claim, error) {
	claims, err := c.Claims.Claim(ctx, reqs)
	if err != nil {
		c.counts.failed.Add(float64(len(reqs)))
		return claims, err
	}
	for from := 0; from < len(claims); {
		to := from + 1
		for to < len(claims) && claims[to].Verdict == claims[from].Verdict {
			to++
		}
		c.counts.verdicts[claims[from].Verdict].Add(float64(to - from))
		from = to
	}
	return claims, nil
}

// Record implements [dispatch.Claims].
func (c *countedClaims) Record(ctx context.Context, updates []dispatch.Update) ([]bool, error) {
	held, err := c.Claims.Record(ctx, updates)
	for _, still := range held {
		if !still {
			c.counts.overtaken.Inc()
		}
	}
	return held, err
}
