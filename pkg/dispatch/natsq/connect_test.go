package natsq_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

func TestConnectBeforeTheServerIsThere(t *testing.T) {
	s := natstest.Start(t)
	url := s.URL()
	s.Stop()
	up := make(chan bool, 10)
	nc, err := natsq.Connect(natsq.ConnectOptions{URL: url, Name: "worker", Status: func(ok bool) { up <- ok }})
	require.NoError(t, err)
	defer nc.Close()
	s.Restart()
	require.True(t, receive(t, up))
	require.NoError(t, nc.FlushTimeout(within))
	s.Stop()
	require.False(t, receive(t, up))
}

func TestConnectReportsDeniedPublications(t *testing.T) {
	kp, err := nkeys.CreateUser()
	require.NoError(t, err)
	seed, err := kp.Seed()
	require.NoError(t, err)
	public, err := kp.PublicKey()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "user.nk")
	require.NoError(t, os.WriteFile(file, seed, 0o600))
	may := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"allowed"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_worker.>"}},
	}
	s := natstest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "worker", Password: "s3cret", Permissions: may}}
		o.Nkeys = []*server.NkeyUser{{Nkey: public, Permissions: may}}
	})
	for name, o := range map[string]natsq.ConnectOptions{
		"user": {User: "worker", Password: "s3cret"},
		"nkey": {NKey: file},
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 10)
			o.URL, o.InboxPrefix = s.URL(), "_INBOX_worker"
			o.Failed = func(err error) { failed <- err }
			nc, err := natsq.Connect(o)
			require.NoError(t, err)
			defer nc.Close()
			require.Regexp(t, `^_INBOX_worker\.`, nc.NewInbox())
			require.NoError(t, nc.Publish("forbidden", nil))
			require.ErrorContains(t, receive(t, failed), "forbidden")
		})
	}
}

func TestConnectRefuses(t *testing.T) {
	for name, o := range map[string]natsq.ConnectOptions{
		"more than one": {URL: "nats://127.0.0.1:1", User: "a", Token: "b"},
		"both cert":     {URL: "nats://127.0.0.1:1", TLS: natsq.TLSFiles{Cert: "x"}},
		"nkey file":     {URL: "nats://127.0.0.1:1", NKey: "/nonexistent"},
		"no such file":  {URL: "tls://127.0.0.1:1", TLS: natsq.TLSFiles{CA: "/nonexistent"}},
		"nats: parse":   {URL: "nats://user:s3cret@[::1", Name: "x"},
	} {
		nc, err := natsq.Connect(o)
		if err == nil {
			nc.Close()
		}
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "s3cret")
	}
	_, err := natsq.NewOutlet(nil, "a b")
	require.Error(t, err)
}
