package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

const sample = `accounts:
  main:
    provider: prostor
    url: https://api.example.com
    login: shop
    password: hunter2
routes:
  otp: {accounts: [main]}
`

// sampleWith writes the sample with further lines into a file.
func sampleWith(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gonets.yaml")
	require.NoError(t, os.WriteFile(path, []byte(sample+strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// worker runs the program with an empty environment.
func worker(t testing.TB, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	p := &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &diagnostics,
		lookup: func(string) (string, bool) { return "", false },
		kinds:  catalogue(), reread: rereadEvery,
	}
	status = p.run(t.Context(), args)
	return status, out.String(), diagnostics.String()
}

func TestExitStatus(t *testing.T) {
	good, bad := sampleWith(t), sampleWith(t, "http: {listen: nowhere}")
	for name, c := range map[string]struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		"no command":      {nil, exitUsage, "", "no command given; see worker --help"},
		"help":            {[]string{"--help"}, exitDone, "Available Commands", ""},
		"help of init":    {[]string{"init", "--help"}, exitDone, "--config FILE", ""},
		"help of check":   {[]string{"check", "--help"}, exitDone, "--online", ""},
		"unknown command": {[]string{"chekc"}, exitUsage, "", `unknown command "chekc"`},
		"unknown flag":    {[]string{"check", "--cfg", good}, exitUsage, "", "unknown flag: --cfg"},
		"missing flag":    {[]string{"check"}, exitUsage, "", `required flag(s) "config" not set`},
		"stray argument":  {[]string{"check", "--config", good, "now"}, exitUsage, "", `unknown command "now"`},
		"unknown output":  {[]string{"init", "--config", good, "--output", "xml"}, exitUsage, "", "use table or json"},
		"no file":         {[]string{"check", "--config", good + "x"}, exitUsage, "", "gonets.yamlx: does not exist"},
		"faults":          {[]string{"init", "--config", bad}, exitUsage, "", `gonets.yaml:9: http.listen: "nowhere" is no address`},
		"valid":           {[]string{"check", "--config", good}, exitDone, "configuration  OK     1 accounts, 1 routes", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := worker(t, c.args...)
			require.Equal(t, c.status, status, stderr)
			require.Contains(t, stdout, c.stdout)
			require.Contains(t, stderr, c.stderr)
			if c.stdout == "" {
				require.Empty(t, stdout)
			}
			if c.stderr == "" {
				require.Empty(t, stderr)
			}
		})
	}
}

func TestInitAndCheckOnline(t *testing.T) {
	server, store := natstest.Start(t), miniredis.RunT(t)
	account := sim.NewProstor("shop", "hunter2")
	require.NoError(t, account.Start("127.0.0.1:0"))
	t.Cleanup(account.Close)
	path := sampleWith(t, "nats: {url: '"+server.URL()+"', prefix: try}", "streams: {jobs_max_bytes: 1MiB}",
		"redis: {url: 'redis://"+store.Addr()+"'}")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte("https://api.example.com"), []byte(account.URL().String()), 1), 0o600))

	status, stdout, stderr := worker(t, "check", "--config", path, "--online")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stdout, "stream TRY_JOBS_URGENT: missing")
	require.Equal(t, errNotAllWell.Error()+"\n", stderr)

	status, stdout, stderr = worker(t, "init", "--config", path, "--output", "json")
	require.Equal(t, exitDone, status, stderr)
	var changes []changeRow
	require.NoError(t, json.Unmarshal([]byte(stdout), &changes))
	require.Contains(t, changes, changeRow{Action: "created", What: "stream TRY_DEAD"})

	status, stdout, stderr = worker(t, "init", "--config", path)
	require.Equal(t, exitDone, status, stderr)
	require.Contains(t, stdout, "ACTION")
	require.NotContains(t, stdout, "created")

	status, stdout, stderr = worker(t, "check", "--config", path, "--online", "--output", "json")
	require.Equal(t, exitDone, status, stdout+stderr)
	var findings []finding
	require.NoError(t, json.Unmarshal([]byte(stdout), &findings))
	require.Len(t, findings, 7)
	require.Equal(t, "account main", findings[6].What)
	require.Contains(t, findings[6].Words, "version 2; balance 1000000000.00 RUB")

	store.Close()
	status, stdout, _ = worker(t, "check", "--config", path, "--online")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stdout, "redis          FAULT")
}

func TestExampleLoads(t *testing.T) {
	secrets := func(name string) (string, bool) { return "a-secret", !strings.HasPrefix(name, "GONETS_") }
	cfg, err := config.Load("../../docs/gonets.example.yaml", secrets, nil, catalogue())
	require.NoError(t, err)
	require.Len(t, cfg.Accounts, len(catalogue()), "the example shows every provider")
	require.Len(t, cfg.Routes, 2)
}

func TestOpenRedis(t *testing.T) {
	for name, c := range map[string]struct {
		urls    []providers.Secret
		cluster bool
	}{
		"one":     {[]providers.Secret{"redis://u:p@a:1/3"}, false},
		"secure":  {[]providers.Secret{"rediss://a:1"}, false},
		"cluster": {[]providers.Secret{"rediss://a:1", "rediss://b:2"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := openRedis(config.Redis{URLs: c.urls})
			require.NoError(t, err)
			defer func() { require.NoError(t, client.Close()) }()
			_, cluster := client.(*redis.ClusterClient)
			require.Equal(t, c.cluster, cluster)
		})
	}
	_, err := openRedis(config.Redis{URLs: []providers.Secret{"redis://u:hunter2@h:x"}})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}
