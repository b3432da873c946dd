package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// patience is how long a command that is no worker waits for a server.
const patience = 10 * time.Second

// How Redis is asked: no try is repeated behind our back, since a script whose answer was lost may have run, and an
// answer that takes longer than these is none.
const (
	redisTimeout  = 2 * time.Second // for connecting, writing and reading each
	redisPoolSize = 32              // connections to each node
	redisReads    = 4 << 10         // bytes of each connection's buffer for answers, which are short
	redisWrites   = 8 << 10         // likewise of that for commands, which are long: a packet's go out in three pieces, at no cost that can be measured
)

// openRedis makes a client of one server, or of a cluster where there are several URLs. It makes no connection yet.
func openRedis(cfg config.Redis) (redis.UniversalClient, error) {
	if len(cfg.URLs) == 0 {
		return nil, errors.New("redis: no URL")
	}
	o := &redis.UniversalOptions{
		IsClusterMode:         len(cfg.URLs) > 1,
		MaxRetries:            -1,
		ContextTimeoutEnabled: true,
		DialerRetries:         1,
		DialTimeout:           redisTimeout,
		ReadTimeout:           redisTimeout,
		WriteTimeout:          redisTimeout,
		PoolSize:              redisPoolSize,
		PoolTimeout:           redisTimeout,
		ReadBufferSize:        redisReads,
		WriteBufferSize:       redisWrites,
	}
	for _, url := range cfg.URLs {
		one, err := redis.ParseURL(string(url))
		if err != nil { // its words may hold the URL, and that a password
			return nil, errors.New("redis: a URL that can't be read")
		}
		o.Addrs = append(o.Addrs, one.Addr)
		o.Username, o.Password, o.DB = one.Username, one.Password, one.DB
		if one.TLSConfig != nil {
			o.TLSConfig = one.TLSConfig
			if o.IsClusterMode {
				o.TLSConfig.ServerName = "" // each node has its own
			}
		}
	}
	if o.TLSConfig != nil {
		if err := secureRedis(o.TLSConfig, cfg.TLS); err != nil {
			return nil, err
		}
	}
	return redis.NewUniversalClient(o), nil
}

// secureRedis puts the authorities and our own certificate into c. The certificate is read anew for each connection.
func secureRedis(c *tls.Config, files config.TLS) error {
	c.MinVersion = tls.VersionTLS12
	if files.CA != "" {
		pem, err := os.ReadFile(files.CA)
		if err != nil {
			return fmt.Errorf("redis: tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("redis: tls.ca: %s holds no certificate", files.CA)
		}
	}
	if files.Cert != "" {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(files.Cert, files.Key)
			if err != nil {
				return nil, fmt.Errorf("redis: our certificate: %w", err)
			}
			return &cert, nil
		}
	}
	return nil
}

// natsHooks are told what happens to a connection; each may be nil, and must not block.
type natsHooks struct {
	failed func(error) // what goes wrong outside any call
	status func(bool)  // whether there is a connection, when that changes
}

// openNATS makes a connection that reconnects for ever. It returns at once, even where no server answers yet.
func openNATS(cfg config.NATS, name string, hooks natsHooks) (*nats.Conn, jetstream.JetStream, error) {
	nc, err := natsq.Connect(natsq.ConnectOptions{
		URL:         string(cfg.URL),
		Name:        name,
		Credentials: cfg.Credentials,
		NKey:        cfg.NKey,
		Token:       string(cfg.Token),
		User:        cfg.User,
		Password:    string(cfg.Password),
		TLS:         natsq.TLSFiles(cfg.TLS),
		InboxPrefix: cfg.InboxPrefix,
		Failed:      hooks.failed,
		Status:      hooks.status,
	})
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("nats: %w", err)
	}
	return nc, js, nil
}

// reachNATS makes a connection and waits until it stands, or ctx ends. A subject that the server denies later goes to denied: to
// whoever asked, it only looks like no answer.
func reachNATS(ctx context.Context, cfg config.NATS, name string, denied func(error)) (*nats.Conn, jetstream.JetStream, error) {
	var last atomic.Pointer[error]
	nc, js, err := openNATS(cfg, name, natsHooks{failed: func(err error) {
		last.Store(&err)
		if errors.Is(err, nats.ErrPermissionViolation) {
			denied(err)
		}
	}})
	if err != nil {
		return nil, nil, err
	}
	arrived := nc.StatusChanged(nats.CONNECTED)
	if nc.IsConnected() {
		return nc, js, nil
	}
	select {
	case <-arrived:
		return nc, js, nil
	case <-ctx.Done():
		nc.Close()
		if why := last.Load(); why != nil {
			return nil, nil, fmt.Errorf("no connection within the time given: %w", *why)
		}
		return nil, nil, errors.New("nats: no connection within the time given; is the server up, and nats.url right?")
	}
}

// layout is what the streams of the configuration look like.
func layout(cfg *config.Config) natsq.Layout {
	l := natsq.Layout{
		Prefix:        cfg.NATS.Prefix,
		Replicas:      cfg.NATS.Replicas,
		JobsMaxBytes:  cfg.Streams.JobsMaxBytes,
		TenantBacklog: cfg.Streams.TenantBacklog,
		StatusAge:     cfg.Streams.StatusAge,
		DeadAge:       cfg.Streams.DeadAge,
		AckWait:       cfg.NATS.AckWait,
	}
	for _, r := range cfg.Routes {
		l.Routes = append(l.Routes, r.Name)
	}
	return l
}
