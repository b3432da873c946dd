package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What can name a refused job is found wherever it stands, as long as the JSON holds up to there.
func TestSalvage(t *testing.T) {
	for _, c := range []struct {
		data string
		want Job
	}{
		{`{"id":"a"`, Job{ID: "a"}},
		{`{"id":"a","channel":"sms","text":"cut of`, Job{ID: "a", Channel: SMS}},
		{`{"unknown":[{"id":"no"}],"id":"a"}`, Job{ID: "a"}},
		{`{"to":7,"id":"a","metadata":{"k":"v"}}`, Job{ID: "a", Metadata: map[string]string{"k": "v"}}},
		{`{"x":{"k":1,"k":2},"id":"a"}`, Job{ID: "a"}},
		{"{\"text\":\"\xff\",\"id\":\"a\"}", Job{ID: "a"}},
		{`{"text":1,"text":2,"id":"a","channel":"push"}`, Job{ID: "a", Channel: Push}},
		{`{"\u0069d":"\u0061"}`, Job{ID: "a"}},
		{`{"id":"a","id":"a"}`, Job{ID: "a"}},
		{`{"id":"a","id":"b"}`, Job{}},
		{`{"id":"a","id":7}`, Job{}},
		{`{"id":"a b","channel":"fax","metadata":{"k":1}}`, Job{}},
		{`{"id":"a","metadata":{"k":"1"},"metadata":{"k":"2"}}`, Job{ID: "a"}},
		{`{"id":"a","metadata":{"k":"1","k":"2"}}`, Job{ID: "a"}},
		{`{"id":"a} `, Job{}},
		{`[{"id":"a"}]`, Job{}},
		{`null`, Job{}},
	} {
		j, err := Decode([]byte(c.data), "RU")
		require.Error(t, err, c.data)
		require.Equal(t, c.want, *j, c.data)
	}
}

// What was decoded doesn't change with what it was decoded from, and decoding doesn't change that, be it in place or not.
func TestDecodeKeepsNothing(t *testing.T) {
	for name, data := range files(t, "jobs/valid/*.json") {
		want, place := new(Job), bytes.Clone(data)
		require.NoError(t, want.DecodeInPlace(place, "RU"), name)
		require.Equal(t, data, place, name)

		place = bytes.Clone(data)
		j, err := Decode(place, "RU")
		require.NoError(t, err, name)
		require.Equal(t, data, place, name)
		clear(place)
		require.Equal(t, want, j, name)
	}
}

// Nothing of a job that was there before is left.
func TestDecodeInPlaceOverAnother(t *testing.T) {
	for pattern, good := range map[string]bool{"jobs/valid/*.json": true, "jobs/invalid/*.json": false} {
		for name, data := range files(t, pattern) {
			want, err := Decode(data, "RU")
			require.Equal(t, good, err == nil, name)
			j := &Job{ID: "other", To: "+79612242243", Text: "other", Sender: "other", SendAt: time.Unix(1, 0), Metadata: map[string]string{"a": "b"}}
			require.Equal(t, err, j.DecodeInPlace(data, "RU"), name)
			require.Equal(t, want, j, name)
		}
	}
}

func TestDecodeBounds(t *testing.T) {
	body := func(text int) []byte {
		head, tail := `{"id":"a","channel":"viber","to":"+79612242243","text":"`, `"}`
		return []byte(head + strings.Repeat("a", text-len(head)-len(tail)) + tail)
	}
	_, err := Decode(body(MaxBytes), "RU")
	require.NoError(t, err)
	j, err := Decode(body(MaxBytes+1), "RU")
	require.EqualError(t, err, "is larger than 64 KiB")
	require.Equal(t, "a", j.ID)

	deep := `{"id":"a","audience":{"collection":"users","query":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}}`
	j, err = Decode([]byte(deep), "RU")
	require.Error(t, err)
	require.Equal(t, "a", j.ID)
	require.LessOrEqual(t, len(err.Error()), 300)
}

func TestTimes(t *testing.T) {
	for words, ok := range map[string]bool{
		"2026-11-22T20:00:00Z":                true,
		"2026-11-22T20:00:00.123456789+03:00": true,
		"2026-11-22T20:00:00-12:30":           true,
		"2026-11-22t20:00:00z":                false,
		"2026-11-22 20:00:00Z":                false,
		"2026-11-22T20:00:00":                 false,
		"2026-11-22T2:00:00Z":                 false,
		"2026-11-22T20:00:00,5Z":              false,
		"2026-11-22T20:00:00+24:00":           false,
		"2026-11-22T20:00:00+03:60":           false,
		"2026-02-30T20:00:00Z":                false,
		"2026-11-22T24:00:00Z":                false,
		"9999-12-31T23:59:59-01:00":           false,
		"0001-01-01T00:00:00Z":                false,
		"":                                    false,
		"Z":                                   false,
	} {
		at, got := parseTime(words)
		require.Equal(t, ok, got, words)
		if ok {
			want, err := time.Parse(time.RFC3339, words)
			require.NoError(t, err)
			require.True(t, want.Equal(at))
			require.Equal(t, time.UTC, at.Location())
		}
	}
}

func TestErrorNeverEmpty(t *testing.T) {
	require.EqualError(t, &Error{Code: InvalidJob, Field: "to", Problem: "is missing"}, "to: is missing")
	require.EqualError(t, &Error{Code: InvalidJob, Problem: "is empty"}, "is empty")
}

func TestEncodeRefusesWhatCannotBeWritten(t *testing.T) {
	for name, j := range map[string]*Job{
		"text: is not valid":  {Text: "\xff"},
		"audience.query: ":    {Audience: &Audience{Query: json.RawMessage(`{`)}},
		"is larger than 64":   {Text: strings.Repeat("a", MaxBytes)},
		"send_at: has a valu": {SendAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := j.Encode()
		wrong, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%v", err)
		require.Contains(t, wrong.Error(), name)
	}
}

// drawJob makes any valid job in its normal form.
func drawJob(t *rapid.T) *Job {
	j := &Job{
		ID:      rapid.StringMatching(`[A-Za-z0-9_.:-]{1,64}`).Draw(t, "id"),
		Channel: rapid.SampledFrom(Channels()).Draw(t, "channel"),
		Sender:  rapid.StringMatching(`[A-Za-zя ]{0,64}`).Draw(t, "sender"),
	}
	object := rapid.SampledFrom([]string{`{"a":1}`, `{"b":{"c":[1,2.5,null]},"a":"я"}`, `{"aps":{"alert":"x"}}`})
	if j.Channel == Push {
		j.Push = &PushContent{GCM: json.RawMessage(object.Draw(t, "gcm"))}
		if rapid.Bool().Draw(t, "both") {
			j.Push.APNS = json.RawMessage(object.Draw(t, "apns"))
		}
	} else {
		j.Text = "x" + rapid.StringN(0, 100, 400).Draw(t, "text")
	}
	if rapid.Bool().Draw(t, "by query") {
		j.Audience = &Audience{Collection: rapid.SampledFrom([]string{"users", "roles"}).Draw(t, "collection")}
		if rapid.Bool().Draw(t, "everyone") {
			j.Audience.Everyone = true
		} else {
			j.Audience.Query = json.RawMessage(object.Draw(t, "query"))
		}
	} else {
		j.To = fmt.Sprintf("+79%09d", rapid.IntRange(0, 999_999_999).Draw(t, "to"))
	}
	at := rapid.Int64Range(0, 4_000_000_000_000_000_000)
	if rapid.Bool().Draw(t, "later") {
		j.SendAt = time.Unix(0, at.Draw(t, "send_at")).UTC()
		j.ExpiresAt = j.SendAt.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "validity")))
	}
	if m := rapid.MapOfN(rapid.String(), rapid.String(), 0, MaxMetadata).Draw(t, "metadata"); len(m) > 0 {
		j.Metadata = m
	}
	return j
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := drawJob(t)
		data, err := j.Encode()
		require.NoError(t, err)
		got, err := Decode(data, "")
		require.NoError(t, err)
		require.Equal(t, j, got)

		// Any cut of it is refused, and names the job once the id is in.
		cut := rapid.IntRange(0, len(data)-1).Draw(t, "cut")
		part, err := Decode(data[:cut], "")
		require.Error(t, err)
		want := ""
		if cut >= len(`{"id":""`)+len(j.ID) {
			want = j.ID
		}
		require.Equal(t, want, part.ID)
	})
}

func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"jobs/valid/*.json", "jobs/invalid/*.json"} {
		for _, data := range files(f, pattern) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := Decode(data, "RU")
		require.NotNil(t, j)
		if err != nil {
			wrong, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			require.Contains(t, []Code{InvalidJob, InvalidRecipient, InvalidSender, InvalidContent}, wrong.Code)
			require.NotEmpty(t, wrong.Problem)
			require.True(t, j.ID == "" || validID(j.ID))
			require.True(t, j.Channel == "" || j.Channel.known())
			require.LessOrEqual(t, len(j.Metadata), MaxMetadata)
			return
		}
		normal, err := j.Encode()
		if err != nil { // a normal form may need more room than what was read
			require.EqualError(t, err, "is larger than 64 KiB")
			return
		}
		again, err := Decode(normal, "")
		require.NoError(t, err, "%s", normal)
		require.Equal(t, j.Hash(), again.Hash())
		require.Equal(t, j.ID, again.ID)
		require.Equal(t, j.Metadata, again.Metadata)
		require.True(t, j.SendAt.Equal(again.SendAt) && j.ExpiresAt.Equal(again.ExpiresAt))
	})
}

func BenchmarkDecode(b *testing.B) {
	all := files(b, "jobs/valid/*.json")
	for _, name := range []string{"sms", "sms-loose-phone", "sms-all-fields", "push-document"} {
		data := all["testdata/jobs/valid/"+name+".json"]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data, "RU"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("sms-in-place", func(b *testing.B) {
		data, j := all["testdata/jobs/valid/sms.json"], new(Job)
		b.ReportAllocs()
		for b.Loop() {
			if err := j.DecodeInPlace(data, "RU"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
