package claim

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
)

// history is what the model knows of a job, from what workers were told.
type history struct {
	id          string
	valid       string    // the token of whoever holds the job, while nobody took it over
	lapsed      bool      // its lease has, or the records were lost
	lease       time.Time // when it does by itself
	until       time.Time // until when the record is promised to be there
	mayBeOut    bool      // a worker held it for sending and never recorded
	ended       bool
	dead        bool
	rebuilt     bool // the records were lost, and nobody wrote this one since
	publication string
	epoch, hop  int
	last        *dispatch.Record
	tokens      []string // all that were ever given
}

// request draws a request for the job: mostly of the copy that carries it.
func (h *history) request(t *rapid.T) dispatch.ClaimRequest {
	r := ask(h.id)
	r.Account = rapid.SampledFrom([]string{"x", "", "y"}).Draw(t, "account")
	r.Publication, r.Hop, r.Epoch = "J:1", h.hop, h.epoch
	if h.epoch > 0 {
		r.Publication = h.publication
	}
	if rapid.IntRange(0, 2).Draw(t, "as it is") > 0 {
		return r
	}
	r.Publication = rapid.SampledFrom([]string{r.Publication, "J:1", "J:2"}).Draw(t, "publication")
	r.Hash = rapid.SampledFrom([]string{"h", "h", "h", "g"}).Draw(t, "hash")
	r.Hop = max(0, h.hop+rapid.SampledFrom([]int{0, 0, 0, -1, -2}).Draw(t, "hop"))
	r.Epoch = max(0, h.epoch+rapid.SampledFrom([]int{0, 0, 0, -1}).Draw(t, "epoch"))
	if h.dead && rapid.Bool().Draw(t, "replay") {
		r.Epoch, r.Hop, r.Publication = h.epoch+1, 0, fmt.Sprint("R:", h.epoch+1)
	}
	return r
}

// taken checks that the job could be taken, and notes it.
func (h *history) taken(t *rapid.T, req dispatch.ClaimRequest, c dispatch.Claim, now time.Time) {
	replay := h.dead && req.Epoch > h.epoch
	require.False(t, h.ended && !replay, "a job that ended was taken")
	require.True(t, h.valid == "" || h.lapsed, "a job was taken that somebody holds")
	require.True(t, h.publication == "" || h.publication == req.Publication || replay, "another publication took a job")
	maybe := c.Verdict == dispatch.TakenAmbiguous || c.Record.Phase == dispatch.Waiting && c.Record.Account != ""
	if !h.rebuilt {
		require.GreaterOrEqual(t, req.Hop, h.hop*b2i(!replay), "a copy took a job that a later one carries")
		require.True(t, replay || h.mayBeOut == maybe, "may be out: %v, told: %v", h.mayBeOut, maybe)
	}
	if h.last != nil {
		require.Equal(t, h.last.Sequence, c.Record.Sequence)
	}
	h.valid, h.lapsed, h.rebuilt, h.ended, h.dead = c.Token, false, false, false, false
	h.publication, h.epoch, h.hop = req.Publication, req.Epoch, req.Hop
	h.mayBeOut = (h.mayBeOut || maybe) && !replay || req.Account != ""
	h.lease, h.until = now.Add(testLease), now.Add(req.Keep)
	h.tokens = append(h.tokens, c.Token)
}

// record draws what is to be recorded.
func (h *history) record(t *rapid.T) dispatch.Record {
	r := dispatch.Record{Phase: rapid.SampledFrom(phases[:]).Draw(t, "phase").phase, Epoch: h.epoch, Hop: h.hop, Sequence: len(h.tokens), Hash: "h", Publication: h.publication}
	switch r.Phase {
	case dispatch.Sending:
		r.Account = "x"
	case dispatch.Waiting:
		r.Hop++
		r.Account = rapid.SampledFrom([]string{"", "x"}).Draw(t, "may be at")
	case dispatch.Concluded:
		r = concluded(h.publication)
		r.Epoch, r.Hop, r.Sequence, r.Last.Sequence = h.epoch, h.hop, len(h.tokens), len(h.tokens)
	}
	return r
}

// recorded checks that an update was written or refused as it should be, and notes it.
func (h *history) recorded(t *rapid.T, u dispatch.Update, ok bool, now time.Time) {
	switch {
	case u.Token == h.valid:
		require.True(t, ok, "the one that holds the job couldn't record")
	case !ok:
		return
	case h.rebuilt && !h.ended: // who held it before the loss may
	default: // only what stands already
		require.NotNil(t, h.last)
		require.Equal(t, *h.last, u.Record)
		return
	}
	r := u.Record
	h.valid, h.lapsed, h.rebuilt, h.last, h.until = "", false, false, &r, now.Add(u.Keep)
	h.hop, h.ended, h.dead = r.Hop, r.Phase == dispatch.Concluded || r.Phase == dispatch.Dead, r.Phase == dispatch.Dead
	h.mayBeOut = r.Account != ""
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
