package k8s

import (
	"strconv"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
)

func TestScaling(t *testing.T) {
	all := render(t, "overlays/keda")
	s := only[*keda.ScaledObject](t, all)
	d := only[*appsv1.Deployment](t, all)
	require.Nil(t, d.Spec.Replicas, "a rollout must not put the number of workers back")
	require.Equal(t, d.Name, s.Spec.ScaleTargetRef.Name)
	require.NoError(t, keda.CheckReplicaCountBoundsAreValid(s))
	require.NoError(t, keda.CheckFallbackValid(s))
	require.NotNil(t, s.Spec.Fallback)
	require.GreaterOrEqual(t, s.Spec.Fallback.Replicas, *s.Spec.MinReplicaCount)
	require.Equal(t, keda.FallbackBehaviorCurrentReplicasIfHigher, s.Spec.Fallback.Behavior)
	require.Positive(t, *s.Spec.MinReplicaCount, "a backlog that nobody measures can't bring the first worker back")

	require.Len(t, s.Spec.Triggers, 1)
	trigger := s.Spec.Triggers[0]
	require.Equal(t, "prometheus", trigger.Type)
	require.Equal(t, autoscaling.ValueMetricType, trigger.MetricType)
	require.Equal(t, "false", trigger.Metadata["ignoreNullValues"])
	_, err := strconv.ParseFloat(trigger.Metadata["threshold"], 64)
	require.NoError(t, err)
	metrics := metricsIn(t, trigger.Metadata["query"])
	require.Len(t, metrics, 1)
	require.Equal(t, "gonets_backlog_seconds", metrics[0].name)
	require.Equal(t, "worker", metrics[0].equal["bound"], "what is bound by a provider no worker helps")

	down := s.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior.ScaleDown
	require.GreaterOrEqual(t, *down.StabilizationWindowSeconds, int32(300))
	require.Equal(t, []autoscaling.HPAScalingPolicy{{Type: autoscaling.PodsScalingPolicy, Value: 1, PeriodSeconds: 60}}, down.Policies)
}
