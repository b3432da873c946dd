package job

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for _, c := range []struct {
		words string
		max   int
		want  string
	}{
		{"", 10, ""},
		{"invalid mobile phone", 100, "invalid mobile phone"},
		{"error 1234", 100, "error 1234"},
		{"error 12345", 100, "error ***"},
		{"phone +79612242243 is blocked", 100, "phone *** is blocked"},
		{"phone 8 (961) 224-22-43.", 100, "phone ***."},
		{"+7 961 224‑22–43 и +7.961.224.22.44", 100, "*** и ***"},
		{"(961) 22", 100, "***"},
		{"to:+(7)9612242243", 100, "to:***"},
		{"7961224\u200b2243", 100, "***"},
		{"7961\n2242243", 100, "***"},
		{"7961\u00002242243", 100, "***"},
		{"٧٩٦١٢٢٤", 100, "***"},
		{"12 34", 100, "12 34"},
		{"1, 2, 3, 4, 5, 6", 100, "1, 2, 3, 4, 5, 6"},
		{"12:34:56", 100, "12:34:56"},
		{"12345x678x90123", 100, "***x678x***"},
		{"line\r\nnext\tone\x1b[31m", 100, "line  next one[31m"},
		{"от\u202eверх", 100, "отверх"},
		{"привет", 5, "пр"},
		{"привет", 12, "привет"},
		{"abc", 0, ""},
		{"abc", -1, ""},
		{"abcdef", 3, "abc"},
		{"phone 79612242243", 8, "phone **"},
		{"a\xffb", 10, "a\ufffdb"},
	} {
		require.Equal(t, c.want, Mask(c.words, c.max), "%q", c.words)
	}
}

func checkMask(t require.TestingT, words string, limit int) {
	got := Mask(words, limit)
	require.LessOrEqual(t, len(got), max(limit, 0))
	require.True(t, utf8.ValidString(got))
	require.Equal(t, got, Mask(got, limit))
	digits := 0
	for _, r := range got {
		require.False(t, unicode.IsControl(r))
		switch {
		case unicode.IsDigit(r):
			digits++
		case !strings.ContainsRune(" -.()", r):
			digits = 0
		}
		require.Less(t, digits, 5, "%q of %q", got, words)
	}
}

func TestMaskProperty(t *testing.T) {
	some := rapid.SampledFrom([]rune("0123456789+ -.()яx,*\n\u200b\u00a0٧\x00"))
	rapid.Check(t, func(t *rapid.T) {
		checkMask(t, string(rapid.SliceOf(some).Draw(t, "words")), rapid.IntRange(-1, 80).Draw(t, "limit"))
	})
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "invalid mobile phone +7 (961) 224-22-43", "12+345", "++((1 2 3 4 5", "a\xff12345", "٧٩٦١٢"} {
		f.Add(s, 64)
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, words string, limit int) { checkMask(t, words, limit) })
}

func BenchmarkMask(b *testing.B) {
	for name, words := range map[string]string{"clean": "invalid mobile phone", "phone": "phone +7 (961) 224-22-43 is on the stop list"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Mask(words, 256)
			}
		})
	}
}
