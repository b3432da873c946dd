package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the port serves is health and metrics alone, and no secret is in them: not when all is well, and not in the words of what went wrong.
func TestPortTellsNoSecrets(t *testing.T) {
	h := newHouse(t)
	text, err := os.ReadFile(h.config)
	require.NoError(t, err)
	secret := strings.NewReplacer("nats://", "nats://user:hunter2-nats@", "redis://", "redis://:hunter2-redis@").Replace(string(text))
	require.NoError(t, os.WriteFile(h.config, []byte(secret), 0o600))
	listen := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", listen)
	page := func(path string) (int, string) {
		res, err := http.Get("http://" + listen + path)
		if err != nil {
			return 0, ""
		}
		defer func() { require.NoError(t, res.Body.Close()) }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	_, log := h.run()
	look := func() {
		t.Helper()
		for _, path := range []string{"/livez", "/readyz", "/metrics"} {
			status, body := page(path)
			require.NotZero(t, status)
			require.NotEmpty(t, body)
			for _, word := range []string{"hunter2", prostorPassword, mysmppToken, scorocodeKey} {
				require.NotContains(t, body, word, path)
			}
		}
	}
	require.Eventually(t, func() bool { status, _ := page("/readyz"); return status == http.StatusOK }, 30*time.Second, 10*time.Millisecond)
	look()
	h.nats.Stop()
	h.redis.Stop()
	require.Eventually(t, func() bool {
		_, body := page("/readyz")
		return strings.Contains(body, `"redis":"`) && !strings.Contains(body, `"redis":"ok"`)
	}, 30*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { _, body := page("/readyz"); return strings.Contains(body, `"nats":"not connected`) }, 30*time.Second, 10*time.Millisecond)
	look()
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/", "/config"} {
		status, _ := page(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	require.NotContains(t, log.String(), "hunter2")
}
