package job

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// agree sees that what is read as flat is what the JSON library reads, and never what that one refuses.
func agree(t require.TestingT, data []byte) (flat bool) {
	got, ok := readFlat(new(Job), string(data))
	if !ok {
		return false
	}
	want, err := readAny(new(Job), data)
	require.NoError(t, err, "%q", data)
	require.Equal(t, want, got, "%q", data)
	return true
}

func TestFlatAgrees(t *testing.T) {
	for _, pattern := range []string{"jobs/valid/*.json", "jobs/invalid/*.json"} {
		for _, data := range files(t, pattern) {
			agree(t, data)
		}
	}
	for _, data := range []string{
		`{}`, ` { "id" : "a" } ` + "\r\n\t", `{"id":"a","text":"Код \u043a\u043e\u0434 \n \"\\ \ud83d\ude00"}`, `{"\u0069d":"a"}`,
		`{"metadata":{}}`, `{"metadata":{"a":"b","c":""},"id":"x"}`, `{"send_at":"2026-11-22T20:00:00Z","expires_at":"2026-11-22T23:00:00.5+03:00"}`,
		`{"id":"` + strings.Repeat("я", 100) + `","sender":"","to":"1","channel":"fax"}`,
	} {
		require.True(t, agree(t, []byte(data)), data)
	}
	for _, data := range []string{
		``, ` `, `{`, `}`, `{,}`, `{"id":"a",}`, `{"id":"a"}}`, `{"id":"a"} x`, `{"id":"a"}{}`, `{"id"}`, `{"id":}`, `{"id":"a" "to":"b"}`, `{id:"a"}`,
		`{"id":"a","id":"a"}`, `{"id":"a","\u0069d":"a"}`, `{"ID":"a"}`, `{"id":null}`, `{"id":7}`, `{"x":"a"}`, `{"id":{}}`, `{"id":"a`, `{"id":"a\"}`, `{"id":"a\`,
		`{"id":"\ud83d"}`, `{"id":"\x"}`, `{"id":"\u00g0"}`, "{\"id\":\"\xff\"}", "{\"id\":\"\xff\\n\"}", "{\"id\":\"a\nb\"}", "{\"id\":\"\x00\"}", "{\"id\":\"\\n\x01\"}", "\xef\xbb\xbf{}",
		"{\"id\":\"a\"}\v", `{"send_at":"now"}`, `{"push":{}}`, `{"audience":{}}`, `{"metadata":"a"}`, `{"metadata":null}`, `{"metadata":{"a":1}}`, `{"metadata":{"a":{}}}`,
		`{"metadata":{"a":"b","a":"b"}}`, `{"metadata":{},"metadata":{}}`, `{"metadata":{"a":"b"`, `[]`, `"a"`, `{"id":["a"]}`,
	} {
		require.False(t, agree(t, []byte(data)), data)
	}
}

func TestFlatReadsWhatProducersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := drawJob(t)
		data, err := j.Encode()
		require.NoError(t, err)
		require.Equal(t, j.Audience == nil && j.Push == nil, agree(t, data))
	})
}

func FuzzFlat(f *testing.F) {
	for _, pattern := range []string{"jobs/valid/*.json", "jobs/invalid/*.json"} {
		for _, data := range files(f, pattern) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, data) })
}
