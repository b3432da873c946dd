package claim

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// recordOver records an end over a restart: the broken connection may still be in the pool.
func recordOver(t *testing.T, s *Store, id, token string) error {
	t.Helper()
	for {
		_, err := s.Record(t.Context(), []dispatch.Update{{Tenant: "shop", ID: id, Token: token, Record: concluded("J:1"), Keep: testKeep}})
		if err == nil || !passing(err) {
			return err
		}
	}
}

// Each restart counts as a loss: also one whose data all came back, since nobody can tell.
func TestARestart(t *testing.T) {
	for name, args := range map[string][]string{"empty": nil, "whole": {"--appendonly", "yes", "--appendfsync", "always"}} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, args...)
			s := newStore(t, open(t, server), "one")
			first := claimOne(t, s, ask("j"))
			server.Kill()
			server.Restart()
			require.ErrorIs(t, recordOver(t, s, "j", first.Token), dispatch.ErrClaimsLost)
			_, err := s.Advance(t.Context(), []receipts.Step{{}})
			require.ErrorIs(t, err, dispatch.ErrClaimsLost)
			whole, err := newUnarmed(t, open(t, server)).Ensure(t.Context())
			require.NoError(t, err)
			require.False(t, whole, "for a worker that starts afterwards, too")
			arm(t, s)
			require.True(t, recordOne(t, s, "j", first.Token, concluded("J:1")), "who held a claim knows best")
			require.True(t, s.NoticesRestarts())
		})
	}
}

// A server that was killed comes back with an older state, its guard in it: what it forgot is restored, of records that are behind as well.
func TestARestartForgetsTheLastSecond(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "everysec")
	s := newStore(t, open(t, server), "one")
	behind, early := claimOne(t, s, ask("behind")), claimOne(t, s, ask("early"))
	require.True(t, recordOne(t, s, "early", early.Token, concluded("J:1")))
	saved := filepath.Join(t.TempDir(), "saved")
	require.NoError(t, os.CopyFS(saved, os.DirFS(server.Dir())))
	require.True(t, recordOne(t, s, "behind", behind.Token, concluded("J:1")))
	lost := claimOne(t, s, ask("lost"))
	require.True(t, recordOne(t, s, "lost", lost.Token, concluded("J:1")))
	held := claimOne(t, s, ask("held"))
	server.Kill()
	require.NoError(t, os.RemoveAll(server.Dir()))
	require.NoError(t, os.CopyFS(server.Dir(), os.DirFS(saved)))
	server.Restart()
	require.Equal(t, dispatch.Sending, stands(t, s, "behind").Record.Phase, "the test is of an older state")

	require.ErrorIs(t, recordOver(t, s, "held", held.Token), dispatch.ErrClaimsLost)
	whole, err := s.Ensure(t.Context())
	require.NoError(t, err)
	require.False(t, whole)
	ended := concluded("J:1")
	ended.Sequence = 1 // as its event says
	wrote, err := s.Restore(t.Context(), []Entry{{"shop", "early", ended, testKeep}, {"shop", "behind", ended, testKeep}, {"shop", "lost", ended, testKeep}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, wrote, 2)
	require.NoError(t, s.Rearm(t.Context(), nil))
	for _, id := range []string{"early", "behind", "lost"} {
		require.Equal(t, dispatch.Settled, claimOne(t, s, ask(id)).Verdict, id)
	}
	require.True(t, recordOne(t, s, "held", held.Token, concluded("J:1")))
	require.False(t, recordOne(t, s, "behind", behind.Token, concluded("J:1")), "its end is known")
}

// The server took the job, died before it said so, and came back with it: who asked was never told, so nothing was sent. Of others' claims nobody
// knows that, nor of a job that was taken over.
func TestARestartInsteadOfAnAnswer(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	client := open(t, server)
	s, other := newStore(t, client, "one"), newStore(t, open(t, server), "two")
	lapsed := claimOne(t, s, ask("lapsed"))
	require.Equal(t, dispatch.Taken, lapsed.Verdict)
	lapse(t, s, "lapsed")
	held := claimOne(t, s, ask("held"))

	d := &deaf{then: func() { server.Kill(); server.Restart() }}
	client.AddHook(d)
	lost := func(script *script, id string) {
		d.script, d.left = script, 1
		_, err := s.Claim(t.Context(), []dispatch.ClaimRequest{ask(id)})
		require.ErrorIs(t, err, dispatch.ErrClaimsLost)
		require.Equal(t, dispatch.Sending, stands(t, s, id).Record.Phase, "the server did it")
		arm(t, s)
		arm(t, other)
	}
	lost(s.scripts.claim, "j")
	lost(s.scripts.swap, "lapsed")

	require.Equal(t, dispatch.Busy, claimOne(t, other, ask("j")).Verdict)
	got := claimOne(t, s, ask("j"))
	require.Equal(t, dispatch.Taken, got.Verdict)
	require.Zero(t, got.Record.Attempts)
	require.Equal(t, got.Token, stands(t, s, "j").Token)
	require.Equal(t, dispatch.Busy, claimOne(t, s, ask("j")).Verdict, "now it was told")
	lapse(t, s, "j")
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, s, ask("j")).Verdict)

	require.Equal(t, dispatch.Busy, claimOne(t, s, ask("lapsed")).Verdict)
	lapse(t, s, "lapsed")
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, s, ask("lapsed")).Verdict)
	require.Equal(t, dispatch.Busy, claimOne(t, s, ask("held")).Verdict)
	require.True(t, recordOne(t, s, "held", held.Token, concluded("J:1")))
}

// A restart during a rebuilding begins it anew.
func TestARestartInTheMidst(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := newUnarmed(t, open(t, server))
	_, err := s.Ensure(t.Context())
	require.NoError(t, err)
	server.Kill()
	server.Restart()
	for err == nil || passing(err) {
		_, err = s.Restore(t.Context(), []Entry{{"shop", "j", concluded("J:1"), testKeep}})
	}
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	require.ErrorIs(t, s.Rearm(t.Context(), nil), dispatch.ErrClaimsLost)
	arm(t, s)
	require.Equal(t, dispatch.Taken, claimOne(t, s, ask("j")).Verdict)
}

// A user who may not ask INFO works, but notices no restart.
func TestInfoForbidden(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always",
		"--user", "limited", "on", "nopass", "~*", "&*", "+@all", "-info")
	client := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "limited", Password: "any", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	s := newStore(t, client, "one")
	require.False(t, s.NoticesRestarts())
	first := claimOne(t, s, ask("j"))
	server.Kill()
	server.Restart()
	require.NoError(t, recordOver(t, s, "j", first.Token))
}
