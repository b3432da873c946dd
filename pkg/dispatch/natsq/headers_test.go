package natsq

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever headers messages have, and however many, each has its own and nothing of those before it.
func TestHeadersOneAfterAnother(t *testing.T) {
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 0, 6, rapid.ID[string])
	rapid.Check(t, func(t *rapid.T) {
		h := newHeader(rapid.IntRange(0, 4).Draw(t, "room"))
		for range 8 {
			want := nats.Header{}
			h.begin()
			for _, key := range keys.Draw(t, "keys") {
				value := rapid.StringN(0, 3, -1).Draw(t, "value")
				h.set(key, value)
				want[key] = []string{value}
			}
			require.Equal(t, want, h.done())
		}
	})
}
