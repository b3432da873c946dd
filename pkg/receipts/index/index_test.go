package index

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

const hour = time.Hour

// at is a time that stands in entries.
func at() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func entry(key string, state job.State, sequence int) receipts.Entry {
	e := receipts.Entry{Key: key, Sent: at(), Ask: at().Add(hour), Until: at().Add(2 * hour)}
	e.Event = &dispatch.Event{Hash: "0123456789abcdef0123456789abcdef", Publication: "DISPATCH_JOBS_NORMAL:1", Event: job.Event{Job: "j" + key, Tenant: "shop", Route: "otp",
		Lane: job.Normal, Channel: job.SMS, State: state, Sequence: sequence, Attempt: 1, Account: "main", Provider: "prostor", Segments: 1, Cost: "2.35", Currency: "RUB"}}
	if key[0] == 'i' {
		e.Event.ProviderID = key[1:]
	}
	return e
}

func receipt(id, client string, state providers.ReceiptState) receipts.Receipt {
	return receipts.Receipt{ID: id, ClientID: client, State: state, Status: state.String(), Came: at()}
}

// onServers runs a test on one server and in a cluster, which refuses keys of several slots in one call.
func onServers(t *testing.T, test func(t *testing.T, x *Redis)) {
	t.Parallel() // a cluster is slow to start
	t.Run("one server", func(t *testing.T) {
		c := redistest.Start(t).Client()
		t.Cleanup(func() { _ = c.Close() })
		test(t, New(c, "t", "one"))
	})
	t.Run("cluster", func(t *testing.T) {
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.StartCluster(t).Addr}, MaxRetries: -1, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = c.Close() })
		test(t, New(c, "t", "one"))
	})
}

// onAll runs it on the sandbox's imitation, too, whose time stands still.
func onAll(t *testing.T, test func(t *testing.T, x *Redis)) {
	onServers(t, test)
	t.Run("miniredis", func(t *testing.T) {
		c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), MaxRetries: -1})
		t.Cleanup(func() { _ = c.Close() })
		test(t, New(c, "t", "one"))
	})
}

func TestTheIndexIsNoneBeforeItIsMade(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		ctx := t.Context()
		unfit := func() {
			t.Helper()
			_, err := x.Match(ctx, "main", []receipts.Receipt{receipt("A", "", providers.Delivered)}, hour)
			require.ErrorIs(t, err, receipts.ErrUnfit)
			_, err = x.Due(ctx, "main", at(), 1)
			require.ErrorIs(t, err, receipts.ErrUnfit)
		}
		isWhole := func(want bool) {
			t.Helper()
			is, err := x.Whole(ctx, "main")
			require.NoError(t, err)
			require.Equal(t, want, is)
		}
		isWhole(false)
		unfit()
		require.ErrorIs(t, x.Settle(ctx, "main", []receipts.Entry{entry("iA", job.Delivered, 2)}), receipts.ErrUnfit)
		first, err := x.Begin(ctx, "main")
		require.NoError(t, err)
		isWhole(false)
		unfit()
		_, err = x.Put(ctx, "main", []receipts.Entry{entry("iA", job.Submitted, 1)})
		require.NoError(t, err)
		unfit()
		second, err := x.Begin(ctx, "main")
		require.NoError(t, err)
		require.ErrorIs(t, x.End(ctx, "main", first), receipts.ErrUnfit, "another worker began once more")
		unfit()
		for range 2 { // the answer may be lost
			require.NoError(t, x.End(ctx, "main", second))
			isWhole(true)
		}
		found, err := x.Match(ctx, "main", []receipts.Receipt{receipt("A", "", providers.Delivered)}, hour)
		require.NoError(t, err)
		require.Equal(t, "jiA", found[0].Event.Job)
	})
}

// made is a whole index.
func made(t testing.TB, x *Redis) {
	ticket, err := x.Begin(t.Context(), "main")
	require.NoError(t, err)
	require.NoError(t, x.End(t.Context(), "main", ticket))
}

// Of the receipts that come before their message the one that says most waits for it, by either name, until it is unparked.
func TestParkedReceipts(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		ctx := t.Context()
		made(t, x)
		better := receipt("A", "C", providers.Delivered)
		for _, r := range []receipts.Receipt{receipt("A", "", providers.Undelivered), better, receipt("A", "", providers.Untold)} {
			found, err := x.Match(ctx, "main", []receipts.Receipt{r}, hour)
			require.NoError(t, err)
			require.Nil(t, found[0])
		}
		for _, key := range []string{"iA", "cC"} {
			parked, err := x.Put(ctx, "main", []receipts.Entry{entry("iB", job.Submitted, 1), entry(key, job.Submitted, 1)})
			require.NoError(t, err)
			require.Equal(t, []receipts.Receipt{better}, parked)
		}
		require.NoError(t, x.Unpark(ctx, "main", []receipts.Receipt{better}))
		parked, err := x.Put(ctx, "main", []receipts.Entry{entry("iA", job.Submitted, 1), entry("cC", job.Submitted, 1)})
		require.NoError(t, err)
		require.Empty(t, parked)
	})
}

// More than one call's worth comes back one to one, and the latest of a message's events stays.
func TestManyMessages(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		ctx := t.Context()
		made(t, x)
		const n = 1300
		entries := make([]receipts.Entry, n)
		rows := make([]receipts.Receipt, 2*n)
		for i := range entries {
			entries[i] = entry(receipts.ByID(fmt.Sprint(i)), job.Submitted, 1)
			rows[2*i] = receipt(fmt.Sprint(i), fmt.Sprint("C", i), providers.Delivered)
			rows[2*i+1] = receipt(fmt.Sprint("none", i), "", providers.Delivered)
		}
		_, err := x.Put(ctx, "main", entries)
		require.NoError(t, err)
		found, err := x.Match(ctx, "main", rows, hour)
		require.NoError(t, err)
		for i := range entries {
			require.Equal(t, entries[i].Event, found[2*i].Event)
			require.Nil(t, found[2*i+1])
		}
		waiting, newest, err := x.Look(ctx, "main")
		require.NoError(t, err)
		require.Equal(t, n, waiting)
		require.WithinDuration(t, entries[n-1].Sent, newest, time.Millisecond)

		for i := range entries {
			entries[i].Event.State, entries[i].Event.Sequence, entries[i].Ask = job.Delivered, 2, time.Time{}
		}
		require.NoError(t, x.Settle(ctx, "main", entries))
		_, err = x.Put(ctx, "main", []receipts.Entry{entry("i0", job.Submitted, 1)})
		require.NoError(t, err)
		_, err = x.Put(ctx, "main", entries[:1]) // as where an index is made over one that stands
		require.NoError(t, err)
		found, err = x.Match(ctx, "main", rows[:1], hour)
		require.NoError(t, err)
		require.Equal(t, job.Delivered, found[0].Event.State)
		require.Equal(t, 2, found[0].Event.Sequence)
		waiting, _, err = x.Look(ctx, "main")
		require.NoError(t, err)
		require.Zero(t, waiting)
	})
}

func TestDue(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		ctx := t.Context()
		made(t, x)
		old, young, over := entry("iold", job.Submitted, 1), entry("iyoung", job.Submitted, 1), entry("iover", job.Submitted, 1)
		old.Ask, over.Ask = at().Add(-hour), at().Add(-2*hour)
		over.Sent, over.Until = at().Add(-240*hour), at().Add(-200*hour)
		_, err := x.Put(ctx, "main", []receipts.Entry{young, old, over})
		require.NoError(t, err)
		due, err := x.Due(ctx, "main", at(), 10)
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.Equal(t, old.Event, due[0].Event)
		require.Equal(t, old.Ask, due[0].Ask)
		waiting, _, err := x.Look(ctx, "main")
		require.NoError(t, err)
		require.Equal(t, 2, waiting, "what is forgotten waits no more")
		due[0].Ask = at().Add(hour)
		require.NoError(t, x.Postpone(ctx, "main", append(due, over)))
		due, err = x.Due(ctx, "main", at(), 10)
		require.NoError(t, err)
		require.Empty(t, due)
	})
}

func TestLeases(t *testing.T) {
	onServers(t, func(t *testing.T, x *Redis) {
		ctx := t.Context()
		other := New(x.client, "t", "other")
		hold := func(x *Redis) bool {
			held, err := x.Hold(ctx, "queue:main", hour)
			require.NoError(t, err)
			return held
		}
		require.True(t, hold(x))
		require.True(t, hold(x))
		require.False(t, hold(other))
		require.NoError(t, other.Release(ctx, "queue:main"))
		require.False(t, hold(other))
		require.NoError(t, x.Release(ctx, "queue:main"))
		require.True(t, hold(other))
		_, err := other.Hold(ctx, "queue:main", time.Millisecond)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return hold(x) }, 10*time.Second, time.Millisecond)
	})
}

// What an entry says comes back as it was, but for what only the index's other keys hold.
func TestEntriesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		key := rapid.SampledFrom([]string{"iA", "cC"}).Draw(t, "key")
		e := entry(key, rapid.SampledFrom([]job.State{job.Submitted, job.Unknown, job.Undelivered}).Draw(t, "state"), rapid.IntRange(1, 99).Draw(t, "sequence"))
		e.Ask, e.Until = time.Time{}, time.Time{}
		ev := e.Event
		ev.Epoch, ev.Segments = rapid.IntRange(0, 9).Draw(t, "epoch"), rapid.IntRange(0, 99).Draw(t, "segments")
		for _, s := range []*string{&ev.Tenant, &ev.Job, &ev.Cost, &ev.Publication, &ev.Trace.Parent, &ev.Trace.State} {
			*s = text.Draw(t, "text")
		}
		if key == "cC" {
			ev.ProviderID = text.Draw(t, "id")
		}
		if m := rapid.MapOfN(text, text, 0, 4).Draw(t, "metadata"); len(m) > 0 {
			ev.Metadata = m
		}
		got, err := decode("main", key, string(encode(nil, "main", &e)))
		require.NoError(t, err)
		require.Equal(t, &e, got)
	})
}

func FuzzDecode(f *testing.F) {
	e := entry("iA", job.Submitted, 1)
	again := func(e *receipts.Entry) string { return string(encode(nil, "main", e)) }
	f.Add(again(&e))
	e.Event.State, e.Ask = job.Delivered, time.Time{}
	f.Add(again(&e))
	f.Fuzz(func(t *testing.T, value string) {
		e, err := decode("main", "iA", value)
		if err != nil {
			return
		}
		same, err := decode("main", "iA", again(e))
		require.NoError(t, err)
		require.Equal(t, again(e), again(same))
	})
}

// What a million waiting messages need, see docs/benchmarks.md: go test -run TestMemoryOfAnEntry -v ./pkg/receipts/index
func TestMemoryOfAnEntry(t *testing.T) {
	c := redistest.Start(t).Client()
	t.Cleanup(func() { _ = c.Close() })
	x := New(c, "dispatch", "one")
	made(t, x)
	used := func() int64 {
		var n int64
		info, err := c.Info(t.Context(), "memory").Result()
		require.NoError(t, err)
		_, err = fmt.Sscanf(info[len("# Memory\r\nused_memory:"):], "%d", &n)
		require.NoError(t, err)
		return n
	}
	const n = 20_000
	before := used()
	var entries []receipts.Entry
	var rows []receipts.Receipt
	for i := range n {
		entries = append(entries, entry(receipts.ByID(fmt.Sprint(2592608030+i)), job.Submitted, 1))
		rows = append(rows, receipt(fmt.Sprint(9592608030+i), "", providers.Delivered))
	}
	_, err := x.Put(t.Context(), "main", entries)
	require.NoError(t, err)
	each := (used() - before) / n
	t.Logf("%d bytes a waiting message", each)
	require.Less(t, each, int64(700))
	before = used()
	for i := range entries {
		entries[i].Event.State, entries[i].Event.Sequence, entries[i].Ask = job.Delivered, 2, time.Time{}
	}
	require.NoError(t, x.Settle(t.Context(), "main", entries))
	t.Logf("%d bytes less once it is delivered", (before-used())/n)
	before = used()
	_, err = x.Match(t.Context(), "main", rows, hour)
	require.NoError(t, err)
	t.Logf("%d bytes a parked receipt", (used()-before)/n)
}
