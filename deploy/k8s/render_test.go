// Package k8s has no code: its tests render the manifests as kustomize does, and hold them to their rules.
package k8s

import (
	"fmt"
	"path/filepath"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Each of these is applied as a whole; the monitoring is applied beside one of the others.
var installations = []string{"base", "overlays/sandbox", "overlays/production", "overlays/keda"}

const monitoringOverlay = "overlays/monitoring"

// objects is what a folder renders to.
type objects []runtime.Object

// render is `kustomize build`, and decodes every object into its Go type: an unknown, misspelt or doubled field fails the test, as does an
// object of an unknown kind.
func render(t *testing.T, dir string) objects {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.FromSlash(dir))
	require.NoError(t, err)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgo.AddToScheme, keda.AddToScheme, monitoring.AddToScheme} {
		utilruntime.Must(add(scheme))
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var all objects
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		require.NoError(t, err)
		object, _, err := decoder.Decode(text, nil, nil)
		require.NoError(t, err, "%s", r.CurId())
		all = append(all, object)
	}
	return all
}

// of are the objects of one type.
func of[T runtime.Object](all objects) []T {
	var out []T
	for _, o := range all {
		if one, ok := o.(T); ok {
			out = append(out, one)
		}
	}
	return out
}

// only is the one object of its type.
func only[T runtime.Object](t *testing.T, all objects) T {
	t.Helper()
	found := of[T](all)
	require.Len(t, found, 1, "%T", *new(T))
	return found[0]
}

// pod is a pod that something makes.
type pod struct {
	owner  string
	labels map[string]string
	spec   corev1.PodSpec
}

func pods(all objects) []pod {
	var out []pod
	add := func(kind string, meta v1.ObjectMeta, template corev1.PodTemplateSpec) {
		out = append(out, pod{fmt.Sprintf("%s %s", kind, meta.Name), template.Labels, template.Spec})
	}
	for _, o := range all {
		switch o := o.(type) {
		case *appsv1.Deployment:
			add("Deployment", o.ObjectMeta, o.Spec.Template)
		case *appsv1.StatefulSet:
			add("StatefulSet", o.ObjectMeta, o.Spec.Template)
		case *batchv1.Job:
			add("Job", o.ObjectMeta, o.Spec.Template)
		}
	}
	return out
}

func TestEveryObjectIsInItsNamespace(t *testing.T) {
	for _, dir := range append(installations, monitoringOverlay) {
		t.Run(dir, func(t *testing.T) {
			seen := map[string]bool{}
			for _, o := range render(t, dir) {
				meta := o.(v1.Object)
				id := fmt.Sprintf("%T %s", o, meta.GetName())
				require.False(t, seen[id], "%s is there twice", id)
				seen[id] = true
				if _, is := o.(*corev1.Namespace); !is {
					require.Equal(t, "gonets", meta.GetNamespace(), id)
				}
			}
			require.NotEmpty(t, seen)
		})
	}
}
