package job

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var token = regexp.MustCompile(`\A[a-z0-9][a-z0-9-]{0,31}\z`)

func TestJobSubject(t *testing.T) {
	a := Address{Lane: Urgent, Route: "otp", Tenant: "shop"}
	require.Equal(t, "dispatch.jobs.urgent.otp.shop", a.JobSubject("dispatch"))
	got, err := ParseJobSubject("acme.dispatch", "acme.dispatch.jobs.urgent.otp.shop")
	require.NoError(t, err)
	require.Equal(t, a, got)
}

func TestParseJobSubjectRefuses(t *testing.T) {
	for subject, words := range map[string]string{
		"":                                "must be dispatch.jobs.",
		"dispatch":                        "must be dispatch.jobs.",
		"dispatch.jobs.urgent.otp":        "must be dispatch.jobs.",
		"dispatch.jobs.urgent":            "must be dispatch.jobs.",
		"other.jobs.urgent.otp.shop":      "must be dispatch.jobs.",
		"dispatch2.jobs.urgent.otp.shop":  "must be dispatch.jobs.",
		"dispatch.later.urgent.otp.shop":  "must be dispatch.jobs.",
		"dispatch.jobs.quick.otp.shop":    `lane "quick"`,
		"dispatch.jobs.Urgent.otp.shop":   `lane "Urgent"`,
		"dispatch.jobs..otp.shop":         `lane ""`,
		"dispatch.jobs.urgent.*.shop":     `route "*"`,
		"dispatch.jobs.urgent..shop":      `route ""`,
		"dispatch.jobs.urgent.otp.":       `tenant ""`,
		"dispatch.jobs.urgent.otp.a.b":    `tenant "a.b"`,
		"dispatch.jobs.urgent.otp.-a":     `tenant "-a"`,
		"dispatch.jobs.urgent.otp.магази": `tenant "магази"`,
	} {
		a, err := ParseJobSubject("dispatch", subject)
		require.ErrorContains(t, err, words, subject)
		require.Zero(t, a)
	}
}

func TestParseLane(t *testing.T) {
	for _, l := range Lanes() {
		got, err := ParseLane(string(l))
		require.NoError(t, err)
		require.Equal(t, l, got)
	}
	for _, s := range []string{"", "URGENT", " bulk", "slow"} {
		_, err := ParseLane(s)
		require.EqualError(t, err, `lane "`+s+`": must be urgent, normal or bulk`)
	}
}

func TestValidToken(t *testing.T) {
	for _, s := range []string{"a", "0", "a-", "a--b", strings.Repeat("a", 32)} {
		require.True(t, ValidToken(s), s)
	}
	for _, s := range []string{"", "-", "-a", "A", "a.b", "a b", "a*", ">", "я", "a\n", strings.Repeat("a", 33)} {
		require.False(t, ValidToken(s), s)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.SampledFrom([]rune("az09-A._я\n")), 0, 34).Draw(t, "s"))
		require.Equal(t, token.MatchString(s), ValidToken(s), s)
	})
}

func FuzzParseJobSubject(f *testing.F) {
	for _, s := range []string{"", "dispatch.jobs.urgent.otp.shop", "dispatch.jobs.bulk.a.b.c", "dispatch.jobs.normal.*.>"} {
		f.Add("dispatch", s)
	}
	f.Add("a.b", "a.b.jobs.bulk.r-1.0")
	f.Fuzz(func(t *testing.T, prefix, subject string) {
		a, err := ParseJobSubject(prefix, subject)
		if err != nil {
			require.Zero(t, a)
			return
		}
		require.Equal(t, subject, a.JobSubject(prefix))
		require.True(t, token.MatchString(a.Route) && token.MatchString(a.Tenant))
		require.Contains(t, Lanes(), a.Lane)
	})
}

func BenchmarkParseJobSubject(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseJobSubject("dispatch", "dispatch.jobs.urgent.otp.shop"); err != nil {
			b.Fatal(err)
		}
	}
}
