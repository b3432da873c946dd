package main

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/tlstest"
)

// certified are an authority, a certificate of it, and the same of another authority that nobody here trusts.
type certified struct {
	auth, stranger *tlstest.Authority
	own, forged    tlstest.Pair
}

func newCertified(t *testing.T) certified {
	c := certified{auth: tlstest.New(t), stranger: tlstest.New(t)}
	c.own, c.forged = c.auth.Pair("worker"), c.stranger.Pair("worker")
	return c
}

// files are what a configuration names.
func (c certified) files(ca *tlstest.Authority, p tlstest.Pair) config.TLS {
	return config.TLS{CA: ca.CA, Cert: p.Cert, Key: p.Key}
}

// natsServer speaks TLS alone, at most of that version, and asks its clients for a certificate.
func (c certified) natsServer(t *testing.T, most uint16) *natstest.Server {
	t.Helper()
	pair := c.auth.Pair("nats")
	conf, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: pair.Cert, KeyFile: pair.Key, CaFile: c.auth.CA, Verify: true})
	require.NoError(t, err)
	conf.MinVersion, conf.MaxVersion = tls.VersionTLS10, most
	return natstest.Start(t, func(o *server.Options) { o.TLSConfig, o.TLSVerify, o.TLSTimeout = conf, true, 10 })
}

// How a NATS or a Redis that can't be trusted, or doesn't trust us, is told.
const (
	untrusted   = "certificate signed by unknown authority"
	refusedUs   = "tls" // the server's alert, where it came in time, or that it closed after the handshake
	tooOld      = "protocol version"
	shortAsking = 1500 * time.Millisecond
)

func TestNATSByMutualTLS(t *testing.T) {
	c := newCertified(t)
	s, old := c.natsServer(t, tls.VersionTLS13), c.natsServer(t, tls.VersionTLS11)
	for name, try := range map[string]struct {
		url   string
		tls   config.TLS
		fault string
	}{
		"mutual":               {s.URL(), c.files(c.auth, c.own), ""},
		"no certificate":       {s.URL(), config.TLS{CA: c.auth.CA}, refusedUs},
		"another's":            {s.URL(), c.files(c.auth, c.forged), refusedUs},
		"unknown authority":    {s.URL(), c.files(c.stranger, c.own), untrusted},
		"the system's alone":   {s.URL(), config.TLS{}, untrusted},
		"an old version alone": {old.URL(), c.files(c.auth, c.own), tooOld},
	} {
		t.Run(name, func(t *testing.T) {
			patience := 20 * time.Second
			if try.fault != "" {
				patience = shortAsking
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			nc, _, err := reachNATS(ctx, config.NATS{URL: providers.Secret(try.url), TLS: try.tls}, "test", func(error) {})
			if try.fault == "" {
				require.NoError(t, err)
				state, err := nc.TLSConnectionState()
				require.NoError(t, err)
				require.GreaterOrEqual(t, state.Version, uint16(tls.VersionTLS12))
				nc.Close()
				return
			}
			require.ErrorContains(t, err, try.fault)
		})
	}
}

// A certificate that was renewed is used from the next connection on.
func TestNATSCertificateIsRenewed(t *testing.T) {
	c := newCertified(t)
	s := c.natsServer(t, tls.VersionTLS13)
	refused := make(chan error, 100)
	nc, _, err := openNATS(config.NATS{URL: providers.Secret(s.URL()), TLS: c.files(c.auth, c.forged)}, "test", natsHooks{failed: func(err error) {
		select {
		case refused <- err:
		default:
		}
	}})
	require.NoError(t, err)
	defer nc.Close()
	require.ErrorContains(t, <-refused, refusedUs)
	c.auth.Renew(c.forged, "worker")
	require.Eventually(t, nc.IsConnected, 30*time.Second, 10*time.Millisecond)
}

func TestRedisByMutualTLS(t *testing.T) {
	c := newCertified(t)
	pair := c.auth.Pair("redis")
	s := redistest.StartTLS(t, pair.Cert, pair.Key, c.auth.CA)
	old := c.listenOld(t)
	for name, try := range map[string]struct {
		url   string
		tls   config.TLS
		fault string
	}{
		"mutual":               {"rediss://" + s.Addr, c.files(c.auth, c.own), ""},
		"no certificate":       {"rediss://" + s.Addr, config.TLS{CA: c.auth.CA}, refusedUs},
		"another's":            {"rediss://" + s.Addr, c.files(c.auth, c.forged), refusedUs},
		"unknown authority":    {"rediss://" + s.Addr, c.files(c.stranger, c.own), untrusted},
		"the system's alone":   {"rediss://" + s.Addr, config.TLS{}, untrusted},
		"an old version alone": {"rediss://" + old, c.files(c.auth, c.own), tooOld},
	} {
		t.Run(name, func(t *testing.T) {
			f := checkRedis(t.Context(), config.Redis{URLs: []providers.Secret{providers.Secret(try.url)}, TLS: try.tls})[0]
			require.Equal(t, try.fault == "", f.OK, f.Words)
			require.Contains(t, f.Words, try.fault)
		})
	}
}

func TestRedisCertificateIsRenewed(t *testing.T) {
	c := newCertified(t)
	pair := c.auth.Pair("redis")
	s := redistest.StartTLS(t, pair.Cert, pair.Key, c.auth.CA)
	client, err := openRedis(config.Redis{URLs: []providers.Secret{providers.Secret("rediss://" + s.Addr)}, TLS: c.files(c.auth, c.forged)})
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	require.Error(t, client.Ping(t.Context()).Err())
	c.auth.Renew(c.forged, "worker")
	require.NoError(t, client.Ping(t.Context()).Err())
}

// listenOld is a server of TLS 1.1 at most.
func (c certified) listenOld(t *testing.T) string {
	t.Helper()
	pair := c.auth.Pair("old")
	cert, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	require.NoError(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) //nolint:gosec // that is the point
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				_ = conn.(*tls.Conn).Handshake()
				_ = conn.Close()
			}(conn)
		}
	}()
	return l.Addr().String()
}

func TestTLSFilesThatAreNone(t *testing.T) {
	c := newCertified(t)
	_, err := openRedis(config.Redis{URLs: []providers.Secret{"rediss://h"}, TLS: config.TLS{CA: c.own.Key}})
	require.ErrorContains(t, err, "holds no certificate")
	_, _, err = openNATS(config.NATS{URL: "tls://h", TLS: config.TLS{CA: c.own.Key}}, "test", natsHooks{})
	require.ErrorContains(t, err, "failed to parse root certificate")
}
