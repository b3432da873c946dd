package k8s

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestPodMonitorFindsTheWorkers(t *testing.T) {
	m := only[*monitoring.PodMonitor](t, render(t, monitoringOverlay))
	d := only[*appsv1.Deployment](t, render(t, "base"))
	require.True(t, selects(t, &m.Spec.Selector, d.Spec.Template.Labels))
	require.Len(t, m.Spec.PodMetricsEndpoints, 1)
	require.Equal(t, d.Spec.Template.Spec.Containers[0].Ports[0].Name, *m.Spec.PodMetricsEndpoints[0].Port)
	require.Equal(t, "/metrics", m.Spec.PodMetricsEndpoints[0].Path)
}

// Each alert asks for metrics that are there, says what happened, and has its section in the runbook.
func TestAlerts(t *testing.T) {
	runbook, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, g := range only[*monitoring.PrometheusRule](t, render(t, monitoringOverlay)).Spec.Groups {
		for _, r := range g.Rules {
			t.Run(r.Alert, func(t *testing.T) {
				require.Regexp(t, regexp.MustCompile(`^Gonets[A-Z][A-Za-z]+$`), r.Alert)
				require.False(t, seen[r.Alert])
				seen[r.Alert] = true
				requireKnown(t, r.Expr.String())
				if r.For != nil {
					_, err := model.ParseDuration(string(*r.For))
					require.NoError(t, err)
				}
				require.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"])
				require.NotEmpty(t, r.Annotations["summary"])
				require.NotEmpty(t, r.Annotations["description"])
				for _, used := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations["description"], -1) {
					if kept := groupings(t, r.Expr.String()); len(kept) > 0 {
						require.Contains(t, kept, used[1], "the expression drops the label")
					}
				}
				_, anchor, ok := strings.Cut(r.Annotations["runbook_url"], "/docs/operations.md#")
				require.True(t, ok)
				require.Equal(t, strings.ToLower(r.Alert), anchor)
				require.Contains(t, string(runbook), "\n### "+r.Alert+"\n")
			})
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (Gonets\w+)$`).FindAllStringSubmatch(string(runbook), -1) {
		require.True(t, seen[heading[1]], "%s is in the runbook and no alert", heading[1])
	}
	require.NotEmpty(t, seen)
}

// dashboard is what we rely on of Grafana's model.
type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ RefID, Expr string }
	}
}

func TestDashboard(t *testing.T) {
	var d dashboard
	m := only[*corev1.ConfigMap](t, render(t, monitoringOverlay))
	require.Equal(t, "gonets-dashboard", m.Name)
	require.Equal(t, "1", m.Labels["grafana_dashboard"])
	require.NoError(t, json.Unmarshal([]byte(m.Data["gonets.json"]), &d))
	require.Equal(t, "gonets", d.UID)

	known := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		known[v.Name] = true
		if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			expression := inner[:strings.LastIndex(inner, ",")]
			requireKnown(t, strings.ReplaceAll(expression, "$namespace", "x"))
		}
	}
	variable := regexp.MustCompile(`\$(\w+)`)
	used, ids := map[string]bool{}, map[int]bool{}
	cells := map[[2]int]string{}
	for _, p := range d.Panels {
		require.False(t, ids[p.ID], "panel %d is there twice", p.ID)
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Less(t, x, 24, p.Title)
				require.Empty(t, cells[[2]int{x, y}], "%s lies over another panel", p.Title)
				cells[[2]int{x, y}] = p.Title
			}
		}
		require.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
		for _, target := range p.Targets {
			for _, name := range variable.FindAllStringSubmatch(target.Expr, -1) {
				require.True(t, known[name[1]], "%s in %s", name[0], p.Title)
			}
			expression := variable.ReplaceAllString(strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"), "x")
			requireKnown(t, expression)
			for _, m := range metricsIn(t, expression) {
				used[m.name] = true
			}
		}
	}
	for name := range labelsOf {
		require.True(t, used[name], "%s is on no panel", name)
	}
}
