package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/providers"
)

// alpha is a provider's settings: one of login and token, and a name of five letters at most.
type alpha struct {
	Login string           `yaml:"login"`
	Token providers.Secret `yaml:"token"`
	Queue string           `yaml:"queue"`
}

func (s *alpha) Validate() (faults []providers.Fault) {
	if s.Login == "" && s.Token == "" {
		faults = append(faults, providers.Fault{Field: "login", Problem: "missing; give a login or a token"})
	}
	if len(s.Queue) > 5 {
		faults = append(faults, providers.Fault{Field: "queue", Problem: "is longer than 5 letters"})
	}
	return faults
}

// Open gives a provider that can send and nothing else.
func (*alpha) Open(providers.Endpoint) (providers.Provider, error) { return nothing{}, nil }

type nothing struct{ providers.Provider }

var testKinds = []providers.Kind{
	{
		Name:     "alpha",
		Traits:   providers.Traits{MaxBatch: 200, DefaultBatch: 200, DefaultInFlight: 4, NativeSchedule: true},
		Settings: func() providers.Settings { return new(alpha) },
	},
	{
		Name:     "beta",
		Traits:   providers.Traits{MaxBatch: 1, DefaultBatch: 1, DefaultInFlight: 8, InFlightTotal: 5},
		Settings: func() providers.Settings { return new(alpha) },
	},
}

const valid = `accounts:
  main:
    provider: alpha
    url: https://api.example.com
    login: shop
routes:
  otp:
    accounts: [main]
`

// loadText loads a text as the file gonets.yaml, with an environment of NAME=VALUE pairs.
func loadText(text string, environ ...string) (*Config, error) {
	env := func(name string) (string, bool) {
		for _, pair := range environ {
			if n, v, _ := strings.Cut(pair, "="); n == name {
				return v, true
			}
		}
		return "", false
	}
	return load("gonets.yaml", []byte(text), env, environ, testKinds)
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestDefaults(t *testing.T) {
	cfg, err := loadText(valid)
	require.NoError(t, err)
	require.Equal(t, NATS{URL: "nats://127.0.0.1:4222", InboxPrefix: "_INBOX", Prefix: "dispatch", Replicas: 1, Provision: true, AckWait: time.Minute}, cfg.NATS)
	require.Equal(t, 30*time.Second, cfg.NATS.Lease())
	require.Equal(t, Streams{JobsMaxBytes: 10 << 30, StatusAge: 168 * time.Hour, DeadAge: 720 * time.Hour}, cfg.Streams)
	require.Equal(t, "RU", cfg.PhoneRegion)
	require.Equal(t, Redis{URLs: []providers.Secret{"redis://127.0.0.1:6379/0"}, Prefix: "dispatch"}, cfg.Redis)
	require.Equal(t, "127.0.0.1:8080", cfg.HTTP.Listen)
	require.Equal(t, Log{Level: "info", Format: "json"}, cfg.Log)
	require.Equal(t, 72*time.Hour, cfg.Dedupe.Window)
	require.Equal(t, []dispatch.Route{{
		Name: "otp", Accounts: []string{"main"}, Retry: dispatch.Retry{Attempts: 5, Initial: time.Second, Max: 5 * time.Minute},
	}}, cfg.Routes)

	require.Len(t, cfg.Accounts, 1)
	a := cfg.Accounts[0]
	require.Equal(t, "alpha", a.Kind.Name)
	require.Equal(t, &alpha{Login: "shop"}, a.Settings)
	require.Equal(t, "https://api.example.com", a.URL.String())
	require.False(t, a.Limit.Limited())
	require.Equal(t, []int{4, 0, 200}, []int{a.InFlight, a.InFlightTotal, a.Batch})
	require.Equal(t, 10*time.Second, a.Timeout)
	require.Equal(t, "0", a.MinBalance)
	require.Equal(t, 30*time.Second, a.Recheck)
	require.Equal(t, Breaker{Failures: 5, Open: 10 * time.Second}, a.Breaker)
	require.Equal(t, Receipts{Every: time.Second, Idle: 15 * time.Second, AskAfter: 10 * time.Minute, GiveUp: 72 * time.Hour}, a.Receipts)
}

func TestDefaultsGiveWay(t *testing.T) {
	cfg, err := loadText(`
nats: {ack_wait: 8s}
streams: {status_age: 24h}
accounts:
  main:
    provider: alpha
    url: http://127.0.0.1:9000/prefix
    token: t
    limit: {messages_per_second: 2.5}
  other:
    provider: beta
    url: https://b.example.com
    login: l
    receipts: {every: 20s, give_up: 1m}
routes:
  otp: {accounts: [main, other], retry: {max: 500ms}, on_unknown: resend}
`)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, cfg.Dedupe.Window, "no longer than the events are kept")
	require.Equal(t, Limit{PerSecond: 2.5, Burst: 3}, cfg.Accounts[0].Limit)
	require.Equal(t, 3, cfg.Accounts[0].Batch, "no larger than the burst")
	require.Equal(t, 2*time.Second, cfg.Accounts[0].Timeout, "below the lease")
	require.Equal(t, 5, cfg.Accounts[1].InFlightTotal)
	require.Equal(t, 8, cfg.Accounts[1].InFlight)
	require.Equal(t, Receipts{Every: 20 * time.Second, Idle: 20 * time.Second, AskAfter: time.Minute, GiveUp: time.Minute}, cfg.Accounts[1].Receipts)
	require.Equal(t, dispatch.Retry{Attempts: 5, Initial: 500 * time.Millisecond, Max: 500 * time.Millisecond}, cfg.Routes[0].Retry)
	require.Equal(t, dispatch.Resend, cfg.Routes[0].OnUnknown)
}

func TestEveryFaultAtOnce(t *testing.T) {
	_, err := loadText(`nats:
  ack_wait: 60 seconds
  replica: 3
phone_region: XX
log: {level: loud}
accounts:
  prostor-main:
    provider: alpha
    url: http://api.example.com
    login: ${NOT_SET}
    limit: {messages_per_second: 1000, burst: 1000}
    batch: 500
    timeout: 45s
    batch: 100
routes:
  Otp:
    accounts: [prostor-man]
`)
	require.EqualError(t, err, strings.TrimSpace(`
gonets.yaml:2: nats.ack_wait: "60 seconds" is no duration, use a number with a unit such as 500ms, 30s, 5m or 72h
gonets.yaml:3: nats.replica: unknown key; did you mean "replicas"?
gonets.yaml:4: phone_region: "XX" is no known region, use an ISO 3166-1 code of two capital letters such as RU
gonets.yaml:5: log.level: "loud" is unknown, use debug, info, warn, error
gonets.yaml:9: accounts.prostor-main.url: is plain http to another machine, use https, or set allow_http: true where the way there is safe
gonets.yaml:10: accounts.prostor-main.login: the environment variable NOT_SET is not set; set it
gonets.yaml:12: accounts.prostor-main.batch: 500 is above the provider's limit of 200, use 1 to 200
gonets.yaml:13: accounts.prostor-main.timeout: 45s is not below the claim's lease of 30s, half of nats.ack_wait; use less, or raise nats.ack_wait
gonets.yaml:14: accounts.prostor-main.batch: given before, on line 12; give it once
gonets.yaml:16: routes.Otp: is no name, use 1 to 32 characters a-z, 0-9 and - that begin with a letter or digit
gonets.yaml:17: routes.Otp.accounts[0]: "prostor-man" is no account; use prostor-main; did you mean "prostor-main"?
`))
	faults, ok := errors.AsType[Faults](err)
	require.True(t, ok)
	require.Len(t, faults, 11)
}

// account and route make a configuration around lines of one account or one route; its lines begin at 6 and 9.
func account(lines ...string) string {
	return "routes: {otp: {accounts: [main]}}\naccounts:\n  main:\n    provider: alpha\n    url: https://api.example.com\n    " +
		strings.Join(lines, "\n    ")
}

func route(lines ...string) string {
	return strings.TrimSuffix(valid, "    accounts: [main]\n") + "    " + strings.Join(lines, "\n    ")
}

func TestFaults(t *testing.T) {
	crossed := account("login: a", "timeout: 5s")
	for name, c := range map[string]struct{ text, fault string }{
		"no file content":        {"", "gonets.yaml:1: routes: missing; give at least one route"},
		"only a comment":         {"# nothing\n", "gonets.yaml:1: accounts: missing; give at least one account"},
		"not a mapping":          {"- a\n", "gonets.yaml:1: is a list; give keys with values"},
		"broken yaml":            {"nats: {url: \n", "gonets.yaml:1: YAML: "},
		"two documents":          {valid + "---\n" + valid, "gonets.yaml:10: a second document; put everything in one"},
		"unknown section":        {valid + "reddis: {}\n", `gonets.yaml:9: reddis: unknown key; did you mean "redis"?`},
		"unknown key, far":       {valid + "http: {host: x}\n", "gonets.yaml:9: http.host: unknown key; allowed: listen"},
		"duplicate section":      {valid + "log: {}\nlog: {}\n", "gonets.yaml:10: log: given before, on line 9; give it once"},
		"section is scalar":      {valid + "log: info\n", "gonets.yaml:9: log: is a single value; give keys with values"},
		"scalar is section":      {valid + "phone_region: {a: b}\n", "gonets.yaml:9: phone_region: is a mapping; give a single value"},
		"scalar is list":         {valid + "nats: {url: [a, b]}\n", "gonets.yaml:9: nats.url: is a list; give a single value"},
		"no value":               {valid + "nats:\n  url:\n", "gonets.yaml:10: nats.url: has no value; give one or leave the key out"},
		"anchor":                 {valid + "http: &a {listen: x}\n", "gonets.yaml:9: http: anchors and aliases are not supported"},
		"alias":                  {valid + "nats: {prefix: &a x}\nredis: {prefix: *a}\n", "gonets.yaml:10: redis.prefix: anchors and aliases"},
		"merge":                  {valid + "nats:\n  <<: {prefix: a}\n", "gonets.yaml:10: nats: merging (<<) is not supported"},
		"tag":                    {valid + "nats: {prefix: !!str x}\n", "gonets.yaml:9: nats.prefix: tags are not supported"},
		"boolean":                {valid + "nats: {provision: yes}\n", `gonets.yaml:9: nats.provision: "yes" is neither true nor false`},
		"replicas, too many":     {valid + "nats: {replicas: 7}\n", "gonets.yaml:9: nats.replicas: 7 is too large, use a whole number from 1 to 5"},
		"replicas, none":         {valid + "nats: {replicas: 0}\n", "gonets.yaml:9: nats.replicas: 0 is too small, use a whole number from 1 to 5"},
		"replicas, text":         {valid + "nats: {replicas: three}\n", `gonets.yaml:9: nats.replicas: "three" is no whole number`},
		"replicas, huge":         {valid + "nats: {replicas: 99999999999999999999}\n", "is out of range, use a whole number from 1 to 5"},
		"nats prefix":            {valid + "nats: {prefix: a.*}\n", `gonets.yaml:9: nats.prefix: "a.*" is no prefix`},
		"redis prefix":           {valid + "redis: {prefix: 'a{b}'}\n", `gonets.yaml:9: redis.prefix: "a{b}" is no prefix`},
		"nats url":               {valid + "nats: {url: 'http://u:hunter2@h'}\n", "gonets.yaml:9: nats.url: the value is no NATS URL"},
		"nats urls, one empty":   {valid + "nats: {url: 'nats://a,'}\n", "gonets.yaml:9: nats.url: the value is no NATS URL"},
		"redis url":              {valid + "redis: {url: 'tcp://u:hunter2@h'}\n", "gonets.yaml:9: redis.url: the value is no Redis URL"},
		"redis url, port":        {valid + "redis: {url: 'redis://u:hunter2@h:x'}\n", "gonets.yaml:9: redis.url: the value is no Redis URL"},
		"redis url, database":    {valid + "redis: {url: 'redis://u:hunter2@h/x'}\n", "gonets.yaml:9: redis.url: the value is no Redis URL that can be used"},
		"redis cluster, schemes": {valid + "redis: {url: 'redis://a,rediss://b'}\n", "gonets.yaml:9: redis.url: the value mixes schemes"},
		"redis cluster, number":  {valid + "redis: {url: 'redis://a/1,redis://b'}\n", "gonets.yaml:9: redis.url: the value names a database for Redis Cluster"},
		"redis tls":              {valid + "redis: {tls: {ca: load_test.go}}\n", "gonets.yaml:9: redis.tls: given, but url is redis://, which is not encrypted"},
		"redis certificate":      {valid + "redis: {url: 'rediss://h', tls: {cert: load_test.go}}\n", "gonets.yaml:9: redis.tls.cert: given without key"},
		"redis unverified":       {valid + "redis: {url: 'rediss://u:hunter2@h?skip_verify=true'}\n", "gonets.yaml:9: redis.url: the value turns the check of certificates off"},
		"inbox prefix":           {valid + "nats: {inbox_prefix: '_INBOX.>'}\n", `gonets.yaml:9: nats.inbox_prefix: "_INBOX.>" is no prefix`},
		"ack wait":               {valid + "nats: {ack_wait: 10ms}\n", "gonets.yaml:9: nats.ack_wait: \"10ms\" is too short, use at least 1s"},
		"two identities":         {valid + "nats:\n  token: hunter2\n  nkey: load_test.go\n", "gonets.yaml:11: nats.nkey: given beside token; use one"},
		"user alone":             {valid + "nats: {user: u}\n", "gonets.yaml:9: nats.user: given without password; give both"},
		"password alone":         {valid + "nats: {password: hunter2}\n", "gonets.yaml:9: nats.password: given without user; give both"},
		"credentials file":       {valid + "nats: {credentials: /no/such/file}\n", `gonets.yaml:9: nats.credentials: the file "/no/such/file" does not exist`},
		"certificate alone":      {valid + "nats: {tls: {cert: load_test.go}}\n", "gonets.yaml:9: nats.tls.cert: given without key"},
		"key alone":              {valid + "nats: {tls: {key: load_test.go}}\n", "gonets.yaml:9: nats.tls.key: given without cert"},
		"size":                   {valid + "streams: {jobs_max_bytes: lots}\n", `gonets.yaml:9: streams.jobs_max_bytes: "lots" is no size`},
		"size's unit":            {valid + "streams: {jobs_max_bytes: 1PB}\n", `"1PB" has no known unit`},
		"size, small":            {valid + "streams: {jobs_max_bytes: 10}\n", "10 is too small, use at least 66560 bytes"},
		"size, large":            {valid + "streams: {jobs_max_bytes: 9999999TiB}\n", `"9999999TiB" is too large`},
		"backlog":                {valid + "streams: {tenant_backlog: -1}\n", "-1 is too small, use a whole number of at least 0"},
		"status age":             {valid + "streams: {status_age: 10ms}\n", `"10ms" is too short, use at least 1s`},
		"window":                 {valid + "streams: {status_age: 24h}\ndedupe: {window: 48h}\n", "gonets.yaml:10: dedupe.window: 48h is longer than streams.status_age, which the records are rebuilt from, use at most 24h"},
		"listen":                 {valid + "http: {listen: 8080}\n", "gonets.yaml:9: http.listen: 8080 is no address"},
		"listen's port":          {valid + "http: {listen: ':99999'}\n", `gonets.yaml:9: http.listen: ":99999" is no address`},
		"log format":             {valid + "log: {format: xml}\n", `gonets.yaml:9: log.format: "xml" is unknown, use json, console`},
		"variable's form":        {valid + "nats: {prefix: '${a b}'}\n", "gonets.yaml:9: nats.prefix: ${ begins no variable"},
		"variable's end":         {valid + "nats: {prefix: '${A'}\n", "gonets.yaml:9: nats.prefix: ${ begins no variable"},

		"accounts empty":   {"accounts: {}\nroutes: {otp: {accounts: [main]}}\n", "gonets.yaml:1: accounts: is empty; give at least one account"},
		"routes empty":     {strings.Split(valid, "routes:")[0] + "routes:\n", "gonets.yaml:6: routes: is empty; give at least one route"},
		"accounts, list":   {"accounts: [a]\n", "gonets.yaml:1: accounts: is a list; give keys with values"},
		"account, scalar":  {"accounts:\n  main: prostor\n", "gonets.yaml:2: accounts.main: is a single value; give keys with values"},
		"account's name":   {"accounts:\n  ma.in: {}\n", "gonets.yaml:2: accounts.ma.in: is no name"},
		"no provider":      {"accounts:\n  main:\n    url: https://a\n", "gonets.yaml:2: accounts.main.provider: missing; name one of [alpha beta]"},
		"unknown provider": {"accounts:\n  main:\n    provider: alpa\n", `gonets.yaml:3: accounts.main.provider: "alpa" is unknown, use alpha, beta; did you mean "alpha"?`},
		"no url":           {"accounts:\n  main:\n    provider: alpha\n", "gonets.yaml:2: accounts.main.url: missing; give"},
		"url, credentials": {"accounts:\n  main:\n    url: https://u:hunter2@h\n", "gonets.yaml:3: accounts.main.url: the value holds credentials"},
		"url, query":       {"accounts:\n  main:\n    url: https://h?token=hunter2\n", "gonets.yaml:3: accounts.main.url: the value holds a query"},
		"url, scheme":      {"accounts:\n  main:\n    url: ftp://h\n", "gonets.yaml:3: accounts.main.url: the value is no URL"},
		"unknown key":      {account("login: a", "tokn: hunter2"), `gonets.yaml:7: accounts.main.tokn: unknown key; did you mean "token"?`},
		"provider's rule":  {account("login: a", "queue: longer"), "gonets.yaml:7: accounts.main.queue: is longer than 5 letters"},
		"provider's need":  {account("batch: 3"), "gonets.yaml:3: accounts.main.login: missing; give a login or a token"},
		"limit, no rate":   {account("login: a", "limit: {burst: 2}"), "gonets.yaml:7: accounts.main.limit.messages_per_second: missing"},
		"limit, zero":      {account("login: a", "limit: {messages_per_second: 0}"), "messages_per_second: 0 is out of range"},
		"limit, not one":   {account("login: a", "limit: {messages_per_second: NaN}"), `messages_per_second: "NaN" is no number`},
		"burst":            {account("login: a", "limit: {messages_per_second: 1, burst: 0}"), "limit.burst: 0 is too small"},
		"batch, burst":     {account("login: a", "limit: {messages_per_second: 9}", "batch: 10"), "gonets.yaml:8: accounts.main.batch: 10 is above the burst of 9"},
		"batch, none":      {account("login: a", "batch: 0"), "gonets.yaml:7: accounts.main.batch: 0 is too small"},
		"in flight":        {account("login: a", "in_flight: 0"), "in_flight: 0 is too small, use a whole number from 1"},
		"in flight total":  {account("login: a", "in_flight_total: -1"), "in_flight_total: -1 is too small"},
		"timeout, lease":   {"nats: {ack_wait: 10s}\n" + crossed, "gonets.yaml:8: accounts.main.timeout: 5s is not below the claim's lease of 5s"},
		"balance":          {account("login: a", "min_balance: 1e3"), `min_balance: "1e3" is no amount`},
		"recheck":          {account("login: a", "recheck: 0s"), `recheck: "0s" is too short, use at least 1ms`},
		"breaker":          {account("login: a", "breaker: {failures: 0}"), "breaker.failures: 0 is too small"},
		"receipts, idle":   {account("login: a", "receipts: {every: 10s, idle: 5s}"), "receipts.idle: 5s is shorter than every, use at least 10s"},
		"receipts, end":    {account("login: a", "receipts: {ask_after: 10m, give_up: 5m}"), "receipts.give_up: 5m is shorter than ask_after"},
		"webhook":          {account("login: a", "webhook_secret: hunter2-hunter2-hunter2"), "gonets.yaml:7: accounts.main.webhook_secret: given, but alpha posts nothing by itself; leave it out"},
		"webhook, short":   {account("login: a", "webhook_secret: hunter2"), "gonets.yaml:7: accounts.main.webhook_secret: the value is too short or has other characters, use 16 to 128"},
		"webhook, path":    {account("login: a", "webhook_secret: hunter2/hunter2/hunter2"), "webhook_secret: the value is too short or has other characters"},
		"webhook, file":    {account("login: a", "webhook_secret_file: /nowhere"), "gonets.yaml:7: accounts.main.webhook_secret_file:"},
		"native schedule": {strings.Replace(account("login: a", "native_schedule: true"), "alpha", "beta", 1),
			"gonets.yaml:7: accounts.main.native_schedule: true, but beta can't hold messages"},

		"route, no accounts":   {route("retry: {}"), "gonets.yaml:7: routes.otp.accounts: missing"},
		"route, none":          {route("accounts: []"), "gonets.yaml:8: routes.otp.accounts: is empty"},
		"route, scalar":        {route("accounts: main"), "gonets.yaml:8: routes.otp.accounts: is a single value; give a list"},
		"route, not names":     {route("accounts:", "  - main", "  - {a: b}"), "gonets.yaml:10: routes.otp.accounts[1]: is a mapping; give the name"},
		"route, twice":         {route("accounts: [main, main]"), `gonets.yaml:8: routes.otp.accounts[1]: "main" is named twice`},
		"route, unknown":       {route("accounts: [mian]"), `gonets.yaml:8: routes.otp.accounts[0]: "mian" is no account; use main; did you mean "main"?`},
		"route, policy":        {route("accounts: [main]", "on_unknown: drop"), `gonets.yaml:9: routes.otp.on_unknown: "drop" is unknown, use hold, resend`},
		"route, attempts":      {route("accounts: [main]", "retry: {attempts: 0}"), "routes.otp.retry.attempts: 0 is too small"},
		"route, longest retry": {route("accounts: [main]", "retry: {initial: 10s, max: 5s}"), "routes.otp.retry.max: 5s is shorter than initial"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := loadText(c.text)
			require.ErrorContains(t, err, c.fault)
			require.NotContains(t, err.Error(), "hunter2")
			require.Nil(t, cfg)
			require.IsType(t, Faults{}, err)
		})
	}
}

// Each of these has one fault: no other may follow from it.
func TestOneFaultStaysOne(t *testing.T) {
	for name, text := range map[string]string{
		"variable of a needed credential": account("token: ${NOT_SET}"),
		"file of a needed credential":     account("token_file: /no/such/file"),
		"broken value":                    account("login: *nothing"),
		"broken accounts":                 "accounts: 5\nroutes: {otp: {accounts: [main]}}\n",
		"unknown provider":                "accounts: {a: {provider: x, url: https://a, key: b}}\nroutes: {otp: {accounts: [a]}}\n",
		"broken burst":                    account("login: a", "limit: {messages_per_second: 1, burst: none}", "batch: 100"),
		"broken rate":                     account("login: a", "limit: {messages_per_second: none}", "batch: 100"),
		"broken section":                  valid + "nats: [1]\n",
		"bad name used by a route":        strings.ReplaceAll(valid, "main", "Main"),
		"password's variable":             valid + "nats: {user: a, password: '${NOT_SET}'}\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadText(text)
			require.IsType(t, Faults{}, err)
			require.Len(t, err, 1, "%v", err)
		})
	}
}

func TestLoadFile(t *testing.T) {
	path := writeFile(t, valid)
	cfg, err := Load(path, os.LookupEnv, nil, testKinds)
	require.NoError(t, err)
	require.Equal(t, "otp", cfg.Routes[0].Name)

	_, err = Load(path+"x", os.LookupEnv, nil, testKinds)
	require.EqualError(t, err, path+"x: does not exist; name the configuration file")
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte(account("login: ${A}", "limit: {messages_per_second: 1e1, burst: 0x10}")))
	f.Add([]byte("nats: {url: a\n? b : c\n- &a *a !t |\n  x\n---\n<<: 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		env := func(string) (string, bool) { return "", false }
		cfg, err := load("f", data, env, nil, testKinds)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("%v and %v", cfg, err)
		}
	})
}
