package providers

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	for _, tc := range []struct{ name, words, want string }{
		{"plain", "invalid mobile phone", "invalid mobile phone"},
		{"phone", "no +79612242243 here", "no +*** here"},
		{"phone with separators", "no 8 (961) 224-22-43, sorry", "no ***, sorry"},
		{"phone with dots and odd dashes", "7.961.224–22‑43", "***"},
		{"phone with no-break spaces", "7\u00a0961\u00a0224", "***"},
		{"phone with invisible joiners", "7961\u200b224\u00ad2243", "***"},
		{"phone in other digits", "٠١٢٣٤٥٦", "***"},
		{"short numbers stay", "HTTP 502, 70 of 1000", "HTTP 502, 70 of 1000"},
		{"two short numbers", "12 apples 34 pears", "12 apples 34 pears"},
		{"credential", "bad password s3cret/9", "bad password ******"},
		{"credential in a URL", "?p=s3cret%2F9&x", "?p=******&x"},
		{"credential in JSON", `{"p":"s3cret\/9"}`, `{"p":"******"}`},
		{"longer one first", "token s3cret/9-long", "token ******"},
		{"credential with a break in it", "s3cre\x00t/9", "s3cre t/9"},
		{"controls", "one\r\n\ttwo\x1b[31m", "one two [31m"},
		{"not UTF-8", "a\xff\xfeb", "ab"},
		{"empty", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, Redact(tc.words, "s3cret/9", "", "s3cret/9-long"))
		})
	}
}

func TestRedactBounds(t *testing.T) {
	got := Redact(strings.Repeat("я", 1000))
	require.Len(t, got, MaxWords)
	got = Redact("x" + strings.Repeat("я", 1000))
	require.Len(t, got, MaxWords-1)
	require.True(t, utf8.ValidString(got))
	require.NotContains(t, Redact(strings.Repeat("x", MaxWords-3)+"hunter2", "hunter2"), "hun", "a secret cut in two")
}

func TestRedactProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z/"+ ]{3,12}`).Draw(t, "secret")
		pieces := rapid.SliceOf(rapid.OneOf(
			rapid.String(), rapid.Just(secret), rapid.StringMatching(`\+?[0-9]{1,4}([ ().-]{0,2}[0-9]{1,4}){0,4}`),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))).Draw(t, "pieces")
		got := Redact(strings.Join(pieces, ""), Secret(secret))
		require.LessOrEqual(t, len(got), MaxWords)
		require.True(t, utf8.ValidString(got))
		require.Equal(t, -1, strings.IndexFunc(got, unicode.IsControl))
		if inner := strings.TrimSpace(secret); strings.Trim(inner, "*") != "" {
			require.NotContains(t, got, strings.Join(strings.Fields(secret), " "))
		}
		require.NotRegexp(t, `[0-9]{5}`, got)
		require.Equal(t, got, Redact(got), "words already redacted change again")
	})
}
