package config

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

func TestVariablesInValues(t *testing.T) {
	for written, want := range map[string]string{
		"${A}":                "one: #two",
		"'${A}'":              "one: #two",
		`"<${A}|${B}>"`:       "<one: #two|>",
		"x$${A}":              "x${A}",
		"$A $ $$":             "$A $ $$",
		"${NESTED}":           "${A}", // values aren't looked into
		"0123":                "0123",
		"no":                  "no",
		"1.50":                "1.50",
		"0x1F":                "0x1F",
		"~x":                  "~x",
		"|\n      a\n      b": "a\nb",
	} {
		t.Run(written, func(t *testing.T) {
			cfg, err := loadText(account("login: a", "sender: "+written), "A=one: #two", "B=", "NESTED=${A}")
			require.NoError(t, err)
			require.Equal(t, want, strings.TrimSuffix(cfg.Accounts[0].Sender, "\n"))
		})
	}
}

func TestOverrides(t *testing.T) {
	cfg, err := loadText(valid+"nats: {url: 'nats://file', prefix: file}\n",
		"GONETS_NATS_URL=nats://a,nats://b", "GONETS_NATS_TLS_CA=load_test.go", "GONETS_NATS_PROVISION=false",
		"GONETS_STREAMS_JOBS_MAX_BYTES=1GiB", "GONETS_STREAMS_TENANT_BACKLOG=7", "GONETS_DEDUPE_WINDOW=1h",
		"GONETS_PHONE_REGION=BY", "GONETS_REDIS_URL=redis://a,redis://b", "GONETS_HTTP_LISTEN=:0", "GONETS_LOG_FORMAT=console",
		"GONETS_SERVICE_HOST=10.0.0.1", "GONETS_PORT_8080_TCP_ADDR=10.0.0.1", "GONETS_WORKER_SERVICE_PORT_HTTP=8080",
		"PATH=/bin", "OTHER_GONETS_X=1")
	require.NoError(t, err)
	require.Equal(t, providers.Secret("nats://a,nats://b"), cfg.NATS.URL)
	require.Equal(t, "file", cfg.NATS.Prefix)
	require.Equal(t, "load_test.go", cfg.NATS.TLS.CA)
	require.False(t, cfg.NATS.Provision)
	require.EqualValues(t, 1<<30, cfg.Streams.JobsMaxBytes)
	require.EqualValues(t, 7, cfg.Streams.TenantBacklog)
	require.Equal(t, time.Hour, cfg.Dedupe.Window)
	require.Equal(t, "BY", cfg.PhoneRegion)
	require.Equal(t, []providers.Secret{"redis://a", "redis://b"}, cfg.Redis.URLs)
	require.Equal(t, ":0", cfg.HTTP.Listen)
	require.Equal(t, "console", cfg.Log.Format)
}

func TestFaultsOfTheEnvironment(t *testing.T) {
	_, err := loadText(valid+"log: {levle: info}\nnats: {user: '${GONETS_USER}', password: p}\n",
		"GONETS_NATS_URI=x", "GONETS_NATS_ACK_WAIT=soon", "GONETS_ACCOUNTS_MAIN_LOGIN=x", "GONETS_USER=u",
		"GONETS_STREAMS_STATUS_AGE=1h", "GONETS_DEDUPE_WINDOW=2h", "GONETS_REDIS_URL=redis://u:hunter2@h:x")
	require.EqualError(t, err, strings.TrimSpace(`
gonets.yaml:9: log.levle: unknown key; did you mean "level"?
GONETS_ACCOUNTS_MAIN_LOGIN: accounts and routes can't be overridden; use ${NAME} in the file
GONETS_DEDUPE_WINDOW: dedupe.window: 2h is longer than streams.status_age, which the records are rebuilt from, use at most 1h
GONETS_NATS_ACK_WAIT: nats.ack_wait: "soon" is no duration, use a number with a unit such as 500ms, 30s, 5m or 72h
GONETS_NATS_URI: overrides no key; did you mean "GONETS_NATS_URL"?
GONETS_REDIS_URL: redis.url: the value is no Redis URL, use redis://host:port/0 or rediss://, several separated by commas for Redis Cluster
`))
}

func TestSecretFiles(t *testing.T) {
	secret, other := writeFile(t, "s3cret\n"), writeFile(t, "0ther\r\n")

	cfg, err := loadText(account("token_file: "+secret)+"\nnats: {user: u, password_file: '${FILE}'}\n"+
		"redis: {url_file: "+writeFile(t, "rediss://:p@h\n")+"}\n", "FILE="+other)
	require.NoError(t, err)
	require.Equal(t, &alpha{Token: "s3cret"}, cfg.Accounts[0].Settings)
	require.Equal(t, providers.Secret("0ther"), cfg.NATS.Password)
	require.Equal(t, []providers.Secret{"rediss://:p@h"}, cfg.Redis.URLs)

	require.Len(t, cfg.Secrets, 3)
	require.Subset(t, cfg.Secrets, []Content{Content{Path: secret}.Now(), Content{Path: other}.Now()})
	cfg, err = loadText(valid + "nats: {nkey: " + secret + ", tls: {ca: load_test.go}}\nredis: {url: 'rediss://h', tls: {ca: " + other + "}}\n")
	require.NoError(t, err)
	require.Equal(t, []Content{Content{Path: secret}.Now(), Content{Path: other}.Now()}, cfg.Secrets, "a connection reads the others anew")

	both := valid + "nats: {user: u, password_file: " + secret + "}\n"
	cfg, err = loadText(both, "GONETS_NATS_PASSWORD=direct")
	require.NoError(t, err)
	require.Equal(t, providers.Secret("direct"), cfg.NATS.Password)
	cfg, err = loadText(valid+"nats: {user: u, password: p}\n", "GONETS_NATS_PASSWORD_FILE="+other)
	require.NoError(t, err)
	require.Equal(t, providers.Secret("0ther"), cfg.NATS.Password)

	before := Content{Path: other}.Now()
	require.NoError(t, os.WriteFile(other, []byte("an0ther"), 0o600))
	require.NotEqual(t, before, before.Now())

	for name, c := range map[string]struct{ text, fault string }{
		"both":       {account("token: hunter2", "token_file: "+secret), "gonets.yaml:7: accounts.main.token_file: given beside token; give one of the two"},
		"not there":  {account("token_file: /no/such/file"), `accounts.main.token_file: the file "/no/such/file" does not exist`},
		"directory":  {account("token_file: /"), `accounts.main.token_file: the file "/" can't be read`},
		"no secret":  {account("login: a", "sender_file: "+secret), "gonets.yaml:7: accounts.main.sender_file: unknown key"},
		"bad inside": {valid + "redis: {url_file: " + secret + "}\n", "redis.url: the file's content is no Redis URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadText(c.text)
			require.ErrorContains(t, err, c.fault)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// A value that came out of a variable is shown as it is written, whatever key it went to by mistake.
func TestVariablesStayHidden(t *testing.T) {
	for _, key := range []string{"batch", "timeout", "min_balance", "provider", "url", "allow_http", "token_file", "queue"} {
		text := strings.Replace(account("login: a", "# end"), "provider: alpha", "provider: ${A}", 1)
		if key != "provider" {
			text = account("login: a", key+": ${A}")
		}
		_, err := loadText(text, "A=hunter2")
		require.Error(t, err, key)
		require.NotContains(t, err.Error(), "hunter2", key)
	}
}
