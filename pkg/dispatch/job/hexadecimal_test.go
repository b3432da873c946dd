package job

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHexadecimal(t *testing.T) {
	require.True(t, Hexadecimal(""))
	for c := range 256 {
		s := string([]byte{byte(c)})
		require.Equal(t, strings.Contains("0123456789abcdef", s), Hexadecimal(s), "%q", s)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.StringMatching(`[0-9a-f]{0,64}`), rapid.StringOf(rapid.RuneFrom([]rune("/09:@AF`afgG\x00\x7f\u00e9"))), rapid.String()).Draw(t, "text")
		require.Equal(t, strings.Trim(s, "0123456789abcdef") == "", Hexadecimal(s))
	})
}
