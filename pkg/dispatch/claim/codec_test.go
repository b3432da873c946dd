package claim

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

func timeGen() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(-1<<33, 1<<38).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	})
}

func recordGen() *rapid.Generator[dispatch.Record] {
	return rapid.Custom(func(t *rapid.T) dispatch.Record {
		text, number := rapid.String(), rapid.IntRange(0, 1<<40)
		r := dispatch.Record{
			Phase: rapid.SampledFrom(phases[:]).Draw(t, "phase").phase,
			Epoch: number.Draw(t, "epoch"), Hop: number.Draw(t, "hop"), Attempts: number.Draw(t, "attempts"), Sequence: number.Draw(t, "sequence"),
			Hash: text.Draw(t, "hash"), Publication: text.Draw(t, "publication"), Account: text.Draw(t, "account"),
			Due: timeGen().Draw(t, "due"), Published: rapid.Bool().Draw(t, "published"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "told") {
			r.Told = append(r.Told, text.Draw(t, "cause"))
		}
		if rapid.Bool().Draw(t, "event") {
			r.Last = &job.Event{
				State: job.State(text.Draw(t, "state")), Final: rapid.Bool().Draw(t, "final"), Sequence: number.Draw(t, "n"), Attempt: number.Draw(t, "attempt"),
				Segments: number.Draw(t, "segments"), Recipients: number.Draw(t, "recipients"), At: timeGen().Draw(t, "at"), RetryAt: timeGen().Draw(t, "retry"),
				Publication: text.Draw(t, "pub"), Account: text.Draw(t, "via"), Provider: text.Draw(t, "provider"), ProviderID: text.Draw(t, "id"),
				ProviderStatus: text.Draw(t, "status"), Cost: text.Draw(t, "cost"), Currency: text.Draw(t, "currency"),
			}
			if rapid.Bool().Draw(t, "failed") {
				r.Last.Error = &job.Reason{Code: job.Code(text.Draw(t, "code")), Message: text.Draw(t, "words")}
			}
		}
		return r
	})
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := recordGen().Draw(t, "record")
		value := string(appendRecord([]byte("1790000000123w.1.2;"), &r))
		f, err := decode(value)
		require.NoError(t, err)
		require.Equal(t, found{Lease: 1790000000123, Token: "w.1.2;", Record: r}, f)
		for cut := range len(value) { // no shorter text is a record, but for one without its event, or an event without its error
			if f, err := decode(value[:cut]); err == nil {
				require.True(t, f.Record.Last == nil || f.Record.Last.Error == nil && r.Last.Error != nil)
			}
		}
	})
}

// Records of the version before this one are still read: with an event and an error, with an event alone, and without.
func TestEarlierRecordsAreRead(t *testing.T) {
	hash := hex.EncodeToString([]byte("0123456789abcdef"))
	record := dispatch.Record{Phase: dispatch.Concluded, Epoch: 1, Hop: 2, Attempts: 3, Sequence: 4, Hash: hash, Publication: "J:7", Account: "main", Told: []string{"x"}}
	const front = "1790000000123w.1.2;o1 2 3 4 - x0123456789abcdef3:J:74:main1 1:x"
	for end, last := range map[string]*job.Event{
		"": nil,
		"9:submitted0 4 3 2 1 - - =0:7:prostor10:25926211968:accepted4:2.353:RUB": {State: job.Submitted, Sequence: 4, Attempt: 3, Segments: 2, Recipients: 1,
			Account: "main", Provider: "prostor", ProviderID: "2592621196", ProviderStatus: "accepted", Cost: "2.35", Currency: "RUB"},
		"8:rejected1 4 3 0 0 - - 3:two0:0:0:0:0:0:1:c1:w": {State: job.Rejected, Final: true, Sequence: 4, Attempt: 3, Account: "two",
			Error: &job.Reason{Code: "c", Message: "w"}},
	} {
		want := record
		want.Last = last
		got, err := decode(front + end)
		require.NoError(t, err)
		require.Equal(t, found{Lease: 1790000000123, Token: "w.1.2;", Record: want}, got)
		if last != nil {
			_, err = decode(front + end + "0")
			require.ErrorIs(t, err, errMalformed)
		}
	}
}

func TestWhatTheJobCarriesIsNotKept(t *testing.T) {
	e := job.Event{Job: "ord-1", Tenant: "shop", Route: "otp", Lane: job.Urgent, Channel: job.SMS, State: job.Submitted, Sequence: 1,
		Metadata: map[string]string{"order": "1"}}
	f, err := decode(string(appendRecord([]byte(noLease+free), &dispatch.Record{Phase: dispatch.Concluded, Last: &e})))
	require.NoError(t, err)
	require.Equal(t, &job.Event{State: job.Submitted, Sequence: 1}, f.Record.Last)
}

func FuzzDecode(f *testing.F) {
	r := dispatch.Record{Phase: dispatch.Waiting, Hop: 2, Told: []string{"throttled@a"}, Last: &job.Event{State: job.Retrying, Error: &job.Reason{Code: "x"}}}
	f.Add(string(appendRecord([]byte("1790000000123w.1.2;"), &r)))
	f.Add("0000000000000;o0 0 0 0 - 0:0:0:0 ")
	f.Add("0000000000000;o0 0 0 0 - |0:0 -0:0:")
	f.Add("0000000000000~;")
	f.Fuzz(func(t *testing.T, value string) {
		got, err := decode(value)
		if err != nil {
			require.ErrorIs(t, err, errMalformed)
			return
		}
		again, err := decode(string(appendRecord([]byte(value[:leaseDigits]+got.Token), &got.Record)))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
