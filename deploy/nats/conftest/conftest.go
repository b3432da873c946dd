// Package conftest starts a server with the configuration of deploy/nats, as it is written, for tests.
package conftest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/tlstest"
)

// The identities of deploy/nats/identities.conf.
const (
	Worker   = "worker"
	Operator = "operator"
	Producer = "shop_producer"
	Consumer = "shop_consumer"
)

// Server is one with the configuration, a certificate, and keys for its identities.
type Server struct {
	*natstest.Server
	Authority *tlstest.Authority
	Client    tlstest.Pair // for any client

	t     testing.TB
	seeds map[string]string // identity → path of its seed
}

// Start starts a server on a free port of the loopback, with its data in a directory of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{Authority: tlstest.New(t), t: t, seeds: map[string]string{}}
	s.Client = s.Authority.Pair("client")
	own := s.Authority.Pair("server")
	env := map[string]string{"NATS_DATA": t.TempDir(), "NATS_TLS_CERT": own.Cert, "NATS_TLS_KEY": own.Key, "NATS_TLS_CA": s.Authority.CA}
	for _, name := range []string{Worker, Operator, Producer, Consumer} {
		pair, err := nkeys.CreateUser()
		require.NoError(t, err)
		seed, err := pair.Seed()
		require.NoError(t, err)
		public, err := pair.PublicKey()
		require.NoError(t, err)
		s.seeds[name] = filepath.Join(t.TempDir(), name+".nk")
		require.NoError(t, os.WriteFile(s.seeds[name], seed, 0o600))
		env["GONETS_"+strings.ToUpper(name)] = public
	}
	conf, err := configuration(env)
	require.NoError(t, err)
	s.Server = natstest.Start(t, func(o *server.Options) {
		conf.Host, conf.Port, conf.NoLog, conf.NoSigs = o.Host, o.Port, o.NoLog, o.NoSigs
		conf.JetStreamMaxMemory, conf.JetStreamMaxStore = o.JetStreamMaxMemory, o.JetStreamMaxStore
		*o = *conf
	})
	return s
}

// configuration reads the file as the server does, with these variables in place of the environment's.
func configuration(env map[string]string) (*server.Options, error) {
	for name, value := range env {
		before, had := os.LookupEnv(name)
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
		defer func() {
			_ = os.Unsetenv(name)
			if had {
				_ = os.Setenv(name, before)
			}
		}()
	}
	_, here, _, _ := runtime.Caller(0)
	return server.ProcessConfigFile(filepath.Join(filepath.Dir(here), "..", "nats.conf"))
}

// Seed is the path of an identity's seed.
func (s *Server) Seed(identity string) string { return s.seeds[identity] }

// InboxPrefix is where an identity hears answers.
func InboxPrefix(identity string) string {
	if identity == Producer {
		return nats.InboxPrefix[:len(nats.InboxPrefix)-1] // as any client does unless told otherwise
	}
	return "_INBOX_" + identity
}

// As connects as an identity. What the server denies it goes to denied, as long as there is room.
func (s *Server) As(identity string, denied chan<- error, options ...nats.Option) *nats.Conn {
	s.t.Helper()
	key, err := nats.NkeyOptionFromSeed(s.Seed(identity))
	require.NoError(s.t, err)
	options = append([]nats.Option{
		key, nats.RootCAs(s.Authority.CA), nats.ClientCert(s.Client.Cert, s.Client.Key), nats.CustomInboxPrefix(InboxPrefix(identity)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			select {
			case denied <- err:
			default:
			}
		}),
	}, options...)
	nc, err := nats.Connect(s.URL(), options...)
	require.NoError(s.t, err)
	s.t.Cleanup(nc.Close)
	return nc
}
