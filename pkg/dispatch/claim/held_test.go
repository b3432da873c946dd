package claim

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
)

// What a worker holds when the records are lost may be sent by it, also where the server forgot that it had handed the job out and so no bound tells.
func heldAtALossIsAmbiguous(t *testing.T, client redis.UniversalClient) {
	one, two := newStore(t, client, "one"), newStore(t, client, "two")
	at := func(id string) dispatch.ClaimRequest {
		r := ask(id)
		r.Account = "a"
		return r
	}
	desk := ask("early")
	desk.Account = ""
	held, late, ended, early := claimOne(t, one, at("held")), claimOne(t, one, at("late")), claimOne(t, one, at("ended")), claimOne(t, one, desk)
	require.True(t, recordOne(t, one, "ended", ended.Token, concluded("J:1")))
	reqs := []dispatch.ClaimRequest{at("wiped")}
	_, err := one.Claim(t.Context(), reqs)
	require.NoError(t, err)
	clear(reqs) // the caller uses their memory again
	claimOne(t, two, at("over"))
	lapse(t, two, "over")
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, one, at("over")).Verdict)

	lose(t, client)
	for _, s := range []*Store{one, two} {
		whole, err := s.Ensure(t.Context())
		require.NoError(t, err)
		require.False(t, whole)
	}
	// What is known of it is less than that it may be out.
	_, err = two.Restore(t.Context(), []Entry{{"shop", "held", dispatch.Record{Phase: dispatch.Claimed, Hash: "h", Publication: "J:1"}, testKeep}})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, one.RestoreHeld(t.Context()))
	}
	require.NoError(t, two.RestoreHeld(t.Context()))
	_, err = two.Restore(t.Context(), []Entry{{"shop", "late", dispatch.Record{Phase: dispatch.Claimed, Hash: "h", Publication: "J:1"}, testKeep}})
	require.NoError(t, err)
	require.NoError(t, two.Rearm(t.Context(), nil))
	require.NoError(t, one.RestoreHeld(t.Context()), "it comes late")
	arm(t, one)

	require.True(t, recordOne(t, one, "late", late.Token, concluded("J:1")), "who holds it knows best")
	require.Equal(t, dispatch.Settled, claimOne(t, two, at("late")).Verdict)
	for _, id := range []string{"held", "over", "wiped"} {
		c := claimOne(t, two, at(id))
		require.Equal(t, dispatch.TakenAmbiguous, c.Verdict, id)
		require.Equal(t, "a", c.Record.Account, id)
	}
	require.False(t, recordOne(t, one, "held", held.Token, concluded("J:1")), "another one has it now")
	require.Equal(t, dispatch.Taken, claimOne(t, two, at("early")).Verdict, "it wasn't to be sent under that claim")
	require.Equal(t, dispatch.Taken, claimOne(t, two, at("ended")).Verdict, "not held any more: the status stream has it")
	require.False(t, recordOne(t, one, "early", early.Token, concluded("J:1")))
	require.Len(t, one.hands.entries(), 2, "all but over and wiped were answered for")
}

func TestPlaceOf(t *testing.T) {
	s := &Store{worker: "w.1"}
	for _, c := range []struct {
		number uint64
		place  int
		over   bool
	}{{1, 0, false}, {1 << 40, 999, true}} {
		number, place, ok := placeOf(s.worker, string(s.appendToken(nil, c.number, c.place, c.over)))
		require.True(t, ok)
		require.Equal(t, c.number, number)
		require.Equal(t, c.place, place)
	}
	for _, token := range []string{"", ";", "~;", "w.1", "w.1.;", "w.1.1;", "other.1.0;", "w.1.1.-1;"} {
		_, _, ok := placeOf(s.worker, token)
		require.False(t, ok, token)
	}
}
