package k8s

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// The compose file is read as docker compose reads it, by its schema, and held to the same rules where they apply.
func TestCompose(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{"../../compose.yaml"}, cli.WithName("gonets"), cli.WithEnv([]string{"PROSTOR_PASSWORD=x"}))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"nats", "redis", "init", "worker"}, project.ServiceNames())
	drain := secondsIn(t, "../../cmd/worker/serve.go", `drainBudget = (\d+) \* time\.Second`)
	for name, s := range project.Services {
		for _, p := range s.Ports {
			require.Equal(t, "127.0.0.1", p.HostIP, "%s: nothing listens beyond this machine", name)
		}
		if name != "init" && name != "worker" {
			require.NotNil(t, s.HealthCheck, name)
			continue
		}
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		for _, v := range s.Volumes {
			require.True(t, v.ReadOnly)
			require.FileExists(t, v.Source)
		}
	}
	worker := project.Services["worker"]
	require.Greater(t, time.Duration(*worker.StopGracePeriod), time.Duration(drain+2)*time.Second)
	require.Equal(t, types.ServiceConditionCompletedSuccessfully, worker.DependsOn["init"].Condition)

	without, err := cli.NewProjectOptions([]string{"../../compose.yaml"}, cli.WithName("gonets"))
	require.NoError(t, err)
	_, err = without.LoadProject(t.Context())
	require.ErrorContains(t, err, "PROSTOR_PASSWORD", "a missing secret stops the start")
}

func TestImageIsBareAndNobodysRoot(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	stages := strings.Split(string(text), "\nFROM ")
	last := stages[len(stages)-1]
	require.True(t, strings.HasPrefix(last, "scratch\n"), "no shell and no packages")
	require.Regexp(t, regexp.MustCompile(`(?m)^USER [1-9]\d*:[1-9]\d*$`), last, "by number, as runAsNonRoot needs it")
	require.Contains(t, string(text), "CGO_ENABLED=0", "static")
	require.Contains(t, string(text), "-tags grpcnotrace", "without what nobody calls")
	module, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	require.Contains(t, string(text), "golang:"+string(version[1])+"-alpine")
}
