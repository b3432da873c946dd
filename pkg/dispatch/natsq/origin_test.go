package natsq

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The client library's reading is the measure.
func TestOriginOf(t *testing.T) {
	token := rapid.StringMatching(`[A-Za-z0-9_-]{1,12}`)
	number := rapid.StringMatching(`0|[1-9][0-9]{0,17}`)
	rapid.Check(t, func(t *rapid.T) {
		subject := "$JS.ACK."
		if rapid.Bool().Draw(t, "v2") {
			subject += token.Draw(t, "domain") + "." + token.Draw(t, "account") + "."
		}
		subject += token.Draw(t, "stream") + "." + token.Draw(t, "consumer")
		for range 5 {
			subject += "." + number.Draw(t, "number")
		}
		if strings.Count(subject, ".") > 8 && rapid.Bool().Draw(t, "random") {
			subject += "." + token.Draw(t, "random token")
		}
		meta, err := (&nats.Msg{Reply: subject, Sub: &nats.Subscription{}}).Metadata()
		require.NoError(t, err)
		o, ok := originOf(subject)
		require.True(t, ok)
		require.Equal(t, meta.Stream, o.stream)
		require.Equal(t, meta.Consumer, o.consumer)
		require.Equal(t, queueName(meta.Stream, meta.Consumer), o.queue)
		require.Equal(t, meta.Sequence.Stream, o.place)
		require.Equal(t, meta.NumDelivered, o.deliveries)
		require.Equal(t, meta.NumPending, o.pending)
		require.True(t, meta.Timestamp.Equal(o.at))
	})
	for _, bad := range []string{"", "x", "_INBOX.a.b", "$JS.ACK.", "$JS.ACK.S.C.1.2.3.4", "$JS.ACK.d.S.C.1.2.3.4.5", "$JS.ACK.S.C.1.x.3.4.5", "$JS.ACK.S.C.1.-2.3.4.5", "$JS.ACK.S.C.1.2..4.5", "$JS.ACK.S.C.1.2.3.4.",
		"$JS.ACK.S.C.1.2.3.4.9223372036854775808", "$JS.ACK.S.C.1.2.3.4.18446744073709551617", "$JS.ACK.S.C.1.2.3.4.5x"} {
		_, ok := originOf(bad)
		require.False(t, ok, bad)
	}
	reply := "$JS.ACK._.hash.DISPATCH_JOBS_URGENT.otp.1.42.42.1700000000000000000.7.x"
	require.Zero(t, testing.AllocsPerRun(100, func() { originOf(reply) }))
}
