package claim

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// again is a request of a delivery that the server sent before, at a place in queue q.
func again(id string, place uint64, account string) dispatch.ClaimRequest {
	r := ask(id)
	r.Redelivered, r.Account = dispatch.Place{Queue: "q", Sequence: place}, account
	return r
}

// A job that may have been under way at a loss is ambiguous, for workers that start later, too; and it stays so until it ends.
func underWayAtALossIsAmbiguous(t *testing.T, client redis.UniversalClient) {
	first := newUnarmed(t, client)
	whole, err := first.Ensure(t.Context())
	require.NoError(t, err)
	require.False(t, whole)
	waiting := dispatch.Record{Phase: dispatch.Waiting, Hop: 1, Attempts: 1, Sequence: 1, Hash: "h", Publication: "J:1"}
	atA := waiting
	atA.Account = "a"
	dead := dispatch.Record{Phase: dispatch.Dead, Attempts: 3, Sequence: 1, Hash: "h", Publication: "J:1", Account: "a"}
	_, err = first.Restore(t.Context(), []Entry{{"shop", "ended", concluded("J:1"), testKeep}, {"shop", "later", waiting, testKeep}, {"shop", "untouched", waiting, testKeep},
		{"shop", "at a", atA, testKeep}, {"shop", "replayed", dead, testKeep}})
	require.NoError(t, err)
	require.NoError(t, first.Rearm(t.Context(), map[string]uint64{"q": 10, "other": 99}))
	s := newStore(t, client, "two")

	for _, c := range []struct {
		name string
		req  dispatch.ClaimRequest
		want dispatch.Verdict
	}{
		{"within", again("within", 10, "a"), dispatch.TakenAmbiguous},
		{"beyond: it was delivered since", again("beyond", 11, "a"), dispatch.Taken},
		{"another queue", dispatch.ClaimRequest{Tenant: "shop", ID: "elsewhere", Hash: "h", Publication: "J:1", Redelivered: dispatch.Place{Queue: "new", Sequence: 1}, Keep: testKeep}, dispatch.Taken},
		{"sent for the first time", ask("new"), dispatch.Taken},
		{"an end is an end", again("ended", 1, "a"), dispatch.Settled},
		{"the copy that its record waits for", atHop(again("later", 1, "b"), 1), dispatch.TakenAmbiguous},
		{"that copy for the first time", atHop(ask("untouched"), 1), dispatch.Taken},
		{"a record that names the account", atHop(again("at a", 1, "b"), 1), dispatch.TakenAmbiguous},
		{"a replay", ofEpoch(again("replayed", 1, "a"), 1), dispatch.TakenAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := claimOne(t, s, c.req)
			require.Equal(t, c.want, got.Verdict)
			if c.want != dispatch.TakenAmbiguous {
				return
			}
			require.Equal(t, map[string]string{"at a": "a"}[c.req.ID], got.Record.Account, "which account has it")
			require.Equal(t, map[string]int{"within": 1, "later": 2, "at a": 2, "replayed": 1}[c.req.ID], got.Record.Attempts, "the one before the loss counts")
			require.Equal(t, c.req.Hop, got.Record.Hop)
			require.Equal(t, dispatch.Sending, stands(t, s, c.req.ID).Record.Phase)
			require.Equal(t, dispatch.Busy, claimOne(t, s, c.req).Verdict)
			lapse(t, s, c.req.ID)
			over := claimOne(t, s, c.req)
			require.Equal(t, dispatch.TakenAmbiguous, over.Verdict)
			require.Equal(t, got.Record.Attempts+1, over.Record.Attempts)
			released := over.Record
			released.Phase, released.Hash, released.Publication = dispatch.Sending, "h", "J:1"
			require.True(t, recordOne(t, s, c.req.ID, over.Token, released))
			free := claimOne(t, s, c.req)
			require.Equal(t, dispatch.TakenAmbiguous, free.Verdict)
			require.Equal(t, over.Record.Attempts, free.Record.Attempts, "a release costs no attempt")
		})
	}

	// A claim without an account keeps what is not known.
	c := claimOne(t, s, again("nowhere", 3, ""))
	require.Equal(t, dispatch.TakenAmbiguous, c.Verdict)
	lapse(t, s, "nowhere")
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, s, ask("nowhere")).Verdict)

	// The next loss has bounds of its own.
	lose(t, client)
	whole, err = first.Ensure(t.Context())
	require.NoError(t, err)
	require.False(t, whole)
	require.NoError(t, first.Rearm(t.Context(), map[string]uint64{"q": 11}))
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, first, again("x", 11, "a")).Verdict)
	require.Equal(t, dispatch.Taken, claimOne(t, first, again("y", 12, "a")).Verdict)
}

func atHop(r dispatch.ClaimRequest, hop int) dispatch.ClaimRequest { r.Hop = hop; return r }

func ofEpoch(r dispatch.ClaimRequest, epoch int) dispatch.ClaimRequest { r.Epoch = epoch; return r }

// Of two workers that rebuilt at once, the bounds of the faster count for both.
func theFasterBoundsCount(t *testing.T, client redis.UniversalClient) {
	one, two := newUnarmed(t, client), newUnarmed(t, client)
	for _, s := range []*Store{one, two} {
		_, err := s.Ensure(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, one.Rearm(t.Context(), map[string]uint64{"q": 5}))
	require.NoError(t, two.Rearm(t.Context(), map[string]uint64{"q": 8}))
	for i, s := range []*Store{one, two} {
		require.Equal(t, dispatch.Taken, claimOne(t, s, again("beyond"+string(rune('0'+i)), 6, "a")).Verdict)
		require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, s, again("within"+string(rune('0'+i)), 5, "a")).Verdict)
	}
}

// Where a part of the records is lost, the bounds are renewed though their own shard is whole.
func aPartIsLost(t *testing.T, client redis.UniversalClient) {
	s := newUnarmed(t, client)
	if s.shards == 1 {
		t.Skip("there are no parts")
	}
	arm(t, s)
	require.NoError(t, client.Del(t.Context(), s.guardKey(7)).Err())
	whole, err := s.Ensure(t.Context())
	require.NoError(t, err)
	require.False(t, whole)
	require.NoError(t, s.Rearm(t.Context(), map[string]uint64{"q": 5}))
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, s, again("j", 5, "a")).Verdict)
	require.Equal(t, dispatch.TakenAmbiguous, claimOne(t, newStore(t, client, "two"), again("k", 5, "a")).Verdict)
}

func oneLeads(t *testing.T, client redis.UniversalClient) {
	one, two := newUnarmed(t, client), newUnarmed(t, client)
	one.worker, two.worker = "one", "two"
	leads := func(s *Store, d time.Duration, want bool) {
		t.Helper()
		got, err := s.Lead(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	leads(one, time.Hour, true)
	leads(two, time.Hour, false)
	leads(one, time.Hour, true)
	require.NoError(t, two.Leave(t.Context()))
	leads(two, time.Hour, false)
	require.NoError(t, one.Leave(t.Context()))
	leads(two, time.Hour, true)
	ttl, err := client.PTTL(t.Context(), two.leaderKey()).Result()
	require.NoError(t, err)
	require.Greater(t, ttl, time.Minute, "it ends by itself")
}

func TestBoundsText(t *testing.T) {
	b := bounds{"S/one": 1, "S/two": 1<<63 + 7, "T/three": 0}
	back, err := readBounds(b.text())
	require.NoError(t, err)
	require.Equal(t, b, back)
	back, err = readBounds("")
	require.NoError(t, err)
	require.Empty(t, back)
	for _, bad := range []any{nil, int64(1), "x", "12", "-1 q\n", "1q\n"} {
		_, err := readBounds(bad)
		require.Error(t, err, bad)
	}
}

func TestEntryOf(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000).UTC()
	const window = 72 * time.Hour
	event := func(change func(*dispatch.Event)) *dispatch.Event {
		e := &dispatch.Event{Event: job.Event{Job: "j", Tenant: "shop", State: job.Submitted, Sequence: 3, At: now.Add(-time.Hour), Account: "a", ProviderID: "7"},
			Hash: "h", Publication: "J:1", Epoch: 2}
		change(e)
		return e
	}
	for _, c := range []struct {
		state   job.State
		code    job.Code
		maybe   string
		phase   dispatch.Phase
		account string
	}{
		{job.Submitted, "", "", dispatch.Concluded, "a"},
		{job.Delivered, "", "", dispatch.Concluded, "a"},
		{job.Undelivered, "", "", dispatch.Concluded, "a"},
		{job.Rejected, "", "", dispatch.Concluded, "a"},
		{job.Expired, "", "", dispatch.Concluded, "a"},
		{job.Failed, job.Unavailable, "", dispatch.Dead, "a"},
		{job.Unknown, job.Ambiguous, "", dispatch.Dead, "a"},
		{job.Unknown, job.NoReceipt, "", dispatch.Concluded, "a"},
		{job.Scheduled, "", "", dispatch.Waiting, ""},
		{job.Retrying, job.Unavailable, "", dispatch.Waiting, ""},
		{job.Retrying, job.Ambiguous, "b", dispatch.Waiting, "b"},
		{job.Waiting, job.InsufficientFunds, "", dispatch.Claimed, ""},
		{job.Waiting, job.InsufficientFunds, "b", dispatch.Sending, "b"},
		{"of the next version", "", "b", dispatch.Sending, "b"},
	} {
		e := event(func(e *dispatch.Event) {
			e.State, e.Maybe, e.Hop, e.Attempts, e.Due, e.Told = c.state, c.maybe, 4, 5, now.Add(time.Minute), []string{"x@a"}
			if c.code != "" {
				e.Error = &job.Reason{Code: c.code}
			}
		})
		got, ok := EntryOf(e, now, window)
		require.True(t, ok)
		require.Equal(t, Entry{Tenant: "shop", ID: "j", Keep: window + time.Minute, Record: dispatch.Record{Phase: c.phase, Epoch: 2, Hop: 4, Attempts: 5, Sequence: 3,
			Hash: "h", Publication: "J:1", Account: c.account, Due: now.Add(time.Minute), Told: []string{"x@a"}, Last: &e.Event, Published: true}}, got, "%+v", c)
	}
	got, ok := EntryOf(event(func(*dispatch.Event) {}), now, window)
	require.True(t, ok)
	require.Equal(t, window-time.Hour, got.Keep)
	for name, change := range map[string]func(*dispatch.Event){
		"of no job":      func(e *dispatch.Event) { e.Sequence = 0 },
		"no hash":        func(e *dispatch.Event) { e.Hash = "" },
		"no publication": func(e *dispatch.Event) { e.Publication = "" },
		"too old":        func(e *dispatch.Event) { e.At = now.Add(-window) },
	} {
		_, ok := EntryOf(event(change), now, window)
		require.False(t, ok, name)
	}
	for _, state := range job.States() {
		if state != job.Duplicate {
			_, ok := EntryOf(event(func(e *dispatch.Event) { e.State = state }), now, window)
			require.True(t, ok, state)
		}
	}
}
