package config

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// loader is one reading of one configuration.
type loader struct {
	file      string
	kinds     []providers.Kind
	env       func(string) (string, bool)
	overrides map[string]string // variables meant to override
	variables []string          // names of the variables that can
	expanded  []string          // names of the variables that the file uses
	secrets   []Content         // files whose content was taken
	faults    Faults
}

func (l *loader) fault(line int, path, problem string) {
	l.faults = append(l.faults, Fault{File: l.file, Line: line, Path: path, Problem: problem})
}

// Load reads the file at path. Variables in values are looked up with env, as by [os.LookupEnv]; overrides are taken from
// environ, as of [os.Environ]. kinds are the providers that accounts may name. Any error is [Faults].
func Load(path string, env func(string) (string, bool), environ []string, kinds []providers.Kind) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		problem := "can't be read: " + err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			problem = "does not exist; name the configuration file"
		}
		return nil, Faults{{File: path, Problem: problem}}
	}
	return load(path, data, env, environ, kinds)
}

func load(path string, data []byte, env func(string) (string, bool), environ []string, kinds []providers.Kind) (*Config, error) {
	l := &loader{file: path, kinds: kinds, env: env, overrides: overridesIn(environ)}
	tree := parse(data, l.fault)
	cfg := new(Config)
	if tree.kind != broken {
		l.read(l.section(tree, "", 1), cfg)
		l.strayVariables()
	}
	if len(l.faults) > 0 {
		l.faults.sort(path)
		return nil, l.faults
	}
	return cfg, nil
}

func (l *loader) read(root *section, cfg *Config) {
	root.env = true
	cfg.NATS = readNATS(root.sub("nats"))
	cfg.Streams = readStreams(root.sub("streams"))
	cfg.PhoneRegion = read(root, "phone_region", "RU", region)
	cfg.Redis = readRedis(root.sub("redis"))

	http := root.sub("http")
	cfg.HTTP.Listen = read(http, "listen", "127.0.0.1:8080", listenAddress)
	http.close()

	log := root.sub("log")
	cfg.Log.Level = read(log, "level", "info", oneOf("debug", "info", "warn", "error"))
	cfg.Log.Format = read(log, "format", "json", oneOf("json", "console"))
	log.close()

	cfg.Dedupe = readDedupe(root.sub("dedupe"), cfg.Streams.StatusAge)
	l.readAccounts(root, cfg)
	l.readRoutes(root, cfg)
	root.close()
	cfg.Secrets = l.secrets
}

func readNATS(s *section) (n NATS) {
	defer s.close()
	n.URL = readCredential(s, "url", "nats://127.0.0.1:4222", natsURL)
	n.Credentials = s.readable("credentials")
	n.User = s.credential("user", "")
	n.Password = s.secret("password")
	n.Token = s.secret("token")
	n.NKey = s.readable("nkey")
	if n.NKey != "" {
		s.secrets = append(s.secrets, Content{Path: n.NKey}.Now()) // a connection keeps the public key it began with
	}
	n.InboxPrefix = read(s, "inbox_prefix", "_INBOX", prefix)
	n.Prefix = read(s, "prefix", "dispatch", prefix)
	n.Replicas = read(s, "replicas", 1, whole(1, 5))
	n.Provision = read(s, "provision", true, boolean)
	n.AckWait = read(s, "ack_wait", time.Minute, duration(time.Second))
	n.TLS = readTLS(s.sub("tls"))
	checkIdentity(s, n)
	return n
}

func readTLS(s *section) (t TLS) {
	defer s.close()
	t = TLS{CA: s.readable("ca"), Cert: s.readable("cert"), Key: s.readable("key")}
	if t.Cert != "" && t.Key == "" && !s.faulty["key"] {
		s.fault("cert", "given without key; give both or neither")
	}
	if t.Key != "" && t.Cert == "" && !s.faulty["cert"] {
		s.fault("key", "given without cert; give both or neither")
	}
	return t
}

// checkIdentity allows one way to authenticate.
func checkIdentity(s *section, n NATS) {
	faulty := func(key string) bool { return s.faulty[key] }
	if n.Password != "" && n.User == "" && !faulty("user") {
		s.fault("password", "given without user; give both")
	}
	if n.User != "" && n.Password == "" && !faulty("password") {
		s.fault("user", "given without password; give both")
	}
	var first string
	for _, way := range []struct {
		key   string
		given bool
	}{{"credentials", n.Credentials != ""}, {"user", n.User != ""}, {"token", n.Token != ""}, {"nkey", n.NKey != ""}} {
		switch {
		case !way.given:
		case first == "":
			first = way.key
		default:
			s.fault(way.key, "given beside %s; use one of credentials, user with password, token and nkey", first)
		}
	}
}

func readStreams(s *section) (st Streams) {
	defer s.close()
	const largestJob = 65 << 10 // with its headers; a stream must be able to hold one
	st.JobsMaxBytes = read(s, "jobs_max_bytes", 10<<30, size(largestJob))
	st.TenantBacklog = int64(read(s, "tenant_backlog", 0, whole(0, 0)))
	st.StatusAge = read(s, "status_age", 7*24*time.Hour, duration(time.Second))
	st.DeadAge = read(s, "dead_age", 30*24*time.Hour, duration(time.Second))
	return st
}

func readRedis(s *section) (r Redis) {
	defer s.close()
	r.URLs = readCredential(s, "url", []providers.Secret{"redis://127.0.0.1:6379/0"}, redisURLs)
	r.TLS = readTLS(s.sub("tls"))
	if r.TLS.CA != "" {
		s.secrets = append(s.secrets, Content{Path: r.TLS.CA}.Now()) // the client keeps the authorities it began with
	}
	if r.TLS != (TLS{}) && !s.faulty["url"] && !strings.HasPrefix(string(r.URLs[0]), "rediss:") {
		s.fault("tls", "given, but url is redis://, which is not encrypted; use rediss://, or leave tls out")
	}
	r.Prefix = read(s, "prefix", "dispatch", prefix)
	return r
}

// readDedupe lowers the default where events are kept for less.
func readDedupe(s *section, statusAge time.Duration) (d Dedupe) {
	defer s.close()
	d.Window = read(s, "window", min(72*time.Hour, statusAge), duration(time.Second))
	if d.Window > statusAge && !s.faulty["window"] {
		s.fault("window", "%s is longer than streams.status_age, which the records are rebuilt from, use at most %s",
			brief(d.Window), brief(statusAge))
	}
	return d
}
