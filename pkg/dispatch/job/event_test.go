package job

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// eventTime is how events tell the time, to the time package.
const eventTime = "2006-01-02T15:04:05.000Z07:00"

func TestHeaders(t *testing.T) {
	e := &Event{Job: "ord-42", Tenant: "shop", Route: "otp", State: Submitted, Sequence: 9,
		At: time.Date(2026, 11, 22, 23, 0, 0, 123_999_999, time.FixedZone("", 3*3600))}
	id := e.ID()
	require.Regexp(t, `^[0-9a-f]{32}$`, id)
	want := map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-type": {"gonets.message.submitted"}, "ce-source": {"/gonets/otp"},
		"ce-subject": {"ord-42"}, "ce-time": {"2026-11-22T20:00:00.123Z"}, "content-type": {"application/json"}, "Nats-Msg-Id": {id},
	}
	require.Equal(t, want, e.Headers(Trace{}))
	want["traceparent"], want["tracestate"] = []string{"00-1-2-01"}, []string{"a=b"}
	require.Equal(t, want, e.Headers(Trace{Parent: "00-1-2-01", State: "a=b"}))
	require.Equal(t, "dispatch.status.shop.otp.submitted", e.Subject("dispatch"))
}

func TestEventID(t *testing.T) {
	base := Event{Tenant: "shop", Job: "a", Sequence: 1, State: Submitted, Publication: "S:1"}
	same := base
	same.State, same.Publication, same.At, same.Route, same.Account = Delivered, "S:2", time.Now(), "r", "x"
	require.Equal(t, base.ID(), same.ID(), "tenant, job and sequence alone count")

	refused := Event{Tenant: "shop", Job: "a", State: Rejected, Publication: "S:1"}
	again := refused
	again.Job = "S:1"
	require.Equal(t, refused.ID(), again.ID(), "tenant, publication and state alone count")

	ids := map[string]bool{base.ID(): true, refused.ID(): true}
	for _, e := range []Event{
		{Tenant: "shop", Job: "a", Sequence: 2}, {Tenant: "shop", Job: "b", Sequence: 1}, {Tenant: "sho", Job: "pa", Sequence: 1},
		{Tenant: "shop", Job: "a1", Sequence: 1}, {Tenant: "shop", Job: "a", Sequence: 11},
		{Tenant: "shop", State: Duplicate, Publication: "S:1"}, {Tenant: "shop", State: Rejected, Publication: "S:2"},
		{Tenant: "other", State: Rejected, Publication: "S:1"},
	} {
		require.False(t, ids[e.ID()], "%+v", e)
		ids[e.ID()] = true
	}
}

func TestFinal(t *testing.T) {
	always := map[State]bool{Delivered: true, Undelivered: true, Rejected: true, Expired: true, Failed: true, Unknown: true}
	require.Len(t, States(), 11)
	for _, s := range States() {
		require.Equal(t, always[s], s.Final(true), s)
		require.Equal(t, always[s] || s == Submitted, s.Final(false), s)
		require.True(t, ValidToken(string(s)), "a token of the subject")
	}
	require.False(t, State("new").Final(false))
}

func TestCodes(t *testing.T) {
	require.Len(t, Codes(), 17)
	seen := make(map[Code]bool)
	for _, c := range Codes() {
		require.False(t, seen[c], c)
		seen[c] = true
		require.Regexp(t, regexp.MustCompile(`^[a-z_]+$`), string(c), "a token of the subject")
	}
}

func TestDecodeEventIsLenient(t *testing.T) {
	e, err := DecodeEvent([]byte(`{"job":"a","state":"brand_new","later":{"x":[1]},"at":"2026-11-22T23:00:00+03:00"}`))
	require.NoError(t, err)
	require.Equal(t, &Event{Job: "a", State: "brand_new", At: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)}, e)
}

func TestDecodeEventRefuses(t *testing.T) {
	for data, words := range map[string]string{
		``: "ends too soon", `null`: "required", `{}`: "required", `[]`: "not a status event", `{"job":"a"}`: "required",
		`{"job":"a","state":"x","sequence":"+79612242243"}`: "sequence: has a value",
		`{"job":"a","state":"x","at":"+79612242243"}`:       "at: has a value",
		`{"job":"a","job":"a"}`:                             "job: is given twice",
		`{"job":"a","state":"x"} 1`:                         "not a status event",
		"{\"job\":\"\xff\"}":                                "job: is not valid UTF-8",
	} {
		e, err := DecodeEvent([]byte(data))
		require.ErrorContains(t, err, words, data)
		require.NotContains(t, err.Error(), "961")
		require.Nil(t, e)
	}
}

func TestEncodeEvent(t *testing.T) {
	data, err := (&Event{Error: &Reason{Code: Ambiguous, Message: "bad \xff words"}}).Encode()
	require.NoError(t, err, "a provider's broken words stop nobody")
	require.Contains(t, string(data), `"message":"bad `+"\ufffd"+` words"`)

	_, err = (&Event{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).Encode()
	require.Error(t, err)
	_, err = (&Event{RetryAt: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}).Encode()
	require.Error(t, err)
}

func drawEvent(t *rapid.T) *Event {
	words := rapid.String()
	some := rapid.OneOf(rapid.Just(""), words)
	number := rapid.OneOf(rapid.Just(0), rapid.Int())
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(-60_000_000_000_000, 250_000_000_000_000).Draw(t, "ms")).UTC()
	})
	e := &Event{
		Job: "j" + words.Draw(t, "job"), Tenant: words.Draw(t, "tenant"), Route: words.Draw(t, "route"), Lane: Lane(words.Draw(t, "lane")),
		Channel: Channel(some.Draw(t, "channel")), State: rapid.SampledFrom(States()).Draw(t, "state"), Final: rapid.Bool().Draw(t, "final"),
		Sequence: number.Draw(t, "sequence"), Publication: some.Draw(t, "publication"), At: at.Draw(t, "at"), Attempt: number.Draw(t, "attempt"),
		Account: some.Draw(t, "account"), Provider: some.Draw(t, "provider"), ProviderID: some.Draw(t, "provider id"),
		ProviderStatus: some.Draw(t, "provider status"), Segments: number.Draw(t, "segments"), Cost: some.Draw(t, "cost"),
		Currency: some.Draw(t, "currency"), Recipients: number.Draw(t, "recipients"),
	}
	if rapid.Bool().Draw(t, "failed") {
		e.Error = &Reason{Code: rapid.SampledFrom(Codes()).Draw(t, "code"), Message: some.Draw(t, "message")}
	}
	if rapid.Bool().Draw(t, "retrying") {
		e.RetryAt = at.Draw(t, "retry_at")
	}
	if m := rapid.MapOfN(words, words, 0, 5).Draw(t, "metadata"); len(m) > 0 {
		e.Metadata = m
	}
	return e
}

// What is written by hand is what the library writes, but for the milliseconds of at, which the library leaves out where they are zero.
func TestEncodeAgreesWithLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		got, err := e.Encode()
		require.NoError(t, err)
		want, err := json.Marshal(e, json.Deterministic(true))
		require.NoError(t, err)
		trimmed := `"at":"` + e.At.Format(time.RFC3339Nano) + `"`
		require.Equal(t, string(want), strings.Replace(string(got), `"at":"`+e.At.Format(eventTime)+`"`, trimmed, 1))
		back, err := DecodeEvent(got)
		require.NoError(t, err)
		require.Equal(t, e, back)
	})
}

// What a wire gives of an event doesn't depend on the events before it.
func TestEventsOneAfterAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWire("dispatch")
		e := drawEvent(t)
		for range rapid.IntRange(1, 10).Draw(t, "events") {
			var alone, after map[string]string
			headers := func(into *map[string]string) func(key, value string) {
				*into = map[string]string{}
				return func(key, value string) { (*into)[key] = value }
			}
			require.Equal(t, NewWire("dispatch").Event(e, Trace{}, headers(&alone)), w.Event(e, Trace{}, headers(&after)))
			require.Equal(t, alone, after)
			want, err := e.Encode()
			require.NoError(t, err)
			got, err := w.Data([]byte("before"), e)
			require.NoError(t, err)
			require.Equal(t, "before"+string(want), string(got))

			e = changed(t, *e)
		}
	})
}

// changed is an event that differs from another in some fields, or none.
func changed(t *rapid.T, e Event) *Event {
	other := reflect.ValueOf(drawEvent(t)).Elem()
	fields := reflect.ValueOf(&e).Elem()
	for range rapid.IntRange(0, 2).Draw(t, "fields") {
		i := rapid.IntRange(0, fields.NumField()-1).Draw(t, "field")
		fields.Field(i).Set(other.Field(i))
	}
	return &e
}

func FuzzDecodeEvent(f *testing.F) {
	for _, data := range files(f, "events/*.json") {
		f.Add(data)
	}
	f.Add([]byte(`{"job":"a","state":"new","at":"2026-11-22T23:00:00.123456+03:00","x":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEvent(data)
		if err != nil {
			return
		}
		first, err := e.Encode()
		if err != nil { // UTC may lie beyond the last year there is
			return
		}
		again, err := DecodeEvent(first)
		require.NoError(t, err)
		second, err := again.Encode()
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
	})
}

func BenchmarkEventEncode(b *testing.B) {
	e, err := DecodeEvent(files(b, "events/*.json")["testdata/events/contract.json"])
	require.NoError(b, err)
	b.Run("hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(e, json.Deterministic(true)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("headers", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Headers(Trace{})
		}
	})
}
