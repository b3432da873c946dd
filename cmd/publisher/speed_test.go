package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkImport imports a file of b.N jobs, the server in the same process; it reports lines a second.
func BenchmarkImport(b *testing.B) {
	h := newHouse(b)
	text := jobLines(0, b.N)
	b.ResetTimer()
	s := start(b.Context(), h.URL(), strings.NewReader(text), importing("-")...)
	require.Equal(b, exitDone, s.wait(), s.stderr)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
