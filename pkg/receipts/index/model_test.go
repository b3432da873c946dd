package index

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// model is what an index should hold.
type model map[string]receipts.Entry

func (m model) write(e receipts.Entry) {
	old, there := m[e.Key]
	is, was := e.Event, old.Event
	if !there || was.Epoch < is.Epoch || was.Epoch == is.Epoch && (was.Sequence < is.Sequence || was.Sequence == is.Sequence && e.Ask.IsZero()) {
		m[e.Key] = e
	}
}

func (m model) waiting() (keys []string) {
	for key, e := range m {
		if !e.Ask.IsZero() {
			keys = append(keys, key)
		}
	}
	return keys
}

// Whatever is put, settled and asked about, in which order and how often: the index holds of each message the latest, and what waits is due once.
func TestTheIndexHoldsTheLatest(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	t.Cleanup(func() { _ = c.Close() }) // a test's connection
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		x := New(c, rand.Text()[:8], "one")
		ticket, err := x.Begin(ctx, "main")
		require.NoError(t, err)
		require.NoError(t, x.End(ctx, "main", ticket))
		m, put, now := model{}, map[string]bool{}, at()
		ids := []string{"iA", "iB", "iC", "iD", "cE", "cF"}
		days := map[string]int{}
		for _, id := range ids {
			days[id] = rapid.IntRange(0, 3).Draw(t, "days ago")
			if id[0] == 'c' { // there is a later epoch
				days[id] = max(days[id], 1)
			}
		}
		draw := func(t *rapid.T) (receipts.Entry, string) {
			id := rapid.SampledFrom(ids).Draw(t, "id")
			epoch := 0
			if id[0] == 'c' {
				epoch = rapid.IntRange(0, 1).Draw(t, "epoch")
			}
			e := sent(id, now.Add(-time.Duration(days[id]-epoch)*day))
			e.Ask, e.Event.Epoch = now.Add(-time.Duration(days[id])*time.Minute), epoch
			return e, id + string(rune('0'+epoch))
		}
		some := func(t *rapid.T, each func(e receipts.Entry, name string) (receipts.Entry, bool)) (all []receipts.Entry) {
			for range rapid.IntRange(1, 6).Draw(t, "messages") {
				if e, ok := each(draw(t)); ok {
					all = append(all, e)
				}
			}
			return all
		}
		state := rapid.SampledFrom([]job.State{job.Delivered, job.Undelivered, job.Unknown})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				all := some(t, func(e receipts.Entry, name string) (receipts.Entry, bool) { put[name] = true; return e, true })
				for _, e := range all {
					m.write(e)
				}
				_, err := x.Put(ctx, "main", all)
				require.NoError(t, err)
			},
			"put what the stream tells": func(t *rapid.T) {
				twice := map[string]bool{} // no event has the number of another
				all := some(t, func(e receipts.Entry, name string) (receipts.Entry, bool) {
					if twice[name] {
						return e, false
					}
					twice[name] = true
					told := tell(e, state.Draw(t, "state"))
					told.Sent = e.Sent.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "a day later")) * day)
					return told, put[name] // it comes after the message
				})
				for _, e := range all {
					m.write(e)
				}
				_, err := x.Put(ctx, "main", all)
				require.NoError(t, err)
			},
			"settle": func(t *rapid.T) {
				byKey := map[string]receipts.Entry{}
				some(t, func(e receipts.Entry, _ string) (receipts.Entry, bool) {
					if stands, there := m[e.Key]; there {
						byKey[e.Key] = tell(stands, state.Draw(t, "state"))
					}
					return e, false
				})
				all := slices.Collect(maps.Values(byKey))
				for _, e := range all {
					m.write(e)
				}
				require.NoError(t, x.Settle(ctx, "main", all))
			},
			"": func(t *rapid.T) {
				waiting, _, err := x.Look(ctx, "main")
				require.NoError(t, err)
				require.Equal(t, len(m.waiting()), waiting)
				rows := make([]receipts.Receipt, len(ids))
				for i, id := range ids {
					rows[i] = receipt(id[1:], "", providers.Untold)
					if id[0] == 'c' {
						rows[i] = receipt("", id[1:], providers.Untold)
					}
				}
				found, err := x.Match(ctx, "main", rows, hour)
				require.NoError(t, err)
				for i, id := range ids {
					want, there := m[id]
					require.Equal(t, there, found[i] != nil, id)
					if there {
						require.Equal(t, want.Event.State, found[i].Event.State, id)
						require.Equal(t, want.Event.Epoch, found[i].Event.Epoch, id)
						require.Equal(t, want.Event.Sequence, found[i].Event.Sequence, id)
					}
				}
			},
			"due": func(t *rapid.T) {
				due, err := x.Due(ctx, "main", now, 100)
				require.NoError(t, err)
				var keys []string
				for _, e := range due {
					keys = append(keys, e.Key)
				}
				require.ElementsMatch(t, m.waiting(), keys)
			},
		})
	})
}
