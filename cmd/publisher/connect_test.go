package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/tlstest"
)

// A server that wants certificates of both sides, by flags and by the environment.
func TestTLS(t *testing.T) {
	authority := tlstest.New(t)
	own, client := authority.Pair("server"), authority.Pair("client")
	caFile, cert, key := authority.CA, client.Cert, client.Key
	pair, err := tls.LoadX509KeyPair(own.Cert, own.Key)
	require.NoError(t, err)
	pem, err := os.ReadFile(caFile)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	s := natstest.Start(t, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}
		o.TLSTimeout = 30
	})
	reached := "there is no stream DISPATCH_STATUS"
	code, _, stderr := publisher(t, s.URL(), "", "trace", "x", "--ca", caFile, "--cert", cert, "--key", key)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, reached)
	for _, args := range [][]string{{"--ca", caFile}, {"--cert", cert, "--key", key}, {}} {
		code, _, stderr = publisher(t, s.URL(), "", append([]string{"trace", "x"}, args...)...)
		require.Equal(t, exitFailed, code)
		require.Contains(t, stderr, "cannot connect to NATS", args)
	}
	code, _, stderr = publisher(t, s.URL(), "", "trace", "x", "--ca", "/nowhere/ca.pem")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "/nowhere/ca.pem")

	stdout, errout := newScreen(), newScreen()
	a := app{stdin: strings.NewReader(""), stdout: stdout, stderr: errout, env: func(name string) string {
		return map[string]string{"NATS_URL": s.URL(), "NATS_CA": caFile, "NATS_CERT": cert, "NATS_KEY": key, "NATS_INBOX_PREFIX": "_INBOX_shop"}[name]
	}}
	require.Equal(t, exitFailed, a.run(t.Context(), []string{"trace", "x"}))
	require.Contains(t, errout.String(), reached)
}

// A server that knows its users by nkeys, as deploy/nats has them.
func TestNKey(t *testing.T) {
	user, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := user.PublicKey()
	require.NoError(t, err)
	seed, err := user.Seed()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "user.nk")
	require.NoError(t, os.WriteFile(file, seed, 0o600))
	s := natstest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} })
	code, _, stderr := publisher(t, s.URL(), "", "trace", "x", "--nkey", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "there is no stream DISPATCH_STATUS")
	code, _, stderr = publisher(t, s.URL(), "", "trace", "x")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "cannot connect to NATS")
	code, _, stderr = publisher(t, s.URL(), "", "trace", "x", "--nkey", "/nowhere/user.nk")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "/nowhere/user.nk")
	code, _, _ = publisher(t, s.URL(), "", "trace", "x", "--nkey", file, "--creds", file)
	require.Equal(t, exitUsage, code)
}
