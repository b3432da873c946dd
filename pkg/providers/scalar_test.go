package providers

import (
	"encoding/json"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScalar(t *testing.T) {
	for in, want := range map[string]Scalar{
		`"2592608030"`:            "2592608030",
		`2592608030`:              "2592608030",
		`99999999999999999999999`: "99999999999999999999999",
		`0.10`:                    "0.10",
		`-508784`:                 "-508784",
		`1e3`:                     "1e3",
		`"\u043e\u043a"`:          "ок",
		`""`:                      "",
		`null`:                    "",
		`true`:                    "",
		`[]`:                      "",
		`[1,2]`:                   "",
		`{"a":1}`:                 "",
	} {
		var v1, v2 struct{ A Scalar }
		v1.A, v2.A = "before", "before"
		require.NoError(t, json.Unmarshal([]byte(`{"A":`+in+`}`), &v1), in)
		require.NoError(t, jsonv2.Unmarshal([]byte(`{"A":`+in+`}`), &v2), in)
		require.Equal(t, want, v1.A, in)
		require.Equal(t, want, v2.A, in)
	}
}

func TestAmount(t *testing.T) {
	for in, want := range map[Scalar]string{
		"2.35": "2.35", "0.00": "0.00", "-508784": "-508784", "1000000": "1000000", " 2,35 ": "2.35",
		"": "", "2.": "", ".5": "", "1e3": "", "2.3.5": "", "--1": "", "1 000": "", "RUB": "", "0x10": "",
		"1234567890123456789012345678901": "",
	} {
		require.Equal(t, want, in.Amount(), in)
	}
}

func TestCount(t *testing.T) {
	for in, want := range map[Scalar]int{"2": 2, "2.0": 2, " 3 ": 3, "": 0, "-1": 0, "2.5": 0, "x": 0, "1000000": 0, "99999999999999999999": 0} {
		require.Equal(t, want, in.Count(), in)
	}
}

func FuzzScalar(f *testing.F) {
	for _, s := range []string{`1`, `"x"`, `null`, `{`, `"\ud800"`, `-`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Scalar
		if err := json.Unmarshal(b, &s); err != nil {
			return
		}
		if a := s.Amount(); a != "" {
			require.Regexp(t, `^-?[0-9]+(\.[0-9]+)?$`, a)
		}
		require.GreaterOrEqual(t, s.Count(), 0)
	})
}

func TestIDs(t *testing.T) {
	require.Equal(t, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Base32ID([32]byte{}))
	require.Equal(t, "100000000000000000", DecimalID([32]byte{}))
	rapid.Check(t, func(t *rapid.T) {
		key := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		require.Regexp(t, `^[A-Z2-7]{32}$`, Base32ID(key))
		require.Regexp(t, `^[1-9][0-9]{17}$`, DecimalID(key))
		other := key
		other[rapid.IntRange(0, 15).Draw(t, "at")]++
		require.NotEqual(t, Base32ID(key), Base32ID(other))
		require.NotEqual(t, DecimalID(key), DecimalID(other))
	})
}
