package claim

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// packetOf is n jobs of one shard, in their order.
func packetOf(s *Store, name string, n int) []dispatch.ClaimRequest {
	reqs := make([]dispatch.ClaimRequest, 0, n)
	for k := 0; len(reqs) < n; k++ {
		if r := ask(fmt.Sprint(name, k)); s.shard(r.Tenant, r.ID) == 0 {
			reqs = append(reqs, r)
		}
	}
	return reqs
}

// take claims a packet that nobody has, and returns what is to be recorded of it.
func take(t *testing.T, s *Store, reqs []dispatch.ClaimRequest) []dispatch.Update {
	t.Helper()
	claims, err := s.Claim(t.Context(), reqs)
	require.NoError(t, err)
	updates := make([]dispatch.Update, len(reqs))
	for i, r := range reqs {
		require.Equal(t, dispatch.Taken, claims[i].Verdict)
		updates[i] = dispatch.Update{Tenant: r.Tenant, ID: r.ID, Token: claims[i].Token, Record: concluded("J:1"), Keep: testKeep}
	}
	return updates
}

func recordAll(t *testing.T, s *Store, updates []dispatch.Update) []bool {
	t.Helper()
	got, err := s.Record(t.Context(), updates)
	require.NoError(t, err)
	return got
}

// all is n times ok, but for some.
func all(n int, ok bool, but ...int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = ok
	}
	for _, i := range but {
		out[i] = !ok
	}
	return out
}

const packetSize = 3*pageSize + 3 // some fill no page

// A packet lies in pages, and is recorded in them; to record it again is safe, to record anything else under its tokens impossible.
func packetsLieInPages(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, "one")
	updates := take(t, s, packetOf(s, "p", packetSize))
	require.Equal(t, all(packetSize, true), recordAll(t, s, updates))
	for i, u := range updates {
		p := placeOfJob(t, s, u.ID)
		require.Equal(t, i < 3*pageSize, p.page != "", i)
		require.Equal(t, u.Record, stands(t, s, u.ID).Record)
		require.GreaterOrEqual(t, lives(t, s, u.ID), testKeep-time.Minute)
	}
	require.Equal(t, all(packetSize, true), recordAll(t, s, updates), "they stand already")
	for i := range updates {
		updates[i].Record.Sequence++
	}
	require.Equal(t, all(packetSize, false), recordAll(t, s, updates), "the claims are over")
}

// Whoever took a job out of a page has it, before and after the rest is recorded.
func aJobLeavesItsPage(t *testing.T, client redis.UniversalClient) {
	one, two := newStore(t, client, "one"), newStore(t, client, "two")
	updates := take(t, one, packetOf(one, "p", packetSize))
	lapse(t, one, updates[3].ID)
	over := claimOne(t, two, ask(updates[3].ID))
	require.Equal(t, dispatch.TakenAmbiguous, over.Verdict)
	single := updates[pageSize]
	require.True(t, recordOne(t, one, single.ID, single.Token, single.Record), "ahead of the others")
	require.Equal(t, all(packetSize, true, 3), recordAll(t, one, updates))
	require.True(t, stands(t, two, updates[3].ID).held())
	require.True(t, recordOne(t, two, updates[3].ID, over.Token, concluded("J:1")))
	require.NotEmpty(t, placeOfJob(t, one, updates[2*pageSize].ID).page, "a page that nobody touched is one")
}

// An update whose answer was lost is written once, whatever a receipt did to it meanwhile.
func TestALostAnswerOfAPacket(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "one")
	updates := take(t, s, packetOf(s, "p", packetSize))
	d := &deaf{script: s.scripts.page, left: 1}
	client.AddHook(d)
	_, err := s.Record(t.Context(), updates)
	require.ErrorIs(t, err, errAnswerLost)
	known := knownOf(updates[5].ID, "submitted", 1)
	require.EqualValues(t, "delivered", advanceOne(t, s, stepTo(known, "delivered")).Event.State)
	require.Equal(t, all(packetSize, true, 5), recordAll(t, s, updates))
	require.Equal(t, 2, stands(t, s, updates[5].ID).Record.Sequence)
	require.Empty(t, placeOfJob(t, s, updates[5].ID).page, "a receipt takes its job out of the page")
	require.NotEmpty(t, placeOfJob(t, s, updates[4].ID).page)
}

// A page gives each record back as it was, however much of it the first one has in common.
func TestRecordsOfAPageComeBackAsTheyWere(t *testing.T) {
	s := newStore(t, open(t, redistest.Start(t)), "one")
	guards, err := s.armed()
	require.NoError(t, err)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		updates := take(t, s, packetOf(s, fmt.Sprint("r", round, "-"), pageSize))
		steps := make([]receipts.Step, pageSize)
		open := make([]int, pageSize)
		like := recordGen().Draw(r, "like")
		for i := range updates {
			updates[i].Record = like
			if rapid.Bool().Draw(r, "another") {
				updates[i].Record = recordGen().Draw(r, "record")
			}
			steps[i].Known.Tenant, steps[i].Known.Job, open[i] = updates[i].Tenant, updates[i].ID, i
		}
		held := func(record func(i int) dispatch.Record, token func(i int) string) {
			values, _, _, err := s.look(t.Context(), guards, steps, open)
			require.NoError(r, err)
			for i := range updates {
				require.NotEmpty(t, placeOfJob(t, s, updates[i].ID).page)
				f, err := decode(values[i])
				require.NoError(r, err)
				require.Equal(r, token(i), f.Token)
				require.Equal(r, record(i), f.Record)
			}
		}
		held(func(i int) dispatch.Record { q := ask(updates[i].ID); return fresh(&q, false) }, func(i int) string { return updates[i].Token })
		recordAll(t, s, updates)
		held(func(i int) dispatch.Record { return updates[i].Record }, func(int) string { return free })
	})
}

// Pages of the version before this one are still read: their records are whole.
func TestPagesOfTheVersionBefore(t *testing.T) {
	client := open(t, redistest.Start(t))
	s := newStore(t, client, "one")
	updates := take(t, s, packetOf(s, "p", 2*pageSize))
	earlier := func(id, head string) {
		p := placeOfJob(t, s, id)
		page := ""
		for i := range pageSize {
			front := ""
			if head == "@" {
				front = fmt.Sprint("@", i)
			}
			text := front + ";s0 0 0 0 - 1:h3:J:14:main0 "
			page += fmt.Sprint(len(text)) + ":" + text
		}
		require.NoError(t, client.HSet(t.Context(), p.key, p.value[:len(p.value)-2], page).Err())
	}
	earlier(updates[0].ID, "@")
	earlier(updates[pageSize].ID, ";")
	guards, err := s.armed()
	require.NoError(t, err)
	steps := make([]receipts.Step, len(updates))
	open := make([]int, len(updates))
	for i, u := range updates {
		steps[i].Known.Tenant, steps[i].Known.Job, open[i] = u.Tenant, u.ID, i
	}
	values, _, _, err := s.look(t.Context(), guards, steps, open)
	require.NoError(t, err)
	for i, u := range updates {
		f, err := decode(values[i])
		require.NoError(t, err)
		require.Equal(t, dispatch.Record{Phase: dispatch.Sending, Hash: "h", Publication: "J:1", Account: "main"}, f.Record)
		if i < pageSize {
			require.Equal(t, u.Token, f.Token)
		} else {
			require.Equal(t, free, f.Token)
		}
	}
}

// A page stays until the last of its jobs has left it, whether they left before it was recorded or after, one by one or together.
func aPageGoesWithItsLastJob(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, "one")
	updates := take(t, s, packetOf(s, "p", packetSize))
	pages := func() (n int) {
		for i := range 3 {
			p := placeOfJob(t, s, updates[packetSize-1].ID) // it lies in no page, and in the same hash
			there, err := client.HExists(t.Context(), p.key, fmt.Sprint("@1.", i)).Result()
			require.NoError(t, err)
			if there {
				n++
			}
		}
		return n
	}
	require.True(t, recordOne(t, s, updates[0].ID, updates[0].Token, updates[0].Record))
	recordAll(t, s, updates)
	require.Equal(t, 2, pages(), "the first was recorded job by job")
	deliver := func(some []dispatch.Update) {
		steps := make([]receipts.Step, len(some))
		for i, u := range some {
			steps[i] = stepTo(knownOf(u.ID, "submitted", 1), "delivered")
		}
		out, err := s.Advance(t.Context(), steps)
		require.NoError(t, err)
		for i := range out {
			require.Equal(t, receipts.Advanced, out[i].Verdict)
		}
	}
	second := updates[pageSize : 2*pageSize]
	deliver(second[:3])
	deliver(second[3:7])
	require.Equal(t, 2, pages())
	require.Equal(t, 1, stands(t, s, second[7].ID).Record.Sequence)
	deliver(updates[2*pageSize-1 : 3*pageSize]) // the last of the second, and all of the third
	require.Zero(t, pages())
	for _, u := range updates[pageSize : 3*pageSize] {
		require.Equal(t, 2, stands(t, s, u.ID).Record.Sequence)
	}
}

// Pages are counted anew after a loss: one of before is not taken for one of after.
func aPageOfBeforeTheLoss(t *testing.T, client redis.UniversalClient) {
	one, two := newStore(t, client, "one"), newStore(t, client, "two")
	before := take(t, one, packetOf(one, "before", packetSize))
	lose(t, client)
	arm(t, two)
	after := take(t, two, packetOf(two, "after", packetSize))
	arm(t, one)
	require.Equal(t, all(packetSize, true), recordAll(t, one, before), "who held a claim knows best")
	for i := range after {
		require.Equal(t, after[i].Token, stands(t, two, after[i].ID).Token)
		require.Equal(t, before[i].Record, stands(t, one, before[i].ID).Record)
	}
	require.Equal(t, all(packetSize, true), recordAll(t, two, after))
}

// A worker whose clock is wrong goes by the server's.
func aWrongClock(t *testing.T, client redis.UniversalClient) {
	one, two := newStore(t, client, "one"), newStore(t, client, "two")
	one.ahead.Store(-5 * testKeep.Milliseconds())
	two.ahead.Store(1000 * testKeep.Milliseconds())
	updates := take(t, one, packetOf(one, "p", packetSize))
	require.Equal(t, dispatch.Busy, claimOne(t, two, ask(updates[0].ID)).Verdict)
	two.ahead.Store(-1000 * testKeep.Milliseconds())
	require.False(t, recordOne(t, two, updates[0].ID, "two.1.0;", concluded("J:1")))
	require.Equal(t, all(packetSize, true), recordAll(t, one, updates))
}

// A record outlives its keep by a term at most, and the hash of an ended term goes at once.
func TestTermsEnd(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	clock := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)
	server.SetTime(clock)
	s := newStore(t, client, "one")
	updates := take(t, s, packetOf(s, "p", packetSize))
	recordAll(t, s, updates)
	long := ask("long")
	long.Keep = 30 * testKeep
	claimOne(t, s, long)
	hashes := func() int { return len(keysOf(t, client, "t:claim:*")) }
	require.Equal(t, 2, hashes())
	for range 5 { // without FastForward nothing expires by itself
		clock = clock.Add(testKeep / 4)
		server.SetTime(clock)
		if clock.Sub(time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)) < testKeep {
			require.Equal(t, dispatch.Settled, claimOne(t, s, ask(updates[0].ID)).Verdict)
		}
	}
	clock = clock.Add(testKeep / 4)
	server.SetTime(clock)
	require.Equal(t, dispatch.Taken, claimOne(t, s, ask("new")).Verdict)
	require.Empty(t, placeOfJob(t, s, updates[0].ID).key)
	require.Equal(t, 2, hashes(), "one is new")

	// What is recorded under a later term moves there.
	over := ask("long")
	over.Account = ""
	lapse(t, s, "long")
	c := claimOne(t, s, over)
	require.NotEmpty(t, c.Token)
	require.True(t, recordOne(t, s, "long", c.Token, concluded("J:1")))
	require.Equal(t, 1, hashes(), "its hash was left empty")
}

// Records that outlive all terms have no end of their own.
func farAhead(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, "one")
	reqs := packetOf(s, "far", pageSize)
	for i := range reqs {
		reqs[i].Keep = 10_000 * testKeep
	}
	updates := take(t, s, reqs)
	p := placeOfJob(t, s, updates[0].ID)
	require.NotEmpty(t, p.page)
	require.Negative(t, client.PTTL(t.Context(), p.key).Val())
	require.Equal(t, all(pageSize, true), recordAll(t, s, updates))
	require.NotEqual(t, p.key, placeOfJob(t, s, updates[0].ID).key, "they aren't to live that long any more")
}
