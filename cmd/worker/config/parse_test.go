package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "10GiB": 10 << 30, "500MB": 500e6, "1 kB": 1000, "64KiB": 64 << 10, "2TB": 2e12, "1tib": 1 << 40, "7B": 7,
		"8388607TiB": 8388607 << 40,
	} {
		got, err := size(1)(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "GiB", "-1", "1.5GiB", "1 GB of it", "8388608TiB", "9223372036854775808", "1KK", "٣"} {
		_, err := size(1)(text)
		require.Error(t, err, text)
	}
}

func TestDecimal(t *testing.T) {
	for _, text := range []string{"0", "100", "100.50", "0.000001"} {
		got, err := decimal(text)
		require.NoError(t, err)
		require.Equal(t, text, got)
	}
	for _, text := range []string{"", "-1", "1.", ".5", "1,5", "1e5", "NaN", "1000000000000000000000"} {
		_, err := decimal(text)
		require.Error(t, err, text)
	}
}

func TestBrief(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "d"))
		back, err := time.ParseDuration(brief(d))
		require.NoError(t, err)
		require.Equal(t, d, back)
	})
	require.Equal(t, "72h", brief(72*time.Hour))
	require.Equal(t, "10m", brief(10*time.Minute))
	require.Equal(t, "1h30m", brief(90*time.Minute))
	require.Equal(t, "10s", brief(10*time.Second))
}

func TestDidYouMean(t *testing.T) {
	keys := []string{"url", "replicas", "prefix", "ack_wait"}
	for word, want := range map[string]string{"replica": "replicas", "ackwait": "ack_wait", "Prefix": "prefix", "ulr": "", "timeout": ""} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		require.Equal(t, want, didYouMean(word, keys), word)
	}
}
