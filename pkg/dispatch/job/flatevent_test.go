package job

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// agreeOnEvent sees that what is read as flat is what the JSON library reads, and never what that one refuses.
func agreeOnEvent(t *testing.T, data []byte) (flat bool) {
	t.Helper()
	got, ok := readFlatEvent(data)
	if !ok {
		return false
	}
	want := new(Event)
	require.NoError(t, json.Unmarshal(data, want), "%q", data)
	want.At, want.RetryAt = want.At.UTC(), want.RetryAt.UTC()
	got.At, got.RetryAt = got.At.UTC(), got.RetryAt.UTC()
	require.Equal(t, want, got, "%q", data)
	return true
}

const flatEvent = `{"job":"ord-42","tenant":"shop","route":"otp","lane":"urgent","channel":"sms","state":"submitted","final":false,"sequence":9,` +
	`"at":"2026-11-22T20:00:00.123Z","attempt":1,"account":"prostor-main","provider":"prostor","provider_id":"2592608030","provider_status":"accepted",` +
	`"segments":1,"cost":"2.35","currency":"RUB"}`

func TestFlatEventsAgree(t *testing.T) {
	for _, data := range []string{
		flatEvent, `{}`, ` { "final" : true , "sequence" : 0 } `, `{"at":"2026-11-22T23:00:00+03:00","retry_at":"2026-11-22T20:00:00.5Z"}`, `{"job":"\u0061\n","publication":"S:1"}`,
		`{"recipients":999999999}`,
	} {
		require.True(t, agreeOnEvent(t, []byte(data)), data)
	}
	for _, data := range []string{
		``, `{`, `[]`, `{"job":"a","job":"a"}`, `{"final":true,"final":true}`, `{"final":"true"}`, `{"final":truely}`, `{"final":null}`, `{"sequence":01}`, `{"sequence":-1}`, `{"sequence":1.5}`,
		`{"sequence":1e3}`, `{"sequence":"1"}`, `{"sequence":}`, `{"sequence":1000000000}`, `{"recipients":99999999999999999999}`, `{"at":"now"}`, `{"at":"0001-01-01T00:00:00Z"}`, `{"x":"a"}`, `{"x":1}`,
		`{"error":{"code":"expired"}}`, `{"metadata":{}}`, `{"job":7}`, "{\"job\":\"\xff\"}", `{"job":"a"}x`,
	} {
		require.False(t, agreeOnEvent(t, []byte(data)), data)
	}
}

func FuzzFlatEvent(f *testing.F) {
	for _, data := range files(f, "events/*.json") {
		f.Add(data)
	}
	f.Add([]byte(flatEvent))
	f.Fuzz(func(t *testing.T, data []byte) { agreeOnEvent(t, data) })
}

func BenchmarkDecodeEvent(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeEvent([]byte(flatEvent)); err != nil {
			b.Fatal(err)
		}
	}
}
