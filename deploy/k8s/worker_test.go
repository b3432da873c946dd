package k8s

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// secondsIn finds a duration of whole seconds in the worker's own source.
func secondsIn(t *testing.T, file, expression string) int64 {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	found := regexp.MustCompile(expression).FindSubmatch(source)
	require.NotNil(t, found, "%s: %s", file, expression)
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	require.NoError(t, err)
	return n
}

func TestWorkersComeAndGoWithoutLoss(t *testing.T) {
	drain := secondsIn(t, "../../cmd/worker/serve.go", `drainBudget = (\d+) \* time\.Second`)
	flush := secondsIn(t, "../../cmd/worker/serve.go", `FlushTimeout\((\d+) \* time\.Second\)`)
	probes := secondsIn(t, "../../cmd/worker/health.go", `probeTimeout = (\d+) \* time\.Second`)
	for _, dir := range installations {
		t.Run(dir, func(t *testing.T) {
			all := render(t, dir)
			d := only[*appsv1.Deployment](t, all)
			spec := d.Spec.Template.Spec
			grace := *spec.TerminationGracePeriodSeconds
			require.Greater(t, grace, drain+flush)
			require.LessOrEqual(t, grace, drain+flush+10, "just above: a worker that hangs must not hold a node up")
			require.Nil(t, spec.Containers[0].Lifecycle, "nothing is sent to it, so it has nothing to wait for before it stops")

			update := d.Spec.Strategy.RollingUpdate
			require.Equal(t, "1", update.MaxSurge.String())
			require.Equal(t, "0", update.MaxUnavailable.String())
			var keys []string
			for _, s := range spec.TopologySpreadConstraints {
				keys = append(keys, s.TopologyKey)
				require.True(t, selects(t, s.LabelSelector, d.Spec.Template.Labels))
				require.Equal(t, corev1.ScheduleAnyway, s.WhenUnsatisfiable, "with one node left the workers still start")
			}
			require.Equal(t, []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, keys)

			budget := only[*policyv1.PodDisruptionBudget](t, all)
			require.True(t, selects(t, budget.Spec.Selector, d.Spec.Template.Labels))
			require.True(t, selects(t, d.Spec.Selector, d.Spec.Template.Labels))
			require.Equal(t, "1", budget.Spec.MaxUnavailable.String())

			c := spec.Containers[0]
			require.Equal(t, "/livez", c.StartupProbe.HTTPGet.Path)
			require.Equal(t, "/livez", c.LivenessProbe.HTTPGet.Path)
			require.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
			require.Greater(t, int64(c.ReadinessProbe.TimeoutSeconds), probes)
			for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
				require.Equal(t, c.Ports[0].Name, p.HTTPGet.Port.String())
			}
			env := map[string]string{}
			for _, e := range c.Env {
				env[e.Name] = e.Value
			}
			require.Equal(t, "0.0.0.0:"+strconv.Itoa(int(c.Ports[0].ContainerPort)), env["GONETS_HTTP_LISTEN"])
			goLimit, err := strconv.ParseInt(strings.TrimSuffix(env["GOMEMLIMIT"], "MiB"), 10, 64)
			require.NoError(t, err)
			require.Less(t, goLimit<<20, c.Resources.Limits.Memory().Value())
		})
	}
}

func selects(t *testing.T, selector *v1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := v1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	return !s.Empty() && s.Matches(labels.Set(set))
}

// port is a hole in a network policy.
type port struct {
	protocol corev1.Protocol
	number   int
}

func portsOf(list []networkingv1.NetworkPolicyPort) []port {
	var out []port
	for _, p := range list {
		out = append(out, port{*p.Protocol, p.Port.IntValue()})
	}
	return out
}

func TestNetworkIsClosed(t *testing.T) {
	for _, dir := range installations {
		t.Run(dir, func(t *testing.T) {
			all := render(t, dir)
			for _, p := range pods(all) {
				var closed int
				for _, n := range of[*networkingv1.NetworkPolicy](all) {
					if selects(t, &n.Spec.PodSelector, p.labels) {
						require.ElementsMatch(t, []networkingv1.PolicyType{"Ingress", "Egress"}, n.Spec.PolicyTypes)
						closed++
					}
				}
				require.Equal(t, 1, closed, p.owner)
			}
			n := of[*networkingv1.NetworkPolicy](all)[0]
			require.Equal(t, "gonets", n.Name)
			require.Len(t, n.Spec.Ingress, 1)
			require.Equal(t, []port{{"TCP", 8080}}, portsOf(n.Spec.Ingress[0].Ports))
			require.Equal(t, "monitoring", n.Spec.Ingress[0].From[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
			var out []port
			for _, e := range n.Spec.Egress {
				for _, p := range portsOf(e.Ports) {
					out = append(out, p)
					if p.number == 443 {
						require.Contains(t, e.To[0].IPBlock.Except, "169.254.0.0/16", "the machines' own metadata")
					}
				}
			}
			require.ElementsMatch(t, []port{{"UDP", 53}, {"TCP", 53}, {"TCP", 4222}, {"TCP", 6379}, {"TCP", 443}}, out)
		})
	}
}

func TestServiceNamesTheWorkers(t *testing.T) {
	for _, dir := range installations {
		all := render(t, dir)
		d := only[*appsv1.Deployment](t, all)
		found := false
		for _, s := range of[*corev1.Service](all) {
			if s.Name == "gonets-worker" {
				found = true
				require.True(t, labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(d.Spec.Template.Labels)))
				require.Equal(t, d.Spec.Template.Spec.Containers[0].Ports[0].Name, s.Spec.Ports[0].TargetPort.String())
			}
		}
		require.True(t, found, dir)
	}
}
