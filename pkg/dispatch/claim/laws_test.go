package claim

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// TestNoTwoWorkersHoldAJob lets workers claim, record, stop in the midst and take over, receipts come, answers get lost and the server lose all, in any order.
func TestNoTwoWorkersHoldAJob(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		client := open(t, redistest.Start(t))
		rapid.Check(t, func(t *rapid.T) { laws(t, client, nil) })
	})
	// Time passes here: terms turn, leases and records end.
	t.Run("miniredis", func(t *testing.T) {
		server := miniredis.RunT(t)
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
		t.Cleanup(func() { _ = client.Close() })
		rapid.Check(t, func(t *rapid.T) {
			clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			server.SetTime(clock)
			laws(t, client, func(d time.Duration) {
				server.FastForward(d)
				clock = clock.Add(d)
				server.SetTime(clock)
			})
		})
	})
}

// packet is what a worker took in one call.
type packet struct {
	worker *Store
	jobs   []*history
	tokens []string
}

// laws is one run. pass lets time pass, where that can be.
func laws(t *rapid.T, client *redis.Client, pass func(time.Duration)) {
	ctx := context.Background()
	require.NoError(t, client.FlushDB(ctx).Err())
	d := &deaf{}
	heard := redis.NewClient(client.Options())
	heard.AddHook(d)
	defer func() { _ = heard.Close() }()
	workers := []*Store{newStore(t, heard, "one"), newStore(t, heard, "two"), newStore(t, heard, "three")}
	worker := rapid.SampledFrom(workers)
	keep := rapid.SampledFrom([]time.Duration{testKeep, testKeep, testKeep, testKeep + time.Hour, 5 * testKeep, 20 * testKeep, 1000 * testKeep})
	now, made := time.Time{}, 0
	var packets []packet
	owners := map[string]string{} // of all tokens ever given
	jobs := make([]*history, 3+3*pageSize)
	fresh := func() *history {
		made++
		return &history{id: fmt.Sprint("j", made)}
	}
	for i := range jobs {
		jobs[i] = fresh()
	}
	find := func(id string) *history {
		return jobs[slices.IndexFunc(jobs, func(h *history) bool { return h.id == id })]
	}
	deafen := func(t *rapid.T, scripts ...*script) {
		d.script, d.left = rapid.SampledFrom(scripts).Draw(t, "deaf to"), rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "answers lost")
	}
	record := func(t *rapid.T, w *Store, updates []dispatch.Update) {
		deafen(t, w.scripts.page, w.scripts.record)
		var got []bool
		err := error(errAnswerLost)
		for err != nil {
			require.ErrorIs(t, err, errAnswerLost)
			got, err = w.Record(ctx, updates)
		}
		require.Len(t, got, len(updates))
		for i, ok := range got {
			find(updates[i].ID).recorded(t, updates[i], ok, now)
		}
	}
	update := func(t *rapid.T, h *history, token string, keep time.Duration) dispatch.Update {
		return dispatch.Update{Tenant: "shop", ID: h.id, Token: token, Record: h.record(t), Keep: keep}
	}

	actions := map[string]func(*rapid.T){
		"claim": func(t *rapid.T) {
			var some []*history
			if rapid.Bool().Draw(t, "a packet") { // of which some may be in others' hands
				some = jobs[3+rapid.IntRange(0, 2*pageSize).Draw(t, "from"):]
			}
			for range rapid.IntRange(b2i(some == nil), 4).Draw(t, "more") { // possibly twice
				some = append(some[:len(some):len(some)], rapid.SampledFrom(jobs).Draw(t, "job"))
			}
			reqs := make([]dispatch.ClaimRequest, len(some))
			common := keep.Draw(t, "keep")
			for i, h := range some {
				reqs[i] = h.request(t)
				if reqs[i].Keep = common; i == 0 {
					reqs[i].Keep = keep.Draw(t, "keep of the first")
				}
			}
			w := worker.Draw(t, "worker")
			deafen(t, w.scripts.claim, w.scripts.swap)
			got, err := w.Claim(ctx, reqs)
			require.NoError(t, err)
			before := map[string]history{} // which is what all of a batch are judged by, also where a job stands in it twice
			for _, h := range jobs {
				before[h.id] = *h
			}
			p := packet{worker: w}
			var busy []*history
			for i, c := range got {
				h, was := some[i], before[reqs[i].ID]
				switch c.Verdict {
				case dispatch.Taken, dispatch.TakenAmbiguous:
					require.NotContains(t, owners, c.Token)
					owners[c.Token] = h.id
					h.taken(t, reqs[i], c, now)
					p.jobs, p.tokens = append(p.jobs, h), append(p.tokens, c.Token)
				case dispatch.Settled:
					require.True(t, was.ended || was.last != nil && was.last.Phase == dispatch.Waiting, "settled, but nothing is")
					require.Equal(t, was.last.Sequence, c.Record.Sequence)
					if !was.rebuilt {
						require.Equal(t, *was.last, c.Record)
					}
				case dispatch.Busy:
					busy = append(busy, h)
				default:
					require.Empty(t, c.Token)
				}
			}
			for _, h := range busy { // in a batch the later one of two may have it
				require.NotEmpty(t, h.valid, "busy, but nobody has it")
			}
			if len(p.jobs) > 0 {
				packets = append(packets, p)
			}
		},
		"record": func(t *rapid.T) {
			h := rapid.SampledFrom(jobs).Draw(t, "job")
			if len(h.tokens) == 0 {
				t.Skip()
			}
			token := rapid.SampledFrom(h.tokens).Draw(t, "token") // mostly a former one
			if rapid.Bool().Draw(t, "the last") {
				token = h.tokens[len(h.tokens)-1]
			}
			record(t, worker.Draw(t, "worker"), []dispatch.Update{update(t, h, token, keep.Draw(t, "keep"))})
		},
		"record a packet": func(t *rapid.T) { // or a part of it, whoever has its jobs by now
			if len(packets) == 0 {
				t.Skip()
			}
			p := packets[len(packets)-1-rapid.IntRange(0, min(3, len(packets)-1)).Draw(t, "which")]
			common := keep.Draw(t, "keep")
			part := rapid.Bool().Draw(t, "a part")
			var updates []dispatch.Update
			for k, h := range p.jobs {
				if slices.Contains(jobs, h) && (!part || rapid.IntRange(0, 7).Draw(t, "with") > 0) {
					updates = append(updates, update(t, h, p.tokens[k], common))
				}
			}
			if len(updates) > 0 {
				record(t, p.worker, updates)
			}
		},
		"receipts": func(t *rapid.T) {
			var steps []receipts.Step
			var of []*history
			for _, h := range jobs {
				if h.ended && h.last.Last != nil && rapid.Bool().Draw(t, "has one") {
					known := knownOf(h.id, h.last.Last.State, h.last.Sequence)
					known.Publication, known.Epoch = h.publication, h.epoch
					known.Event = *h.last.Last
					known.Job, known.Tenant = h.id, "shop"
					steps = append(steps, stepTo(known, rapid.SampledFrom([]job.State{job.Delivered, job.Undelivered}).Draw(t, "state")))
					of = append(of, h)
				}
			}
			got, err := worker.Draw(t, "worker").Advance(ctx, steps)
			require.NoError(t, err)
			for i, h := range of {
				next, want := advance(&found{Token: free, Record: *h.last}, &steps[i], 0)
				require.Equal(t, want, got[i])
				if want.Verdict == receipts.Advanced {
					next.Last = &job.Event{}
					*next.Last = steps[i].Told.Event
					next.Last.Sequence = next.Sequence
					value, err := decode(string(appendRecord([]byte(noLease+free), &next))) // without what the job carries
					require.NoError(t, err)
					h.last, h.dead = &value.Record, false
				}
			}
		},
		"stop": func(t *rapid.T) { // the worker that holds the job is no more
			h := rapid.SampledFrom(jobs).Draw(t, "job")
			if h.valid == "" {
				t.Skip()
			}
			if !h.rebuilt {
				lapse(t, workers[0], h.id)
			}
			h.lapsed = true
		},
		"loss": func(t *rapid.T) {
			if rapid.IntRange(0, 3).Draw(t, "spared") > 0 {
				t.Skip()
			}
			require.NoError(t, client.FlushDB(ctx).Err())
			var entries []Entry
			for i, h := range jobs {
				if h.last != nil {
					entries = append(entries, Entry{Tenant: "shop", ID: h.id, Record: *h.last, Keep: h.until.Sub(now)})
				}
				if h.last == nil && h.valid == "" {
					jobs[i] = fresh()
				}
				h.rebuilt, h.lapsed = true, true
			}
			for _, w := range workers {
				whole, err := w.Ensure(ctx)
				require.NoError(t, err)
				require.False(t, whole)
				require.NoError(t, w.RestoreHeld(ctx))
			}
			for _, w := range workers { // of several records of the same event, one stays
				for _, e := range w.hands.entries() {
					for _, h := range jobs {
						if until := now.Add(e.Keep); h.id == e.ID && until.Before(h.until) {
							h.until = until
						}
					}
				}
			}
			_, err := worker.Draw(t, "worker").Restore(ctx, entries)
			require.NoError(t, err)
			for _, w := range workers {
				require.NoError(t, w.Rearm(ctx, nil))
			}
		},
	}
	if pass != nil {
		actions["time passes"] = func(t *rapid.T) {
			by := rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Minute, 59 * time.Minute, time.Hour, 90 * time.Minute, 9 * time.Hour}).Draw(t, "by")
			pass(by)
			now = now.Add(by)
			for i, h := range jobs {
				switch {
				case !h.until.IsZero() && !now.Before(h.until): // it may be forgotten
					jobs[i] = fresh()
				case h.valid != "" && !now.Before(h.lease):
					h.lapsed = true
				}
			}
		}
	}
	t.Repeat(actions)
}
