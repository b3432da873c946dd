package index

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/receipts"
)

const day = 24 * hour

func (x *Redis) mustPut(t *testing.T, entries ...receipts.Entry) {
	t.Helper()
	_, err := x.Put(t.Context(), "main", entries)
	require.NoError(t, err)
}

// find looks for messages by the provider's ids; nil: there is none.
func (x *Redis) find(t *testing.T, ids ...string) []*receipts.Entry {
	t.Helper()
	rows := make([]receipts.Receipt, len(ids))
	for i, id := range ids {
		rows[i] = receipt(id, "", providers.Delivered)
	}
	found, err := x.Match(t.Context(), "main", rows, hour)
	require.NoError(t, err)
	return found
}

func (x *Redis) requireWaiting(t *testing.T, want int) {
	t.Helper()
	n, _, err := x.Look(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, want, n)
}

// dueAt are the keys that are due at a time.
func (x *Redis) dueAt(t *testing.T, now time.Time) (keys []string) {
	t.Helper()
	due, err := x.Due(t.Context(), "main", now, 100)
	require.NoError(t, err)
	for _, e := range due {
		keys = append(keys, e.Key)
	}
	return keys
}

// sent is an entry that was sent at a time, and is to be asked about an hour and forgotten four days later.
func sent(key string, when time.Time) receipts.Entry {
	e := entry(key, job.Submitted, 1)
	e.Sent, e.Ask, e.Until = when, when.Add(hour), when.Add(4*day)
	return e
}

// tell makes of a matched entry what is settled.
func tell(e receipts.Entry, state job.State) receipts.Entry {
	ev := *e.Event
	ev.State, ev.Sequence = state, ev.Sequence+1
	e.Event, e.Ask, e.Until = &ev, time.Time{}, e.Sent.Add(4*day)
	if state == job.Delivered {
		e.Until = at().Add(hour)
	}
	return e
}

// Messages of several days, and of a worker whose clock is ahead, are found whenever their receipts come. Each goes when its day's last is to be forgotten.
func TestGenerations(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		now := at()
		tomorrow := now.Truncate(day).Add(day + time.Minute)
		times := map[string]time.Time{"A": now.Add(-3 * day), "B": now.Add(-day), "C": now, "D": tomorrow}
		longer := sent("iE", now.Add(-3*day))
		longer.Until = now.Add(9 * day) // of a worker with more patience
		all := []receipts.Entry{longer}
		for id, when := range times {
			all = append(all, sent("i"+id, when))
		}
		x.mustPut(t, all...)
		x.requireWaiting(t, 5)
		ids := []string{"A", "B", "C", "D", "E"}
		for i, e := range x.find(t, ids...) {
			require.Equal(t, "i"+ids[i], e.Key)
		}
		// A and E are of one day, and it lives as long as E
		x.dueAt(t, tomorrow.Add(4*day+3*hour))
		for i, e := range x.find(t, ids...) {
			require.Equal(t, ids[i] == "A" || ids[i] == "E", e != nil, ids[i])
		}
		x.requireWaiting(t, 2)
		x.dueAt(t, now.Add(9*day+3*hour))
		x.requireWaiting(t, 0)
		left, err := x.client.Keys(t.Context(), "t:receipts:{main}:[dg]*").Result()
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// Were no worker there to do it, Redis deletes a generation by itself, and not before its end.
func TestAGenerationEnds(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		e := sent("iA", at())
		for _, until := range []time.Duration{4 * day, 9 * day, 4 * day} {
			e.Key, e.Until = "i"+until.String(), e.Sent.Add(until)
			x.mustPut(t, e)
		}
		life, err := x.client.PTTL(t.Context(), x.generation("main", generationOf(e.Sent))).Result()
		require.NoError(t, err)
		require.Greater(t, life, 9*day)
		require.Less(t, life, 11*day)
	})
}

// A script refuses where a generation was begun that its caller doesn't know.
func TestAGenerationThatBeginsMeanwhile(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		x.mustPut(t, sent("iA", at().Add(-2*day)))
		before, err := x.generations(t.Context(), "main")
		require.NoError(t, err)
		x.mustPut(t, sent("iB", at().Add(-day)))
		row := []receipts.Receipt{receipt("B", "", providers.Delivered)}
		err = x.matchOrPark(t.Context(), "main", row, []int{0}, at(), before, make([]*receipts.Entry, 1))
		require.True(t, redis.HasErrorPrefix(err, "RECEIPTSAGAIN"), err)
		require.NotNil(t, x.find(t, "B")[0])
	})
}

// A packet that is put again, whole or in part or with others, waits once, and is due once.
func TestRepeatsOfPut(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		all := []receipts.Entry{sent("iA", at()), sent("iB", at()), sent("iC", at()), sent("iD", at())}
		x.mustPut(t, all[:2]...)
		x.mustPut(t, all[:2]...)
		x.mustPut(t, all[1:]...)
		x.mustPut(t, all[3], all[3], all[0])
		x.requireWaiting(t, 4)
		require.ElementsMatch(t, []string{"iA", "iB", "iC", "iD"}, x.dueAt(t, at().Add(2*hour)))
		due, err := x.Due(t.Context(), "main", at().Add(2*hour), 100)
		require.NoError(t, err)
		for i := range due {
			due[i].Ask = at().Add(5 * hour)
		}
		require.NoError(t, x.Postpone(t.Context(), "main", due))
		x.mustPut(t, all...)
		require.Empty(t, x.dueAt(t, at().Add(3*hour)), "a repeat isn't due before its time")
		require.Len(t, x.dueAt(t, at().Add(6*hour)), 4)
	})
}

// Of a packet only what waits is due; of more than is asked for at once, the rest is due next.
func TestAPacketOfWhichSomeWereTold(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		var all []receipts.Entry
		for i := range 6 {
			all = append(all, sent(receipts.ByID(fmt.Sprint(i)), at()))
		}
		x.mustPut(t, all...)
		require.NoError(t, x.Settle(t.Context(), "main", []receipts.Entry{tell(all[0], job.Delivered), tell(all[1], job.Undelivered)}))
		x.requireWaiting(t, 4)
		later := at().Add(2 * hour)
		due, err := x.Due(t.Context(), "main", later, 3)
		require.NoError(t, err)
		require.Len(t, due, 3)
		require.Equal(t, all[2].Event, due[0].Event)
		require.Equal(t, all[2].Ask, due[0].Ask)
		require.NoError(t, x.Settle(t.Context(), "main", []receipts.Entry{tell(due[0], job.Unknown)}))
		for i := range due {
			due[i].Ask = later.Add(hour)
		}
		require.NoError(t, x.Postpone(t.Context(), "main", due))
		require.Equal(t, []string{"i5"}, x.dueAt(t, later))
		require.ElementsMatch(t, []string{"i3", "i4", "i5"}, x.dueAt(t, later.Add(2*hour)))
		x.requireWaiting(t, 3)
	})
}

// A delivered message is known for its time and then forgotten, and so is a parked receipt.
func TestWhatIsForgotten(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		all := []receipts.Entry{sent("iA", at()), sent("iB", at())}
		x.mustPut(t, all...)
		require.NoError(t, x.Settle(t.Context(), "main", []receipts.Entry{tell(all[0], job.Delivered), tell(all[1], job.Undelivered)}))
		require.Nil(t, x.find(t, "none")[0])
		require.Empty(t, x.dueAt(t, at().Add(30*time.Minute)))
		require.Equal(t, job.Delivered, x.find(t, "A")[0].Event.State)
		parked := func() int64 { return x.client.HLen(t.Context(), x.key("main", "parked")).Val() }
		require.EqualValues(t, 1, parked())
		require.Empty(t, x.dueAt(t, at().Add(2*hour)))
		require.Zero(t, parked())
		require.Zero(t, x.client.ZCard(t.Context(), x.key("main", "forget")).Val())
		require.Zero(t, x.client.ZCard(t.Context(), x.key("main", "due")).Val())
		require.Nil(t, x.find(t, "A")[0])
		require.Equal(t, job.Undelivered, x.find(t, "B")[0].Event.State)
	})
}

// What is to be forgotten is, though nobody asks about what is due before, and while the index is being made.
func TestItIsForgottenWhateverElse(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		size := func() int64 {
			return x.client.HLen(t.Context(), x.generation("main", generationOf(at().Add(-day)))).Val()
		}
		due, done := sent("idue", at().Add(-day)), sent("idone", at().Add(-day))
		x.mustPut(t, due, done)
		require.NoError(t, x.Settle(t.Context(), "main", []receipts.Entry{tell(done, job.Delivered)}))
		require.EqualValues(t, 3, size(), "both, and how many wait")
		for range 2 {
			found, err := x.Due(t.Context(), "main", at().Add(2*hour), 1)
			require.NoError(t, err)
			require.Equal(t, "idue", found[0].Key)
		}
		require.EqualValues(t, 2, size())
		_, err := x.Begin(t.Context(), "main")
		require.NoError(t, err)
		x.mustPut(t, done)
		x.mustPut(t, tell(done, job.Delivered)) // as when the stream is read
		require.EqualValues(t, 3, size())
		_, err = x.Due(t.Context(), "main", at().Add(2*hour), 1)
		require.ErrorIs(t, err, receipts.ErrUnfit)
		require.EqualValues(t, 2, size())
	})
}

// A later epoch takes the place of an earlier one, whatever their days and the order in which they come; so does what the stream tells of a message.
func TestLaterVersionsOfOtherDays(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		first, second := sent("cA", at().Add(-2*day)), sent("cA", at())
		second.Event.Epoch = 1
		find := func() *receipts.Entry {
			found, err := x.Match(t.Context(), "main", []receipts.Receipt{receipt("", "A", providers.Untold)}, hour)
			require.NoError(t, err)
			return found[0]
		}
		x.mustPut(t, first)
		x.mustPut(t, second)
		x.requireWaiting(t, 1)
		require.Equal(t, 1, find().Event.Epoch)
		require.Empty(t, x.dueAt(t, at().Add(-hour)), "the earlier one isn't asked about")
		delivered := tell(second, job.Delivered)
		delivered.Sent = at().Add(day) // as the stream has it: the time of the event
		x.mustPut(t, delivered)
		x.requireWaiting(t, 0)
		require.Equal(t, job.Delivered, find().Event.State)
	})
}

// Whether a repeat of Put comes before what was told is settled, together with it, or after: it was told.
func TestSettleBesideARepeatOfPut(t *testing.T) {
	onServers(t, func(t *testing.T, x *Redis) {
		made(t, x)
		for n := range 50 {
			var all, told []receipts.Entry
			for i := range 20 {
				e := sent(receipts.ByID(fmt.Sprint(n, "-", i)), at())
				all, told = append(all, e), append(told, tell(e, []job.State{job.Delivered, job.Undelivered}[i%2]))
			}
			x.mustPut(t, all...)
			var both sync.WaitGroup
			both.Go(func() { _, _ = x.Put(t.Context(), "main", all) })
			both.Go(func() { _ = x.Settle(t.Context(), "main", told) })
			both.Wait()
			require.NoError(t, x.Settle(t.Context(), "main", told))
			for i := range told {
				require.Equal(t, told[i].Event.State, x.find(t, told[i].Key[1:])[0].Event.State)
			}
		}
		x.requireWaiting(t, 0)
		require.Empty(t, x.dueAt(t, at().Add(2*hour)))
	})
}
