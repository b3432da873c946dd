package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
)

// The configurations that deploy/ ships are ones that a worker takes, once their secrets are there.
func TestShippedConfigurations(t *testing.T) {
	secrets := t.TempDir()
	pairs := newCertified(t)
	files, err := filepath.Glob("../../deploy/k8s/*/gonets.yaml")
	require.NoError(t, err)
	for _, pattern := range []string{"../../deploy/k8s/overlays/*/gonets.yaml", "../../deploy/compose/gonets.yaml"} {
		more, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, more...)
	}
	require.Len(t, files, 4)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, path := range regexp.MustCompile(`/run/secrets/[^\s,}]+`).FindAllString(string(text), -1) {
				content := "a-secret"
				switch {
				case strings.HasSuffix(path, "redis-url") && strings.Contains(string(text), "rediss://"):
					content = "rediss://gonets:a-secret@redis.example.com:6379/0"
				case strings.HasSuffix(path, "redis-url"):
					content = "redis://gonets:a-secret@redis:6379/0"
				case strings.HasSuffix(path, ".crt"):
					pem, err := os.ReadFile(pairs.own.Cert)
					require.NoError(t, err)
					content = string(pem)
				}
				path = filepath.Join(secrets, path)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			}
			here := filepath.Join(t.TempDir(), "gonets.yaml")
			require.NoError(t, os.WriteFile(here, []byte(strings.ReplaceAll(string(text), "/run/secrets/", secrets+"/run/secrets/")), 0o600))
			cfg, err := config.Load(here, func(name string) (string, bool) { return "a-secret", name == "PROSTOR_PASSWORD" }, []string{"GONETS_HTTP_LISTEN=0.0.0.0:8080"}, catalogue())
			require.NoError(t, err)
			_, err = openAccounts(cfg, zap.NewNop())
			require.NoError(t, err)
		})
	}
}
