package claim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// TestOnAllServers runs on a real Redis, on a cluster, and on the imitation that the sandbox uses.
func TestOnAllServers(t *testing.T) {
	all := func(t *testing.T, client redis.UniversalClient) {
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		for _, test := range []struct {
			name string
			run  func(*testing.T, redis.UniversalClient)
		}{
			{"the life of a record", theLifeOfARecord},
			{"a batch answers one to one", aBatchAnswersOneToOne},
			{"taking over in a batch", takingOverInABatch},
			{"scripts that the server forgot", scriptsThatTheServerForgot},
			{"a loss stops all until rebuilt", aLossStopsAllUntilRebuilt},
			{"restore keeps the newest", restoreKeepsTheNewest},
			{"events are confirmed", eventsAreConfirmed},
			{"under way at a loss is ambiguous", underWayAtALossIsAmbiguous},
			{"the faster bounds count", theFasterBoundsCount},
			{"a part is lost", aPartIsLost},
			{"one leads", oneLeads},
			{"held at a loss", heldAtALossIsAmbiguous},
			{"packets lie in pages", packetsLieInPages},
			{"a job leaves its page", aJobLeavesItsPage},
			{"a page goes with its last job", aPageGoesWithItsLastJob},
			{"a page of before the loss", aPageOfBeforeTheLoss},
			{"a wrong clock", aWrongClock},
			{"far ahead", farAhead},
		} {
			lose(t, client)
			t.Run(test.name, func(t *testing.T) { test.run(t, client) })
		}
	}
	t.Run("redis", func(t *testing.T) { all(t, redistest.Start(t).Client()) })
	t.Run("cluster", func(t *testing.T) {
		all(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.StartCluster(t).Addr}, MaxRetries: -1, ContextTimeoutEnabled: true}))
	})
	t.Run("miniredis", func(t *testing.T) {
		all(t, redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), MaxRetries: -1}))
	})
}

// lose makes the server forget everything.
func lose(t *testing.T, client redis.UniversalClient) {
	wipe := func(ctx context.Context, node *redis.Client) error { return node.FlushDB(ctx).Err() }
	if c, ok := client.(*redis.ClusterClient); ok {
		require.NoError(t, c.ForEachMaster(t.Context(), wipe))
		return
	}
	require.NoError(t, client.FlushDB(t.Context()).Err())
}

func theLifeOfARecord(t *testing.T, client redis.UniversalClient) {
	one, two := newStore(t, client, "one"), newStore(t, client, "two")

	first := claimOne(t, one, ask("j"))
	require.Equal(t, dispatch.Taken, first.Verdict)
	require.Zero(t, first.Record)
	require.Equal(t, dispatch.Record{Phase: dispatch.Sending, Hash: "h", Publication: "J:1", Account: "a"}, stands(t, one, "j").Record)

	busy := claimOne(t, two, ask("j"))
	require.Equal(t, dispatch.Busy, busy.Verdict)
	require.WithinDuration(t, time.Now().Add(testLease), busy.Until, time.Minute)
	require.Empty(t, busy.Token)
	require.Equal(t, dispatch.Busy, claimOne(t, one, ask("j")).Verdict, "not even for the worker that holds it")

	lapse(t, one, "j")
	second := claimOne(t, one, ask("j"))
	require.Equal(t, dispatch.TakenAmbiguous, second.Verdict)
	require.NotEqual(t, first.Token, second.Token)
	require.Equal(t, 1, second.Record.Attempts, "the attempt that was under way")
	require.False(t, recordOne(t, one, "j", first.Token, concluded("J:1")), "the same worker's former claim")

	waiting := second.Record
	waiting.Phase, waiting.Hop, waiting.Due, waiting.Account = dispatch.Waiting, 1, time.Unix(1_790_000_000, 123_456_789).UTC(), ""
	require.True(t, recordOne(t, one, "j", second.Token, waiting))
	require.True(t, recordOne(t, one, "j", second.Token, waiting), "it stands already")
	require.False(t, recordOne(t, one, "j", second.Token, concluded("J:1")), "the claim is over")

	again := claimOne(t, two, ask("j"))
	require.Equal(t, dispatch.Settled, again.Verdict)
	require.Equal(t, waiting, again.Record)

	other := ask("j")
	other.Publication = "J:2"
	require.Equal(t, dispatch.Duplicate, claimOne(t, two, other).Verdict)
	other.Hash = "g"
	require.Equal(t, dispatch.Reused, claimOne(t, two, other).Verdict)

	later := ask("j")
	later.Hop = 1
	third := claimOne(t, two, later)
	require.Equal(t, dispatch.Taken, third.Verdict)
	require.Equal(t, waiting, third.Record)
	require.Equal(t, dispatch.Stale, claimOne(t, one, ask("j")).Verdict)
	dead := concluded("J:1")
	dead.Phase, dead.Hop, dead.Sequence = dispatch.Dead, 1, 2
	require.True(t, recordOne(t, two, "j", third.Token, dead))
	require.Equal(t, dispatch.Settled, claimOne(t, one, later).Verdict)

	replay := ask("j")
	replay.Epoch, replay.Publication = 1, "J:7"
	require.Equal(t, dispatch.Taken, claimOne(t, one, replay).Verdict)
	require.Equal(t, dispatch.Busy, claimOne(t, two, replay).Verdict)
	require.Equal(t, dispatch.Duplicate, claimOne(t, two, askAs("J:1")).Verdict)
}

// A replay out of a dead letter that outlived the record of its job, or found it behind, goes on by the numbers of the letter.
func TestAReplayKnowsItsSequence(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "one")
	replay := ask("old")
	replay.Epoch, replay.Sequence = 1, 7
	require.Equal(t, 7, claimOne(t, s, replay).Record.Sequence)
	require.Equal(t, 7, stands(t, s, "old").Record.Sequence)

	for found, want := range map[int]int{3: 7, 7: 7, 9: 9} {
		id := fmt.Sprint("behind", found)
		dead := concluded("J:1")
		dead.Phase, dead.Sequence = dispatch.Dead, found
		require.True(t, recordOne(t, s, id, claimOne(t, s, ask(id)).Token, dead))
		replay := ask(id)
		replay.Epoch, replay.Sequence = 1, 7
		require.Equal(t, want, claimOne(t, s, replay).Record.Sequence)
		require.Equal(t, want, stands(t, s, id).Record.Sequence)
	}
}

func askAs(publication string) dispatch.ClaimRequest {
	r := ask("j")
	r.Publication = publication
	return r
}

func aBatchAnswersOneToOne(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, "one")
	reqs := make([]dispatch.ClaimRequest, 2*callKeys+500) // several calls
	for i := range reqs {
		reqs[i] = ask(fmt.Sprint(i))
		if i%3 == 0 {
			reqs[i].Keep += time.Duration(i) * time.Second
		}
	}
	reqs[7], reqs[9] = reqs[5], reqs[5] // the same job three times
	reqs[9].Publication = "J:2"
	got, err := s.Claim(t.Context(), reqs)
	require.NoError(t, err)
	tokens := map[string]bool{}
	updates := make([]dispatch.Update, len(reqs))
	for i, c := range got {
		switch i {
		case 7:
			require.Equal(t, dispatch.Busy, c.Verdict)
		case 9:
			require.Equal(t, dispatch.Duplicate, c.Verdict)
		default:
			require.Equal(t, dispatch.Taken, c.Verdict)
			require.False(t, tokens[c.Token])
			tokens[c.Token] = true
		}
		updates[i] = dispatch.Update{Tenant: "shop", ID: reqs[i].ID, Token: c.Token, Record: concluded("J:1"), Keep: reqs[i].Keep}
	}
	updates[11].Token = got[12].Token
	kept, err := s.Record(t.Context(), updates)
	require.NoError(t, err)
	for i, ok := range kept {
		require.Equal(t, i != 7 && i != 9 && i != 11, ok, "%d", i)
	}
	for _, i := range []int{0, 1, 999, 1002} {
		left := lives(t, s, reqs[i].ID)
		require.Greater(t, left, reqs[i].Keep-time.Minute)
		if i%3 > 0 { // the others outlive the fine terms
			require.Less(t, left, reqs[i].Keep+s.term)
		}
		require.Less(t, left, reqs[i].Keep+coarseTerm*s.term)
	}
	none, err := s.Claim(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func takingOverInABatch(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, "one")
	var reqs []dispatch.ClaimRequest
	for i := range 200 {
		reqs = append(reqs, ask(fmt.Sprint(i)))
	}
	_, err := s.Claim(t.Context(), reqs)
	require.NoError(t, err)
	for i := range 100 {
		lapse(t, s, fmt.Sprint(2*i))
	}
	reqs = append(reqs, reqs[2]) // twice: one takes it over
	got, err := s.Claim(t.Context(), reqs)
	require.NoError(t, err)
	for i, c := range got {
		want := dispatch.Busy
		if i%2 == 0 && i < 200 {
			want = dispatch.TakenAmbiguous
			require.Equal(t, c.Token, stands(t, s, reqs[i].ID).Token)
		}
		require.Equal(t, want, c.Verdict, "%d", i)
	}
}

// TestALostAnswer: the server took the jobs, the connection broke, and the repeated try finds this call's own tokens.
func TestALostAnswer(t *testing.T) {
	server := redistest.Start(t)
	client := open(t, server)
	s := newStore(t, client, "one")
	d := &deaf{script: s.scripts.claim, left: 2}
	client.AddHook(d)
	got := claimOne(t, s, ask("j"))
	require.Equal(t, 2, d.lost)
	require.Equal(t, dispatch.Taken, got.Verdict)
	require.Equal(t, got.Token, stands(t, s, "j").Token)

	lapse(t, s, "j")
	d.script, d.left = s.scripts.swap, 1
	got = claimOne(t, s, ask("j"))
	require.Equal(t, 3, d.lost)
	require.Equal(t, dispatch.TakenAmbiguous, got.Verdict)
	require.Equal(t, got.Token, stands(t, s, "j").Token)

	d.script, d.left = s.scripts.record, 1
	update := []dispatch.Update{{Tenant: "shop", ID: "j", Token: got.Token, Record: concluded("J:1"), Keep: testKeep}}
	_, err := s.Record(t.Context(), update)
	require.ErrorIs(t, err, errAnswerLost)
	kept, err := s.Record(t.Context(), update)
	require.NoError(t, err)
	require.Equal(t, []bool{true}, kept)
}

func TestAClaimEndsWithItsContext(t *testing.T) {
	server := redistest.Start(t)
	s := newStore(t, open(t, server), "one")
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Claim(ctx, []dispatch.ClaimRequest{ask("j")})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotContains(t, err.Error(), "shop")
	_, err = s.Record(ctx, []dispatch.Update{{Tenant: "shop", ID: "j", Token: "t;", Record: concluded("J:1"), Keep: testKeep}})
	require.Error(t, err)
}

func scriptsThatTheServerForgot(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, "one")
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	first := claimOne(t, s, ask("j"))
	require.Equal(t, dispatch.Taken, first.Verdict)
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	require.True(t, recordOne(t, s, "j", first.Token, concluded("J:1")))
}

func TestAnUnreadableRecordIsBusy(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "one")
	claimOne(t, s, ask("j"))
	require.NoError(t, client.HSet(t.Context(), placeOfJob(t, s, "j").key, "shop:j", "from a later version").Err())
	got := claimOne(t, s, ask("j"))
	require.Equal(t, dispatch.Busy, got.Verdict)
	require.False(t, got.Until.IsZero())
	require.False(t, recordOne(t, s, "j", "", concluded("J:1")))
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{{Worker: "", Lease: time.Second, Window: time.Hour}, {Worker: "a;b", Lease: time.Second, Window: time.Hour}, {Worker: "a", Lease: 0, Window: time.Hour},
		{Worker: "a", Lease: time.Second}} {
		_, err := New(nil, cfg)
		require.Error(t, err)
	}
}

func eventsAreConfirmed(t *testing.T, client redis.UniversalClient) {
	one := newStore(t, client, "one")
	c := claimOne(t, one, ask("j"))
	waiting := dispatch.Record{Phase: dispatch.Claimed, Hash: "h", Publication: "J:1", Sequence: 1, Told: []string{"unauthorized"},
		Last: &job.Event{State: job.Waiting, Sequence: 1}}
	u := dispatch.Update{Tenant: "t", ID: "j", Token: c.Token, Record: waiting, Keep: time.Hour}
	u.Tenant = ask("j").Tenant
	held, err := one.Record(t.Context(), []dispatch.Update{u})
	require.NoError(t, err)
	require.Equal(t, []bool{true}, held)
	require.False(t, stands(t, one, "j").Record.Published)
	require.NoError(t, one.Confirm(t.Context(), []dispatch.Update{u}))
	require.True(t, stands(t, one, "j").Record.Published)

	// Somebody took the job meanwhile: what stands now is theirs.
	next := claimOne(t, one, ask("j"))
	require.True(t, next.Record.Published)
	require.NoError(t, one.Confirm(t.Context(), []dispatch.Update{u}))
	require.True(t, recordOne(t, one, "j", next.Token, concluded("J:1")))
	require.NoError(t, one.Confirm(t.Context(), []dispatch.Update{u}))
	require.Equal(t, dispatch.Concluded, stands(t, one, "j").Record.Phase)
}
