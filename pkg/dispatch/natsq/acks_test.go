package natsq

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

func TestRefusal(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{`{"stream":"DISPATCH_STATUS","seq":42}`, ""},
		{`{"stream":"S","seq":42,"duplicate": true}`, ""},
		{`{"stream":"S","seq":42,"duplicate":true}`, ""},
		{`{"stream":"S","domain":"hub","seq":42}`, ""},
		{`{"seq":7, "stream":"error"}`, ""},
		{`{"error":{"code":400,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0}`, "the server refused it: maximum messages exceeded (10077)"},
		{`{"stream":"S","seq":1,"error":{"err_code":10074,"description":"no response"}}`, "no response (10074)"},
		{`{"stream":"S","seq":0}`, "names no place"},
		{`{"stream":"S"}`, "names no place"},
		{`{"seq":1}`, "names no place"},
		{`{"stream":"S","seq":42`, "can't be read"},
		{`{"stream":"S","seq":`, "can't be read"},
		{`+OK`, "can't be read"},
		{``, "an empty answer"},
	} {
		err := refusal(&nats.Msg{Data: []byte(c.answer)})
		if c.want == "" {
			require.NoError(t, err, c.answer)
		} else {
			require.ErrorContains(t, err, c.want, c.answer)
		}
	}
	require.ErrorContains(t, refusal(&nats.Msg{Header: nats.Header{"Status": {"503"}}}), "no stream takes it")
}

func FuzzStored(f *testing.F) {
	f.Add([]byte(`{"stream":"S","seq":42}`))
	f.Add([]byte(`{"stream":"S","seq":42,"duplicate": true}`))
	f.Add([]byte(`{"stream":"S\\","seq":42}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !stored(data) {
			return
		}
		var answer struct {
			Stream string `json:"stream"`
			Seq    uint64 `json:"seq"`
			Error  any    `json:"error"`
		}
		require.NoError(t, json.Unmarshal(data, &answer))
		require.NotEmpty(t, answer.Stream)
		require.NotZero(t, answer.Seq)
		require.Nil(t, answer.Error)
	})
}

// BenchmarkEventMessage is the building of a message alone: BenchmarkPublish200 has the server in its own process and counts its memory, too.
func BenchmarkEventMessage(b *testing.B) {
	o := &Outlet{prefix: "dispatch"}
	e := &dispatch.Event{
		Event: job.Event{Job: "ord-1", Tenant: "shop", Route: "otp", Lane: job.Urgent, Channel: job.SMS, State: job.Submitted, Sequence: 9,
			At: time.Now(), Attempt: 1, Account: "prostor-main", Provider: "prostor", ProviderID: "2592608030", Segments: 1, Cost: "2.35", Currency: "RUB"},
		Trace: job.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		Hash:  "0123456789abcdef", Publication: "DISPATCH_JOBS_URGENT:1", Epoch: 2,
	}
	l := o.newLetterhead()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.event(e); err != nil {
			b.Fatal(err)
		}
	}
}
