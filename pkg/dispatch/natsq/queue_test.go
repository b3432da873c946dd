package natsq

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The queue gives out everything once, in order, and by age no more than what is old enough.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, start := newQueue(), time.Unix(1000, 0)
		in, out := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				q.push(held{msg: &nats.Msg{Subject: strconv.Itoa(in)}, at: start.Add(time.Duration(in) * time.Second)})
				in++
			},
			"pop": func(t *rapid.T) {
				if in == out {
					t.Skip("empty")
				}
				h, ok := q.pop(context.Background())
				require.True(t, ok)
				require.Equal(t, strconv.Itoa(out), h.msg.Subject)
				out++
			},
			"shift old": func(t *rapid.T) {
				n := rapid.IntRange(0, in+1).Draw(t, "before")
				h, ok := q.shift(start.Add(time.Duration(n) * time.Second))
				require.Equal(t, out < in && out < n, ok)
				if ok {
					require.Equal(t, strconv.Itoa(out), h.msg.Subject)
					out++
				}
			},
			"": func(t *rapid.T) { require.LessOrEqual(t, len(q.items)-q.head, in-out) },
		})
		for ; out < in; out++ {
			h, ok := q.shift(time.Time{})
			require.True(t, ok)
			require.Equal(t, strconv.Itoa(out), h.msg.Subject)
		}
		_, ok := q.shift(time.Time{})
		require.False(t, ok)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok := newQueue().pop(ctx)
	require.False(t, ok)
}

func TestNextSubject(t *testing.T) {
	require.Equal(t, "$JS.API.CONSUMER.MSG.NEXT.S.C", nextSubject("", "S", "C"))
	require.Equal(t, "$JS.hub.API.CONSUMER.MSG.NEXT.S.C", nextSubject("$JS.hub.API", "S", "C"))
	require.Equal(t, "acme.CONSUMER.MSG.NEXT.S.C", nextSubject("acme.", "S", "C"))
}
