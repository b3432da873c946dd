package claim

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
)

const testNow = int64(1_790_000_000_000)

// The rows of the table: how a record may be held.
var holds = map[string]found{
	"live":    {Lease: testNow + 1, Token: "w.1.0;"},
	"lapsed":  {Lease: testNow, Token: "w.1.0;"},
	"free":    {Token: free},
	"rebuilt": {Token: rebuilt},
}

// TestJudge goes through all cases: phase × hold × publication and hash × epoch × hop. The record is of publication J:1, epoch 3, hop 5.
func TestJudge(t *testing.T) {
	const busy, taken, maybe = dispatch.Busy, dispatch.Taken, dispatch.TakenAmbiguous
	const settled, duplicate, reused, stale = dispatch.Settled, dispatch.Duplicate, dispatch.Reused, dispatch.Stale
	// With the same publication and epoch, by the request's hop: two before the record's, one before, the same, later.
	same := map[string][4]dispatch.Verdict{
		"claimed live": {stale, stale, busy, busy}, "claimed lapsed": {stale, stale, taken, taken},
		"claimed free": {stale, stale, taken, taken}, "claimed rebuilt": {stale, stale, taken, taken},
		"sending live": {stale, stale, busy, busy}, "sending lapsed": {stale, stale, maybe, maybe},
		"sending free": {stale, stale, maybe, maybe}, "sending rebuilt": {stale, stale, maybe, maybe},
		"waiting live": {stale, stale, busy, busy}, "waiting lapsed": {stale, stale, taken, taken},
		"waiting free": {stale, settled, taken, taken}, "waiting rebuilt": {stale, settled, taken, taken},
	}
	for _, phase := range []dispatch.Phase{dispatch.Concluded, dispatch.Dead} {
		for hold := range holds {
			same[string(phase)+" "+hold] = [4]dispatch.Verdict{settled, settled, settled, settled}
		}
	}
	for _, p := range phases {
		for hold, f := range holds {
			f.Record = dispatch.Record{Phase: p.phase, Epoch: 3, Hop: 5, Publication: "J:1", Hash: "h", Account: "a"}
			row := string(p.phase) + " " + hold
			for _, epoch := range []int{2, 3, 4} {
				for column, hop := range []int{3, 4, 5, 6} {
					for _, hash := range []string{"h", "other"} {
						for _, publication := range []string{"J:1", "J:2"} {
							req := dispatch.ClaimRequest{Epoch: epoch, Hop: hop, Hash: hash, Publication: publication}
							var want dispatch.Verdict
							switch {
							case p.phase == dispatch.Dead && epoch == 4 && hash == "h":
								want = taken // a replay, under whatever publication
							case publication == "J:2" && hash == "other":
								want = reused
							case publication == "J:2":
								want = duplicate
							case epoch == 2:
								want = stale // the replay carries the job on
							case epoch == 4:
								want = same[row][2] // a replay that the record doesn't know of: as the same copy
							default:
								want = same[row][column]
							}
							require.Equal(t, want, judge(f, &req, false, testNow), "%s, %+v", row, req)
							if hold == "rebuilt" {
								if want == taken {
									want = maybe
								}
								require.Equal(t, want, judge(f, &req, true, testNow), "suspect %s, %+v", row, req)
							}
						}
					}
				}
			}
		}
	}
}

func TestTakeover(t *testing.T) {
	base := dispatch.Record{Epoch: 1, Hop: 2, Attempts: 3, Sequence: 4, Hash: "h", Publication: "J:1", Told: []string{"throttled"}}
	with := func(phase dispatch.Phase, account string, attempts int) dispatch.Record {
		r := base
		r.Phase, r.Account, r.Attempts = phase, account, attempts
		return r
	}
	for _, c := range []struct {
		phase        dispatch.Phase
		had, hold    string
		asks         string // the account of the request
		verdict      dispatch.Verdict
		stands, told dispatch.Record
	}{
		{"claimed", "", "free", "b", dispatch.Taken, with("sending", "b", 3), with("claimed", "", 3)},
		{"claimed", "", "lapsed", "", dispatch.Taken, with("claimed", "", 3), with("claimed", "", 3)},
		{"waiting", "", "free", "b", dispatch.Taken, with("sending", "b", 3), with("waiting", "", 3)},
		{"waiting", "", "free", "", dispatch.Taken, with("claimed", "", 3), with("waiting", "", 3)},
		// a may have it: that must outlive this worker, too
		{"waiting", "a", "free", "b", dispatch.Taken, with("sending", "a", 3), with("waiting", "a", 3)},
		{"waiting", "a", "free", "", dispatch.Taken, with("waiting", "a", 3), with("waiting", "a", 3)},
		{"sending", "a", "free", "b", dispatch.TakenAmbiguous, with("sending", "a", 3), with("sending", "a", 3)},
		{"sending", "a", "rebuilt", "", dispatch.TakenAmbiguous, with("sending", "a", 3), with("sending", "a", 3)},
		// the attempt of the worker that stopped counts
		{"sending", "a", "lapsed", "b", dispatch.TakenAmbiguous, with("sending", "a", 4), with("sending", "a", 4)},
		{"sending", "a", "lapsed", "", dispatch.TakenAmbiguous, with("sending", "a", 4), with("sending", "a", 4)},
	} {
		t.Run(fmt.Sprintf("%s %s of %q for %q", c.hold, c.phase, c.had, c.asks), func(t *testing.T) {
			f := holds[c.hold]
			f.Record = with(c.phase, c.had, 3)
			req := dispatch.ClaimRequest{Epoch: 1, Hop: 2, Hash: "h", Publication: "J:1", Account: c.asks}
			v := judge(f, &req, false, testNow)
			require.Equal(t, c.verdict, v)
			stands, told := takeover(f, &req, false, v)
			require.Equal(t, c.stands, stands)
			require.Equal(t, c.told, told)
		})
	}
	t.Run("replay", func(t *testing.T) {
		f := found{Token: free, Record: with(dispatch.Dead, "a", 5)}
		stands, told := takeover(f, &dispatch.ClaimRequest{Epoch: 2, Hash: "h", Publication: "J:9", Account: "b"}, false, dispatch.Taken)
		want := dispatch.Record{Phase: dispatch.Dead, Epoch: 2, Sequence: 4, Hash: "h", Publication: "J:9"}
		require.Equal(t, want, told)
		want.Phase, want.Account = dispatch.Sending, "b"
		require.Equal(t, want, stands)
	})
	t.Run("a later copy than the record knows", func(t *testing.T) {
		f := found{Token: rebuilt, Record: with(dispatch.Waiting, "", 3)}
		stands, told := takeover(f, &dispatch.ClaimRequest{Epoch: 1, Hop: 7, Hash: "h", Publication: "J:1", Account: "b"}, false, dispatch.Taken)
		require.Equal(t, 7, told.Hop)
		require.Equal(t, 7, stands.Hop)
	})
}
