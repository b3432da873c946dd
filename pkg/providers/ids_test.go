package providers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseBase32ID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		id := Base32ID(key)
		for _, text := range []string{id, strings.ToLower(id), id[:5] + strings.ToLower(id[5:])} {
			bits, ok := ParseBase32ID(text)
			require.True(t, ok, text)
			require.Equal(t, key[:20], bits[:])
		}
		text := rapid.OneOf(rapid.StringOfN(rapid.RuneFrom([]rune("AZ27az0189@[`{ \x00\x12é")), 32, 32, -1), rapid.String()).Draw(t, "text")
		bits, ok := ParseBase32ID(text)
		require.Equal(t, ok, len(text) == 32 && strings.Trim(strings.ToUpper(text), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "")
		if ok {
			require.Equal(t, strings.ToUpper(text), Base32ID([32]byte(append(bits[:], make([]byte, 12)...))))
		}
	})
}
