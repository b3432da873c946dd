package job

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The tables of 3GPP TS 23.038, row by row, the escape left out.
const (
	gsmDefault = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// Every rune there is has the width that the tables give it.
func TestAlphabet(t *testing.T) {
	require.Len(t, []rune(gsmDefault), 127)
	require.Len(t, []rune(gsmExtension), 10)
	want := make(map[rune]int)
	for _, r := range gsmDefault {
		want[r] = 1
	}
	for _, r := range gsmExtension {
		want[r] = 2
	}
	for r := rune(0); r <= 0x10ffff; r++ {
		if got := septetsOf(r); got != want[r] {
			t.Fatalf("%U: %d septets, want %d", r, got, want[r])
		}
	}
}

func TestSegments(t *testing.T) {
	many := strings.Repeat
	for _, c := range []struct {
		name, text string
		n          int
		enc        Encoding
	}{
		{"empty", "", 0, GSM7},
		{"one", "a", 1, GSM7},
		{"160", many("a", 160), 1, GSM7},
		{"161", many("a", 161), 2, GSM7},
		{"306", many("a", 306), 2, GSM7},
		{"307", many("a", 307), 3, GSM7},
		{"1530", many("a", 1530), 10, GSM7},
		{"1531", many("a", 1531), 11, GSM7},
		{"80 euros", many("€", 80), 1, GSM7},
		{"81 euros", many("€", 81), 2, GSM7},
		{"euro on the edge of one", many("a", 159) + "€", 2, GSM7},
		{"euros leave a septet free in each part", many("€", 152), 2, GSM7},
		{"so 153 of them take three", many("€", 153), 3, GSM7},
		{"euro split by the 153rd septet", many("a", 152) + "€" + many("a", 152), 3, GSM7},
		{"the same septets without a split", many("a", 151) + "€" + many("a", 153), 2, GSM7},
		{"70", many("я", 70), 1, UCS2},
		{"71", many("я", 71), 2, UCS2},
		{"134", many("я", 134), 2, UCS2},
		{"135", many("я", 135), 3, UCS2},
		{"670", many("я", 670), 10, UCS2},
		{"671", many("я", 671), 11, UCS2},
		{"35 emoji", many("😀", 35), 1, UCS2},
		{"36 emoji", many("😀", 36), 2, UCS2},
		{"66 emoji leave a unit free in each part", many("😀", 66), 2, UCS2},
		{"67 emoji", many("😀", 67), 3, UCS2},
		{"emoji on the edge", many("я", 66) + "😀" + many("я", 66), 3, UCS2},
		{"one foreign letter", many("a", 160) + "я", 3, UCS2},
		{"euro is one unit in UCS-2", many("€", 69) + "я", 1, UCS2},
		{"backtick", "`", 1, UCS2},
		{"small c cedilla", "ç", 1, UCS2},
		{"tab", "\t", 1, UCS2},
		{"escape", "\x1b", 1, UCS2},
		{"invalid UTF-8", "\xff", 1, UCS2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, enc := Segments(c.text)
			require.Equal(t, c.n, n)
			require.Equal(t, c.enc, enc)
			require.Equal(t, enc == UCS2, len(MeasureText(c.text).Outside) > 0)
		})
	}
}

func TestMeasureTellsWhatForcesUCS2(t *testing.T) {
	require.Empty(t, MeasureText(gsmDefault+gsmExtension).Outside)
	require.Equal(t, []Outside{{'я', 3, 3}, {'😀', 6, 1}, {'`', 7, 1}}, MeasureText("a я€я😀`я").Outside)
}

// What forces a text into UCS-2 is found where it stands, as often as it does.
func TestMeasureProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runes := rapid.SliceOfN(rapid.SampledFrom([]rune("aя€😀`Δ")), 0, 200).Draw(t, "text")
		var chars, want []rune
		for _, r := range runes {
			if septetsOf(r) == 0 && !slices.Contains(want, r) {
				want = append(want, r)
			}
		}
		for _, o := range MeasureText(string(runes)).Outside {
			chars = append(chars, o.Char)
			require.Equal(t, slices.Index(runes, o.Char)+1, o.First)
			require.Equal(t, strings.Count(string(runes), string(o.Char)), o.Times)
		}
		require.Equal(t, want, chars)
	})
}

// sizes is the units of each character of a text, found by other means than the code under test.
func sizes(text string) (units []int, gsm bool) {
	gsm = !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsmDefault+gsmExtension, r) })
	for _, r := range text {
		switch {
		case gsm && strings.ContainsRune(gsmExtension, r):
			units = append(units, 2)
		case gsm:
			units = append(units, 1)
		default:
			units = append(units, len(utf16.Encode([]rune{r})))
		}
	}
	return units, gsm
}

// checkSegments cuts a text into parts and holds the count to it.
func checkSegments(t require.TestingT, text string) {
	units, gsm := sizes(text)
	alone, part := 70, 67
	if gsm {
		alone, part = 160, 153
	}
	total := 0
	for _, u := range units {
		total += u
	}
	n, enc := Segments(text)
	require.Equal(t, gsm, enc == GSM7)
	m := MeasureText(text)
	require.Equal(t, Measure{Segments: n, Encoding: enc, Characters: len(units), Units: total, Left: m.Left, Outside: m.Outside}, m)
	switch {
	case total == 0:
		require.Zero(t, n)
		require.Zero(t, m.Left)
	case total <= alone:
		require.Equal(t, 1, n)
		require.Equal(t, alone-total, m.Left)
	default:
		parts, room := 0, 0
		for len(units) > 0 {
			room = part
			for len(units) > 0 && units[0] <= room {
				room -= units[0]
				units = units[1:]
			}
			parts++
		}
		require.Equal(t, parts, n)
		require.Equal(t, room, m.Left)
		require.GreaterOrEqual(t, n*part, total)
	}
}

func TestSegmentsProperty(t *testing.T) {
	gsm := rapid.SampledFrom([]rune("aZ9 @Δ€^|"))
	any := rapid.SampledFrom([]rune("aя€😀`"))
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SampledFrom([]*rapid.Generator[rune]{gsm, any}).Draw(t, "alphabet")
		runes := rapid.SliceOfN(of, 0, 700).Draw(t, "text")
		checkSegments(t, string(runes))
	})
}

// Whatever a text consists of, it is too long where its segments are too many.
func TestTooLong(t *testing.T) {
	for _, of := range []string{"a", "^", "€", "я", "😀", "я😀", "^a", "\xff"} {
		for bytes := 600; bytes < 6500; bytes++ {
			text := strings.Repeat(of, bytes/len(of))
			n, _ := Segments(text)
			require.Equal(t, n > MaxSegments, tooLong(text), "%d bytes of %q", len(text), of)
		}
	}
}

func FuzzSegments(f *testing.F) {
	for _, s := range []string{"", "a", "я", "😀", strings.Repeat("a", 152) + "€", strings.Repeat("я", 66) + "😀", "\xff\xc0", gsmDefault + gsmExtension} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkSegments(t, text) })
}

func BenchmarkSegments(b *testing.B) {
	for name, text := range map[string]string{"latin": strings.Repeat("code 1234 ", 30), "cyrillic": strings.Repeat("код 1234 ", 30)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Segments(text)
			}
		})
	}
}
