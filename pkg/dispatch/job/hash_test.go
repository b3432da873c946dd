package job

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func decode(t require.TestingT, data string) *Job {
	j, err := Decode([]byte(data), "RU")
	require.NoError(t, err, data)
	return j
}

// Each group is one content; no two groups are.
func TestHash(t *testing.T) {
	groups := [][]string{
		{
			`{"id":"a","channel":"sms","to":"+79612242243","text":"Hi"}`,
			`{"id":"b","channel":"sms","to":"8 (961) 224-22-43","text":"H\u0069","metadata":{"k":"v"}}`,
			`{"text":"Hi","to":"+79612242243","sender":"","channel":"sms","id":"a","send_at":"2026-11-22T20:00:00Z"}`,
		},
		{`{"id":"a","channel":"viber","to":"+79612242243","text":"Hi"}`},
		{`{"id":"a","channel":"sms","to":"+79612242244","text":"Hi"}`},
		{`{"id":"a","channel":"sms","to":"+79612242243","text":"Hi "}`},
		{`{"id":"a","channel":"sms","to":"+79612242243","text":"Hi","sender":"S"}`},
		{`{"id":"a","channel":"sms","to":"+79612242243","text":"i","sender":"SH"}`},
		{
			`{"id":"a","channel":"sms","audience":{"collection":"users","query":{"a":1,"b":{"c":1.5,"d":"x"}}},"text":"Hi"}`,
			`{"id":"a","channel":"sms","audience":{"query":{ "b":{"d":"\u0078","c":1.50}, "a":1 },"collection":"users"},"text":"Hi"}`,
		},
		{`{"id":"a","channel":"sms","audience":{"collection":"roles","query":{"a":1,"b":{"c":1.5,"d":"x"}}},"text":"Hi"}`},
		{`{"id":"a","channel":"sms","audience":{"collection":"users","query":{"a":9007199254740993}},"text":"Hi"}`},
		{`{"id":"a","channel":"sms","audience":{"collection":"users","query":{"a":9007199254740992}},"text":"Hi"}`},
		{`{"id":"a","channel":"sms","audience":{"collection":"users","query":{"a":[1,2]}},"text":"Hi"}`},
		{`{"id":"a","channel":"sms","audience":{"collection":"users","query":{"a":[2,1]}},"text":"Hi"}`},
		{`{"id":"a","channel":"sms","audience":{"collection":"users","everyone":true},"text":"Hi"}`},
		{`{"id":"a","channel":"push","audience":{"collection":"users","everyone":true},"push":{"gcm":{"data":{"k":"v"}}}}`,
			`{"id":"a","channel":"push","audience":{"collection":"users","everyone":true},"push":{"apns":{},"gcm":{"data":{ "k":"v"}}}}`},
		{`{"id":"a","channel":"push","audience":{"collection":"users","everyone":true},"push":{"apns":{"data":{"k":"v"}}}}`},
	}
	seen := make(map[string]int)
	for i, group := range groups {
		for _, data := range group {
			hash := decode(t, data).Hash()
			require.Len(t, hash, 32)
			if other, ok := seen[hash]; ok {
				require.Equal(t, i, other, data)
			}
			seen[hash] = i
		}
	}
	require.Len(t, seen, len(groups), "one hash a group")
}

func TestHashIgnoresTimesAndMetadata(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := drawJob(t)
		hash := j.Hash()
		j.ID, j.SendAt, j.ExpiresAt, j.Metadata = "other", time.Time{}, time.Time{}, nil
		require.Equal(t, hash, j.Hash())
		j.Sender += "x"
		require.NotEqual(t, hash, j.Hash())
	})
}

// Hash must not touch the job: it is shared.
func TestHashLeavesJobAlone(t *testing.T) {
	j := &Job{Audience: &Audience{Query: json.RawMessage(`{ "b":1, "a":2 }`)}}
	require.Equal(t, j.Hash(), j.Hash())
	require.Equal(t, `{ "b":1, "a":2 }`, string(j.Audience.Query))
	bad := &Job{Audience: &Audience{Query: json.RawMessage(`{`)}}
	require.NotEqual(t, j.Hash(), bad.Hash())
}

func TestKey(t *testing.T) {
	j := Job{ID: "bc", Channel: SMS, Text: "x"}
	key := j.Key("a")
	require.Equal(t, key, j.Key("a"))
	other := j
	other.ID = "c"
	require.NotEqual(t, key, other.Key("ab"), "tenant and id must not run together")
	other = j
	other.Text = "y"
	require.NotEqual(t, key, other.Key("a"))
}

func TestMsgID(t *testing.T) {
	// printf abc | sha256sum
	require.Equal(t, "shop:ord-42:ba7816bf8f01cfea", MsgID("shop", "ord-42", []byte("abc")))
}

func BenchmarkHash(b *testing.B) {
	for _, name := range []string{"sms", "push-document"} {
		j, err := Decode(files(b, "jobs/valid/*.json")["testdata/jobs/valid/"+name+".json"], "RU")
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				j.Hash()
			}
		})
	}
}
