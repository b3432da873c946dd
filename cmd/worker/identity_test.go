package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/deploy/nats/conftest"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/tlstest"
)

// secured is a house whose servers speak TLS alone, with the identities that the deployment has.
type secured struct {
	*house
	nats *conftest.Server
	tls  tlstest.Pair // the worker's certificate
	auth *tlstest.Authority
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{nats: conftest.Start(t)}
	s.auth, s.tls = s.nats.Authority, s.nats.Client
	own := s.auth.Pair("redis")
	acl := filepath.Join(t.TempDir(), "users.acl")
	users, err := os.ReadFile("../../deploy/redis/users.acl")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(acl, bytes.ReplaceAll(users, []byte("replace-me"), []byte("hunter2-redis")), 0o600))
	s.house = &house{t: t, events: make(chan *nats.Msg, 1000),
		nats:  s.nats.Server,
		redis: redistest.StartTLS(t, own.Cert, own.Key, s.auth.CA, "--aclfile", acl)}
	s.prostor = sim.NewProstor("shop", prostorPassword)
	require.NoError(t, s.prostor.Start("127.0.0.1:0"))
	t.Cleanup(s.prostor.Close)
	s.config = s.configure("")

	nc := s.nats.As(conftest.Consumer, nil)
	_, err = nc.ChanSubscribe("dispatch.status.shop.>", s.events)
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	return s
}

// configure writes a configuration; more are lines for its top level.
func (s *secured) configure(more string) string {
	path := filepath.Join(s.t.TempDir(), "gonets.yaml")
	files := fmt.Sprintf("{ca: %s, cert: %s, key: %s}", s.auth.CA, s.tls.Cert, s.tls.Key)
	text := fmt.Sprintf(`nats: {url: %q, nkey: %s, inbox_prefix: %s, provision: false, tls: %s}
redis: {url: "rediss://gonets:hunter2-redis@%s/0", tls: %s}
http: {listen: %q}
log: {level: debug}
accounts:
  prostor-main: {provider: prostor, url: "%s", login: shop, password: %s, sender: MyShop, limit: {messages_per_second: 1000}, in_flight_total: 2}
routes:
  otp: {accounts: [prostor-main], retry: {attempts: 2, initial: 20ms, max: 50ms}}
%s
`, s.nats.URL(), s.nats.Seed(conftest.Worker), conftest.InboxPrefix(conftest.Worker), files, s.redis.Addr, files, freeAddress(s.t), s.prostor.URL(), prostorPassword, more)
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// init is `worker init` as an identity.
func (s *secured) init(identity string) (status int, stdout, stderr string) {
	out, diagnostics := &buffer{}, &buffer{}
	p := &program{stdout: out, stderr: diagnostics, lookup: os.LookupEnv, kinds: catalogue(),
		environ: []string{"GONETS_NATS_NKEY=" + s.nats.Seed(identity), "GONETS_NATS_INBOX_PREFIX=" + conftest.InboxPrefix(identity)}}
	status = p.run(s.t.Context(), []string{"init", "--config", s.config})
	return status, out.String(), diagnostics.String()
}

// A worker with the least permissions does all that a worker does: it sends, holds, tries again, buries, and rebuilds after a loss. Nothing of it is
// denied on the way.
func TestWorkerWithLeastPermissions(t *testing.T) {
	s := newSecured(t)
	status, _, stderr := s.init(conftest.Worker)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, `Permissions Violation for Publish to "$JS.API.STREAM.CREATE.DISPATCH_LATER"`)
	status, stdout, stderr := s.init(conftest.Operator)
	require.Equal(t, exitDone, status, stderr)
	require.Contains(t, stdout, "created")
	stop, log := s.run()
	producer, err := jetstream.New(s.nats.As(conftest.Producer, nil))
	require.NoError(t, err)
	publish := func(body string) {
		t.Helper()
		_, err := producer.Publish(t.Context(), "dispatch.jobs.urgent.otp.shop", []byte(body))
		require.NoError(t, err)
	}
	publish(`{"id":"a","channel":"sms","to":"+79612242243","text":"t"}`)
	_, e := s.next("a")
	require.Equal(t, job.Submitted, e.State)

	s.prostor.Break(sim.Refused, -1)
	publish(`{"id":"b","channel":"sms","to":"+79612242243","text":"t"}`)
	_, e = s.next("b")
	require.Equal(t, job.Retrying, e.State)
	_, e = s.next("b")
	require.Equal(t, job.Failed, e.State)
	s.prostor.Break(sim.None, 0)

	publish(fmt.Sprintf(`{"id":"c","channel":"sms","to":"+79612242243","text":"t","send_at":%q}`, time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)))
	_, e = s.next("c")
	require.Equal(t, job.Scheduled, e.State)
	_, e = s.next("c")
	require.Equal(t, job.Submitted, e.State)

	s.redis.Restart() // it keeps nothing
	publish(`{"id":"d","channel":"sms","to":"+79612242243","text":"t"}`)
	_, e = s.next("d")
	require.Equal(t, job.Submitted, e.State)
	publish(`{"id":"a","channel":"sms","to":"+79612242243","text":"t"}`)
	_, e = s.next("a")
	require.Equal(t, job.Duplicate, e.State, "the records were rebuilt")

	operator := s.nats.As(conftest.Operator, nil)
	for _, subject := range []string{"$SRV.PING.gonets", "$SRV.INFO.gonets", "dispatch.control.account.pause", "dispatch.control.account.resume", "dispatch.control.account.list"} {
		m, err := operator.Request(subject, []byte(`{"account":"prostor-main","by":"ann","reason":"r"}`), 10*time.Second)
		require.NoError(t, err, subject)
		require.Empty(t, m.Header.Get(micro.ErrorHeader), subject)
	}

	require.Equal(t, exitDone, stop(), log.String())
	for _, word := range []string{"ermissions", "can't run this command", "NOPERM", "hunter2"} {
		require.NotContains(t, log.String(), word)
	}
}
