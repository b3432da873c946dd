package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

// certificate makes one, signed by itself or a parent, and writes it and its key.
func certificate(t *testing.T, name string, parent *tls.Certificate) (made tls.Certificate, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: parent == nil, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer, by := template, any(private)
	if parent != nil {
		signer, by = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, private.Public(), by)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	cert, key = filepath.Join(t.TempDir(), name+".pem"), filepath.Join(t.TempDir(), name+".key")
	require.NoError(t, os.WriteFile(cert, certPEM, 0o600))
	require.NoError(t, os.WriteFile(key, keyPEM, 0o600))
	made, err = tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	return made, cert, key
}

// A server that wants certificates of both sides, by flags and by the environment.
func TestTLS(t *testing.T) {
	ca, caFile, _ := certificate(t, "ca", nil)
	own, _, _ := certificate(t, "server", &ca)
	_, cert, key := certificate(t, "client", &ca)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	s := natstest.Start(t, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}
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
