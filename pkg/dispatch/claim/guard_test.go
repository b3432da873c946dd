package claim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

func aLossStopsAllUntilRebuilt(t *testing.T, client redis.UniversalClient) {
	ctx := t.Context()
	one, two := newStore(t, client, "one"), newStore(t, client, "two")
	held := claimOne(t, one, ask("held"))
	ended := claimOne(t, one, ask("ended"))
	require.True(t, recordOne(t, one, "ended", ended.Token, concluded("J:1")))

	lose(t, client)
	lost := func(s *Store) {
		_, err := s.Claim(ctx, []dispatch.ClaimRequest{ask("ended"), ask("new")})
		require.ErrorIs(t, err, dispatch.ErrClaimsLost)
		_, err = s.Record(ctx, []dispatch.Update{{Tenant: "shop", ID: "held", Token: held.Token, Record: concluded("J:1"), Keep: testKeep}})
		require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	}
	lost(one)
	lost(two)

	for _, s := range []*Store{one, two} {
		whole, err := s.Ensure(ctx)
		require.NoError(t, err)
		require.False(t, whole)
		lost(s)
	}
	entries := []Entry{{"shop", "ended", concluded("J:1"), testKeep}}
	wrote, err := one.Restore(ctx, entries)
	require.NoError(t, err)
	require.Equal(t, 1, wrote)
	wrote, err = two.Restore(ctx, entries)
	require.NoError(t, err)
	require.Zero(t, wrote)

	lose(t, client) // once more, in the midst
	_, err = one.Restore(ctx, entries)
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	require.ErrorIs(t, one.Rearm(ctx, nil), dispatch.ErrClaimsLost)

	for _, s := range []*Store{one, two} {
		whole, err := s.Ensure(ctx)
		require.NoError(t, err)
		require.False(t, whole)
	}
	_, err = one.Restore(ctx, entries)
	require.NoError(t, err)
	require.NoError(t, one.Rearm(ctx, nil))
	lost(two)
	wrote, err = two.Restore(ctx, entries) // it comes late
	require.NoError(t, err)
	require.Zero(t, wrote)
	require.NoError(t, two.Rearm(ctx, nil))

	for _, s := range []*Store{one, two} {
		again := claimOne(t, s, ask("ended"))
		require.Equal(t, dispatch.Settled, again.Verdict)
		require.Equal(t, concluded("J:1"), again.Record)
	}
	require.True(t, recordOne(t, one, "held", held.Token, concluded("J:1")), "who held a claim at the loss knows best")
	whole, err := newUnarmed(t, client).Ensure(ctx)
	require.NoError(t, err)
	require.True(t, whole)
}

func newUnarmed(t require.TestingT, client redis.UniversalClient) *Store {
	s, err := New(client, Config{Prefix: "t", Worker: "three", Lease: testLease, Window: testKeep})
	require.NoError(t, err)
	return s
}

func TestNothingIsTakenBeforeEnsure(t *testing.T) {
	s := newUnarmed(t, open(t, redistest.Start(t)))
	_, err := s.Claim(t.Context(), []dispatch.ClaimRequest{ask("j")})
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	require.Error(t, s.Rearm(t.Context(), nil))
	_, err = s.Restore(t.Context(), []Entry{{"shop", "j", concluded("J:1"), testKeep}})
	require.Error(t, err)
}

func restoreKeepsTheNewest(t *testing.T, client redis.UniversalClient) {
	s := newUnarmed(t, client)
	_, err := s.Ensure(t.Context())
	require.NoError(t, err)
	at := func(epoch, sequence int) Entry {
		return Entry{"shop", "j", dispatch.Record{Phase: dispatch.Waiting, Epoch: epoch, Sequence: sequence, Hash: "h", Publication: "J:1", Hop: 1}, testKeep}
	}
	for _, step := range []struct{ epoch, sequence, wrote, standing int }{{0, 9, 1, 9}, {0, 8, 0, 9}, {0, 9, 0, 9}, {0, 10, 1, 10}, {1, 1, 1, 1}, {0, 99, 0, 1}} {
		wrote, err := s.Restore(t.Context(), []Entry{at(step.epoch, step.sequence)})
		require.NoError(t, err)
		require.Equal(t, step.wrote, wrote)
		require.Equal(t, step.standing, stands(t, s, "j").Record.Sequence)
	}
	many := make([]Entry, 2*callKeys+1)
	for i := range many {
		many[i] = at(0, 1)
		many[i].ID = fmt.Sprint(i)
	}
	wrote, err := s.Restore(t.Context(), many)
	require.NoError(t, err)
	require.Equal(t, len(many), wrote)
	require.NoError(t, s.Rearm(t.Context(), nil))

	req := ask("j")
	req.Hop, req.Epoch = 1, 1
	c := claimOne(t, s, req)
	require.Equal(t, dispatch.Taken, c.Verdict)
	require.True(t, recordOne(t, s, "j", c.Token, concluded("J:1")))
	require.False(t, recordOne(t, s, "j", "zombie.1.0;", at(1, 5).Record), "recorded since, so no longer a rebuilt one")
	require.True(t, recordOne(t, s, "0", "zombie.1.0;", concluded("J:1")), "held at the loss")
}

// The records of a version that kept them otherwise count as lost.
func TestAnotherVersionsGuard(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "one")
	guard, err := client.Get(t.Context(), s.guardKey(0)).Result()
	require.NoError(t, err)
	parts := strings.Split(guard, ".")
	require.Len(t, parts, 4)
	require.NoError(t, client.Set(t.Context(), s.guardKey(0), strings.Join([]string{parts[0], parts[2], parts[3]}, "."), 0).Err())
	_, err = s.Claim(t.Context(), []dispatch.ClaimRequest{ask("j")})
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	whole, err := newUnarmed(t, client).Ensure(t.Context())
	require.NoError(t, err)
	require.False(t, whole)
}

// Terms are as long as the first worker wanted them, for all; a worker with another window finds the same records.
func TestAnotherWindow(t *testing.T) {
	client := open(t, redistest.Start(t))
	one, two := newStore(t, client, "one"), newStoreFor(t, client, "two", 100*testKeep)
	require.NotEqual(t, one.term, two.term)
	updates := take(t, one, packetOf(one, "p", packetSize))
	require.Equal(t, dispatch.Busy, claimOne(t, two, ask(updates[0].ID)).Verdict)
	require.Equal(t, all(packetSize, true), recordAll(t, one, updates))
	long := ask("long")
	long.Keep = 100 * testKeep
	c := claimOne(t, two, long)
	require.Equal(t, dispatch.Taken, c.Verdict)
	require.Equal(t, dispatch.Settled, claimOne(t, two, ask(updates[0].ID)).Verdict)
	require.Equal(t, dispatch.Busy, claimOne(t, one, long).Verdict)
}
