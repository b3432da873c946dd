package claim

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

const (
	testLease = time.Hour // leases end by lapse only
	testKeep  = 2 * time.Hour
)

// open returns a client of the server that is closed with the test.
func open(t testing.TB, s *redistest.Server) *redis.Client {
	client := s.Client()
	t.Cleanup(func() { _ = client.Close() }) // it may be closed already
	return client
}

// newStore returns an armed worker.
func newStore(t require.TestingT, client redis.UniversalClient, worker string) *Store {
	s, err := New(client, Config{Prefix: "t", Worker: worker, Lease: testLease})
	require.NoError(t, err)
	arm(t, s)
	return s
}

// arm does what a worker does at its start where there is nothing to rebuild.
func arm(t require.TestingT, s *Store) {
	whole, err := s.Ensure(context.Background())
	require.NoError(t, err)
	if !whole {
		require.NoError(t, s.Rearm(context.Background(), nil))
	}
}

func key(s *Store, id string) string {
	return string(s.appendKey(nil, s.shard("shop", id), "shop", id))
}

// lapse ends the lease of a job.
func lapse(t require.TestingT, s *Store, id string) {
	require.NoError(t, s.client.SetRange(context.Background(), key(s, id), 0, "0000000000001").Err())
}

func ask(id string) dispatch.ClaimRequest {
	return dispatch.ClaimRequest{Tenant: "shop", ID: id, Hash: "h", Publication: "J:1", Account: "a", Keep: testKeep}
}

func claimOne(t require.TestingT, s *Store, req dispatch.ClaimRequest) dispatch.Claim {
	got, err := s.Claim(context.Background(), []dispatch.ClaimRequest{req})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func recordOne(t require.TestingT, s *Store, id, token string, r dispatch.Record) bool {
	got, err := s.Record(context.Background(), []dispatch.Update{{Tenant: "shop", ID: id, Token: token, Record: r, Keep: testKeep}})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func stands(t require.TestingT, s *Store, id string) found {
	value, err := s.client.Get(context.Background(), key(s, id)).Result()
	require.NoError(t, err)
	f, err := decode(value)
	require.NoError(t, err)
	return f
}

func concluded(publication string) dispatch.Record {
	return dispatch.Record{Phase: dispatch.Concluded, Attempts: 1, Sequence: 1, Hash: "h", Publication: publication, Account: "a",
		Last: &job.Event{State: job.Submitted, Sequence: 1, At: time.UnixMilli(1_790_000_000_123).UTC(), Attempt: 1, Account: "a", Provider: "prostor",
			ProviderID: "2592608030", ProviderStatus: "accepted", Segments: 1}}
}

var errAnswerLost net.Error = &net.OpError{Op: "read", Err: errors.New("the answer was lost")}

// deaf loses the answers to scripts: the server does what it is told, and the client doesn't learn it.
type deaf struct {
	left   int // how many answers to lose
	script *script
	lost   int
}

func (d *deaf) lose(cmd redis.Cmder) bool {
	args := cmd.Args()
	if d.left == 0 || len(args) < 2 || args[1] != d.script.sha && args[1] != d.script.source || cmd.Err() != nil {
		return false
	}
	d.left--
	d.lost++
	cmd.SetErr(errAnswerLost)
	return true
}

func (d *deaf) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := next(ctx, cmd); err != nil {
			return err
		}
		d.lose(cmd)
		return cmd.Err()
	}
}

func (d *deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			if d.lose(cmd) {
				err = errAnswerLost
			}
		}
		return err
	}
}
