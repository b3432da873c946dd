package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// estimating runs the command with nobody at NATS's address.
func estimating(t *testing.T, code int, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	got, stdout, stderr := publisher(t, "nats://127.0.0.1:1", stdin, append([]string{"estimate"}, args...)...)
	require.Equal(t, code, got, stderr)
	return stdout, stderr
}

func TestEstimateOfAText(t *testing.T) {
	for _, c := range []struct {
		text string
		want measured
	}{
		{"Code 1234", measured{Segments: 1, Encoding: job.GSM7, Characters: 9, Units: 9, Left: 151, Cost: "2.35"}},
		{strings.Repeat("x", 160), measured{Segments: 1, Encoding: job.GSM7, Characters: 160, Units: 160, Cost: "2.35"}},
		{strings.Repeat("x", 161), measured{Segments: 2, Encoding: job.GSM7, Characters: 161, Units: 161, Left: 145, Cost: "4.70"}},
		{strings.Repeat("€", 80), measured{Segments: 1, Encoding: job.GSM7, Characters: 80, Units: 160, Cost: "2.35"}},
		{strings.Repeat("x", 152) + "€" + strings.Repeat("x", 7), measured{Segments: 2, Encoding: job.GSM7, Characters: 160, Units: 161, Left: 144, Cost: "4.70"}},
		{"It’s “it”, it’s", measured{Segments: 1, Encoding: job.UCS2, Characters: 15, Units: 15, Left: 55, Cost: "2.35", Forcing: []forcing{
			{"’", "U+2019", 3, 2}, {"“", "U+201C", 6, 1}, {"”", "U+201D", 9, 1}}}},
		{strings.Repeat("😀", 36), measured{Segments: 2, Encoding: job.UCS2, Characters: 36, Units: 72, Left: 61, Cost: "4.70", Forcing: []forcing{{"😀", "U+1F600", 1, 36}}}},
		{"tab\t", measured{Segments: 1, Encoding: job.UCS2, Characters: 4, Units: 4, Left: 66, Cost: "2.35", Forcing: []forcing{{"\t", "U+0009", 4, 1}}}},
	} {
		c.want.Currency = "RUB"
		stdout, _ := estimating(t, exitDone, "", "--text", c.text, "--price", "2.35", "--currency", "RUB", "--output", "json")
		var got measured
		require.NoError(t, json.Unmarshal([]byte(stdout), &got))
		require.Equal(t, c.want, got, c.text)
	}
	stdout, stderr := estimating(t, exitDone, "", "--text", "It’s\t€", "--price", "0.1", "--currency", "EUR")
	require.Equal(t, `segments    1
encoding    UCS-2
characters  6, which take 6 UTF-16 code units; the last segment has room for 64 more
cost        0.1 EUR

CODE POINT  POSITION  TIMES  FORCES UCS-2
U+2019      3         1      "’"
U+0009      5         1      "\t"
`, stdout)
	require.Empty(t, stderr)
	stdout, stderr = estimating(t, exitFailed, "", "--text", strings.Repeat("я", 671))
	require.Contains(t, stdout, "segments    11\n")
	require.NotContains(t, stdout, "cost")
	require.Contains(t, stderr, "longer than 10 segments")
}

func TestEstimateOfAFile(t *testing.T) {
	file := writeFile(t, "clients.csv", "id,to,text,channel\na,8 (961) 224-22-43,Hello,\n,+79612242244,Привет,\nc,12,Bad,\nd,+79612242245,Hi,viber\ne,+79612242246,"+strings.Repeat("я", 71)+",\n")
	stdout, stderr := estimating(t, exitFailed, "", file, "--price", "2.35", "--currency", "RUB")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 6)
	require.Regexp(t, `^2 +a +1 +GSM-7 +2\.35 RUB$`, lines[1])
	require.Regexp(t, `^3 +line-[0-9a-f]{32} +1 +UCS-2 +2\.35 RUB +П U\+041F at 1, р U\+0440 at 2, и U\+0438 at 3, в U\+0432 at 4, е U\+0435 at 5 and 1 more$`, lines[2])
	require.Regexp(t, `^line 4: to: `, lines[3])
	require.Regexp(t, `^6 +e +2 +UCS-2 +4\.70 RUB +я U\+044F at 1$`, lines[4])
	require.Equal(t, "3 sms (1 GSM-7, 2 UCS-2), 4 segments, cost 9.40 RUB; 1 jobs of other channels, 1 refused", lines[5])
	require.Contains(t, stderr, "lines refused: 1")
	require.NotContains(t, stdout, "9612242")

	stdout, _ = estimating(t, exitDone, `{"to":"+79612242243","text":"x"}`+"\n"+`{"channel":"push","audience":{"collection":"users","everyone":true},"push":{"gcm":{"data":{}}}}`, "-", "--output", "json")
	lines = strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"messages":1,"segments":1,"gsm7":1,"ucs2":0,"others":1,"refused":0}`, lines[1])
}

// A price is reckoned as on paper: as many hundredths, or whatever it has, as segments times those of the price.
func TestPriceIsExact(t *testing.T) {
	p, err := parsePrice("0.1")
	require.NoError(t, err)
	require.Equal(t, "0.3", p.times(3))
	p, err = parsePrice("123456789012345678901234567.89")
	require.NoError(t, err)
	require.Equal(t, "123456789012345678901234567890.00", p.times(1000))
	p, err = parsePrice("")
	require.NoError(t, err)
	require.Empty(t, p.times(3))
	for _, bad := range []string{"-1", "1.", ".5", "1,5", "1e3", "1/3", " 1", "NaN", strings.Repeat("1", 41)} {
		_, err := parsePrice(bad)
		require.Error(t, err, bad)
	}
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.IntRange(0, 1e6).Draw(t, "hundredths")
		n := rapid.IntRange(0, 1e6).Draw(t, "segments")
		p, err := parsePrice(hundredths(cents))
		require.NoError(t, err)
		require.Equal(t, hundredths(cents*n), p.times(n))
	})
}

func hundredths(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
