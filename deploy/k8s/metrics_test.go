package k8s

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// labelsOf are the labels of each metric of a worker, see docs/operations.md.
var labelsOf = map[string]string{
	"gonets_jobs_total":                    "lane route state",
	"gonets_outcomes_total":                "account code",
	"gonets_request_duration_seconds":      "account",
	"gonets_batch_fill_ratio":              "account",
	"gonets_requests_in_flight":            "account",
	"gonets_limiter_wait_seconds_total":    "account",
	"gonets_limiter_utilisation_ratio":     "account",
	"gonets_account_state":                 "account state",
	"gonets_account_pause_seconds":         "account cause",
	"gonets_account_changes_total":         "account change",
	"gonets_account_limit_rate":            "account",
	"gonets_account_limit_burst":           "account",
	"gonets_claims_total":                  "result",
	"gonets_redeliveries_total":            "lane route",
	"gonets_backlog_jobs":                  "lane route kind",
	"gonets_backlog_oldest_seconds":        "lane route",
	"gonets_backlog_seconds":               "lane route bound",
	"gonets_receipts_lag_seconds":          "account",
	"gonets_receipts_total":                "account state",
	"gonets_receipts_waiting":              "account",
	"gonets_account_balance":               "account unit",
	"gonets_account_balance_empty_seconds": "account",
	"gonets_dead_letters_total":            "route reason",
	"gonets_build_info":                    "version revision goversion",
	"gonets_claims_whole":                  "",
	"gonets_nats_connected":                "",
	"gonets_redis_connected":               "",
}

// histograms have a series for each part.
var histograms = []string{"gonets_request_duration_seconds", "gonets_batch_fill_ratio"}

// scraped are the labels that Prometheus adds.
const scraped = " namespace pod container"

// metric is one that an expression selects.
type metric struct {
	name   string            // without the suffix of a part of a histogram
	equal  map[string]string // label → value, of those that must be equal
	labels []string          // that it is selected by
}

// metricsIn are those that an expression of PromQL selects; it fails the test where the expression can't be read.
func metricsIn(t *testing.T, expression string) []metric {
	t.Helper()
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	require.NoError(t, err, expression)
	var out []metric
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			m := metric{name: v.Name, equal: map[string]string{}}
			for _, h := range histograms {
				for _, part := range []string{"_bucket", "_sum", "_count"} {
					if v.Name == h+part {
						m.name = h
					}
				}
			}
			for _, l := range v.LabelMatchers {
				if l.Name == model.MetricNameLabel {
					continue
				}
				m.labels = append(m.labels, l.Name)
				if l.Type == labels.MatchEqual {
					m.equal[l.Name] = l.Value
				}
			}
			out = append(out, m)
		}
		return nil
	})
	return out
}

// groupings are the labels that an expression's aggregations keep.
func groupings(t *testing.T, expression string) []string {
	t.Helper()
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	require.NoError(t, err, expression)
	var out []string
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok && !a.Without {
			out = append(out, a.Grouping...)
		}
		return nil
	})
	return out
}

// requireKnown checks that workers have every metric of the expression, with the labels that it asks for.
func requireKnown(t *testing.T, expression string) {
	t.Helper()
	used := metricsIn(t, expression)
	require.NotEmpty(t, used, expression)
	allowed := map[string]bool{"le": true}
	for _, m := range used {
		have, ok := labelsOf[m.name]
		require.True(t, ok, "%s in %s is no metric of a worker", m.name, expression)
		own := strings.Fields(have + scraped)
		for _, l := range own {
			allowed[l] = true
		}
		require.Subset(t, own, m.labels, expression)
	}
	for _, l := range groupings(t, expression) {
		require.True(t, allowed[l], "%s in %s", l, expression)
	}
}

// deploy/metrics.txt is what the worker's own tests hold /metrics to.
func TestListOfMetrics(t *testing.T) {
	text, err := os.ReadFile("../metrics.txt")
	require.NoError(t, err)
	var names []string
	for name := range labelsOf {
		names = append(names, name)
	}
	require.ElementsMatch(t, names, strings.Fields(string(text)))
}
