package claim

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// history is what the model knows of a job, from what workers were told.
type history struct {
	valid       string // the token of whoever holds the job, while nobody took it over
	lapsed      bool   // its lease has
	mayBeOut    bool   // a worker held it for sending and never recorded
	ended       bool
	dead        bool
	publication string
	epoch, hop  int
	last        *dispatch.Record
	tokens      []string // all that were ever given
}

// TestNoTwoWorkersHoldAJob lets workers claim, record, stop in the midst and take over, in any order.
func TestNoTwoWorkersHoldAJob(t *testing.T) {
	client := open(t, redistest.Start(t))
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		require.NoError(t, client.FlushDB(ctx).Err())
		workers := []*Store{newStore(t, client, "one"), newStore(t, client, "two"), newStore(t, client, "three")}
		jobs := map[string]*history{"a": {}, "b": {}, "c": {}}
		owners := map[string]string{} // of all tokens ever given
		worker := rapid.SampledFrom(workers)
		id := rapid.SampledFrom([]string{"a", "b", "c"})

		taken := func(h *history, req dispatch.ClaimRequest, c dispatch.Claim) {
			require.NotContains(t, owners, c.Token)
			owners[c.Token] = req.ID
			replay := h.dead && req.Epoch > h.epoch
			require.False(t, h.ended && !replay, "a job that ended was taken")
			require.True(t, h.valid == "" || h.lapsed, "a job was taken that somebody holds")
			require.True(t, h.publication == "" || h.publication == req.Publication || replay, "another publication took a job")
			require.GreaterOrEqual(t, req.Hop, h.hop*b2i(!replay), "a copy took a job that a later one carries")
			if !replay {
				require.Equal(t, h.mayBeOut, c.Verdict == dispatch.TakenAmbiguous || c.Record.Phase == dispatch.Waiting && c.Record.Account != "")
			}
			if h.last != nil {
				require.Equal(t, h.last.Sequence, c.Record.Sequence)
			}
			h.valid, h.lapsed, h.ended, h.dead = c.Token, false, false, false
			h.publication, h.epoch, h.hop = req.Publication, req.Epoch, req.Hop
			h.mayBeOut = h.mayBeOut && !replay || req.Account != ""
			h.tokens = append(h.tokens, c.Token)
		}

		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				reqs := make([]dispatch.ClaimRequest, rapid.IntRange(1, 5).Draw(t, "n"))
				for i := range reqs {
					r := ask(id.Draw(t, "id"))
					h := jobs[r.ID]
					r.Publication = rapid.SampledFrom([]string{"J:1", "J:1", "J:1", "J:2"}).Draw(t, "publication")
					if h.epoch > 0 && rapid.Bool().Draw(t, "of the replay") {
						r.Publication = h.publication
					}
					r.Hash = rapid.SampledFrom([]string{"h", "h", "h", "g"}).Draw(t, "hash")
					r.Hop = max(0, h.hop+rapid.SampledFrom([]int{0, 0, 0, -1, -2}).Draw(t, "hop"))
					r.Epoch = max(0, h.epoch+rapid.SampledFrom([]int{0, 0, 0, -1}).Draw(t, "epoch"))
					if h.dead && rapid.Bool().Draw(t, "replay") {
						r.Epoch, r.Hop, r.Publication = h.epoch+1, 0, "R:"+strconv.Itoa(h.epoch+1)
					}
					r.Account = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "account")
					reqs[i] = r
				}
				got, err := worker.Draw(t, "worker").Claim(ctx, reqs)
				require.NoError(t, err)
				before := map[string]history{} // which is what all of a batch are judged by, also where a job stands in it twice
				for key, h := range jobs {
					before[key] = *h
				}
				for i, c := range got {
					h, was := jobs[reqs[i].ID], before[reqs[i].ID]
					switch c.Verdict {
					case dispatch.Taken, dispatch.TakenAmbiguous:
						taken(h, reqs[i], c)
					case dispatch.Settled:
						require.True(t, was.ended || was.last != nil && was.last.Phase == dispatch.Waiting, "settled, but nothing is")
						require.Equal(t, *was.last, c.Record)
					case dispatch.Busy:
						require.NotEmpty(t, h.valid, "busy, but nobody has it")
					default:
						require.Empty(t, c.Token)
					}
				}
			},
			"record": func(t *rapid.T) {
				key := id.Draw(t, "id")
				h := jobs[key]
				if len(h.tokens) == 0 {
					t.Skip()
				}
				token := rapid.SampledFrom(h.tokens).Draw(t, "token") // mostly a former one
				if rapid.Bool().Draw(t, "the last") {
					token = h.tokens[len(h.tokens)-1]
				}
				r := dispatch.Record{Phase: rapid.SampledFrom(phases[:]).Draw(t, "phase").phase, Epoch: h.epoch, Hop: h.hop, Sequence: len(h.tokens), Hash: "h", Publication: h.publication}
				switch r.Phase {
				case dispatch.Sending:
					r.Account = "x"
				case dispatch.Waiting:
					r.Hop++
					r.Account = rapid.SampledFrom([]string{"", "x"}).Draw(t, "may be at")
				}
				ok := recordOne(t, worker.Draw(t, "worker"), key, token, r)
				if token != h.valid {
					if ok { // only what stands already
						require.NotNil(t, h.last)
						require.Equal(t, *h.last, r)
					}
					return
				}
				require.True(t, ok, "the one that holds the job couldn't record")
				h.valid, h.lapsed, h.last = "", false, &r
				h.hop, h.ended, h.dead = r.Hop, r.Phase == dispatch.Concluded || r.Phase == dispatch.Dead, r.Phase == dispatch.Dead
				h.mayBeOut = r.Account != ""
			},
			"stop": func(t *rapid.T) { // the worker that holds the job is no more
				key := id.Draw(t, "id")
				if jobs[key].valid == "" {
					t.Skip()
				}
				lapse(t, workers[0], key)
				jobs[key].lapsed = true
			},
		})
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
