package k8s

import (
	"path"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// The namespace enforces the restricted standard, so a pod that breaks it would never start. It is checked by the code of the cluster itself.
func TestPodsAreRestricted(t *testing.T) {
	standard, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	require.NoError(t, err)
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, dir := range installations {
		all := render(t, dir)
		require.Equal(t, "restricted", only[*corev1.Namespace](t, all).Labels["pod-security.kubernetes.io/enforce"])
		for _, p := range pods(all) {
			t.Run(dir+"/"+p.owner, func(t *testing.T) {
				verdict := policy.AggregateCheckResults(standard.EvaluatePod(level, &v1.ObjectMeta{Labels: p.labels}, &p.spec))
				require.True(t, verdict.Allowed, verdict.ForbiddenDetail())
				require.False(t, *p.spec.AutomountServiceAccountToken, "nothing here asks the cluster")
				require.False(t, *p.spec.EnableServiceLinks)
				for _, c := range p.spec.Containers {
					require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
					for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
						require.False(t, c.Resources.Requests.Name(name, "").IsZero(), "a request of %s", name)
					}
					require.False(t, c.Resources.Limits.Memory().IsZero())
					require.GreaterOrEqual(t, c.Resources.Limits.Memory().Value(), c.Resources.Requests.Memory().Value())
					require.Regexp(t, regexp.MustCompile(`^[^:@]+(:[0-9]+/[^:@]+)?:[0-9]+\.[0-9]+\.[0-9]+[-a-z]*$`), c.Image, "an exact version")
				}
			})
		}
	}
}

// What a container mounts is there, and a secret is mounted as a directory: a file mounted alone would never change with its secret.
func TestMountsAreThere(t *testing.T) {
	for _, dir := range installations {
		all := render(t, dir)
		made := map[string]bool{"gonets-tls": true}
		for _, m := range of[*corev1.ConfigMap](all) {
			made[m.Name] = true
		}
		for _, s := range of[*corev1.Secret](all) {
			made[s.Name] = true
		}
		for _, p := range pods(all) {
			t.Run(dir+"/"+p.owner, func(t *testing.T) {
				volumes := map[string]bool{}
				for _, v := range p.spec.Volumes {
					volumes[v.Name] = true
					switch {
					case v.ConfigMap != nil:
						require.True(t, made[v.ConfigMap.Name], v.ConfigMap.Name)
					case v.Secret != nil:
						require.EqualValues(t, 0o440, *v.Secret.DefaultMode, "readable by the group that fsGroup gives, and nobody else")
						if !secretsElsewhere(dir) {
							require.True(t, made[v.Secret.SecretName], v.Secret.SecretName)
						}
					}
				}
				for _, c := range p.spec.Containers {
					for _, m := range c.VolumeMounts {
						require.Empty(t, m.SubPath)
						require.True(t, volumes[m.Name] || m.Name == "data", m.Name)
					}
				}
			})
		}
	}
}

func secretsElsewhere(dir string) bool { return dir != "base" && dir != "overlays/sandbox" }

// A production overlay with a template of a secret would overwrite the real one.
func TestProductionHasNoSecrets(t *testing.T) {
	for _, dir := range installations {
		if secretsElsewhere(dir) {
			require.Empty(t, of[*corev1.Secret](render(t, dir)), dir)
		}
	}
}

// Only the init job has the operator's identity.
func TestOperatorsIdentityStaysWithTheJob(t *testing.T) {
	for _, dir := range []string{"base", "overlays/production", "overlays/keda"} {
		all := render(t, dir)
		only[*batchv1.Job](t, all)
		only[*appsv1.Deployment](t, all)
		for _, p := range pods(all) {
			has := false
			for _, v := range p.spec.Volumes {
				has = has || v.Secret != nil && v.Secret.SecretName == "gonets-operator"
			}
			require.Equal(t, p.owner == "Job gonets-init", has, "%s: %s", dir, p.owner)
		}
	}
}

// Every secret that the configuration names is mounted where it says, and has its key in the template.
func TestConfiguredSecretsAreMounted(t *testing.T) {
	for _, dir := range installations {
		t.Run(dir, func(t *testing.T) {
			all := render(t, dir)
			var text string
			for _, m := range of[*corev1.ConfigMap](all) {
				text += m.Data["gonets.yaml"]
			}
			templates := map[string]*corev1.Secret{}
			for _, s := range of[*corev1.Secret](all) {
				templates[s.Name] = s
			}
			files := regexp.MustCompile(`/run/secrets/[^\s,}]+`).FindAllString(text, -1)
			require.NotEmpty(t, files)
			for _, p := range pods(all) {
				if p.labels["app.kubernetes.io/name"] != "gonets" {
					continue
				}
				sources := map[string]string{} // volume → secret
				for _, v := range p.spec.Volumes {
					if v.Secret != nil {
						sources[v.Name] = v.Secret.SecretName
					}
				}
				mounted := map[string]string{} // directory → secret
				for _, m := range p.spec.Containers[0].VolumeMounts {
					mounted[m.MountPath] = sources[m.Name]
				}
				for _, file := range files {
					secret := mounted[path.Dir(file)]
					require.NotEmpty(t, secret, "%s in %s", file, p.owner)
					if s := templates[secret]; s != nil {
						require.Contains(t, s.StringData, path.Base(file), "%s in %s", file, secret)
					}
				}
			}
		})
	}
}
