// Package natstest starts a NATS server with JetStream inside a test.
package natstest

import (
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// startWithin is how long a server may take to accept connections, on a slow machine under load.
const startWithin = 30 * time.Second

// Server is an embedded server with file storage that lasts over restarts and ends with its test.
type Server struct {
	t      testing.TB
	opts   server.Options
	mu     sync.Mutex
	server *server.Server // nil: stopped
}

// Option changes the server's options before it starts, for example to add users.
type Option func(*server.Options)

// Start starts a server on a free port of the loopback, with its data in the test's temporary directory.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{t: t, opts: server.Options{
		Host:               "127.0.0.1",
		Port:               server.RANDOM_PORT,
		JetStream:          true,
		StoreDir:           t.TempDir(),
		JetStreamMaxMemory: 1 << 30,
		JetStreamMaxStore:  1 << 40, // reserved, not used
		NoLog:              true,
		NoSigs:             true,
	}}
	for _, o := range options {
		o(&s.opts)
	}
	s.start()
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := s.opts
	srv, err := server.NewServer(&opts)
	require.NoError(s.t, err)
	srv.Start()
	if !srv.ReadyForConnections(startWithin) {
		srv.Shutdown()
		require.FailNow(s.t, "the NATS server did not start")
	}
	s.opts.Port = opts.Port // the same one after a restart
	s.server = srv
}

// Stop stops the server in good order; connections are cut. To stop it twice does nothing.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
	s.server = nil
}

// Restart stops the server, if it runs, and starts it again on the same port with the same data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.start()
}

// URL is the address for clients. It stays the same over restarts.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "nats://" + net.JoinHostPort(s.opts.Host, strconv.Itoa(s.opts.Port))
}

// Connect returns a connection that reconnects quickly and for ever; it is closed with its test t.
func (s *Server) Connect(t testing.TB, options ...nats.Option) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	options = append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0)}, options...)
	nc, err := nats.Connect(s.URL(), options...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return nc, js
}
