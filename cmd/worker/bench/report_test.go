package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	r := newReport()
	for _, v := range []float64{27_000, 26_000, 29_500} {
		r.add("throughput", "jobs/s", v)
		r.beside("throughput", "jobs/s", theBareLoop, 2*v)
	}
	r.beside("paced", "jobs/s", "arithmetic limit", 8000)
	r.add("paced", "jobs/s", 7900)
	r.add("peak memory", "MiB", 76.44)
	r.beside("not done", "ms", theBareLoop, 1.5)
	var out strings.Builder
	require.NoError(t, r.print(&out, "a machine", options{rounds: 3, jobs: 1000, inFlight: 16}))
	table, facts, ok := strings.Cut(out.String(), "\n\n")
	require.True(t, ok)
	require.Equal(t, `measure      unit    worker  min..max        beside                    min..max        ratio
throughput   jobs/s  27,000  26,000..29,500  bare loop         54,000  52,000..59,000  0.50
paced        jobs/s  7,900   -               arithmetic limit  8,000   -               0.99
peak memory  MiB     76.4    -               -                 -       -               -
not done     ms      -       -               bare loop         1.50    -               -`, table)
	require.Contains(t, facts, "3 rounds")
	require.True(t, strings.HasSuffix(facts, "\na machine\n"))
}

func TestOptions(t *testing.T) {
	var errs strings.Builder
	o, err := parse([]string{"-only", "paced,limit", "-rounds", "1"}, &errs)
	require.NoError(t, err)
	require.Equal(t, []string{"paced", "limit"}, o.only)
	o, err = parse(nil, &errs)
	require.NoError(t, err)
	require.Equal(t, measurements(), o.only)
	for _, args := range [][]string{{"-only", "speed"}, {"-rounds", "0"}, {"-jobs", "9"}, {"-delay", "-1s"}, {"x"}} {
		_, err := parse(args, &errs)
		require.Error(t, err, args)
	}
}

// Each name has its measurement.
func TestMeasurements(t *testing.T) {
	p := &plan{report: newReport()}
	all := p.measurements()
	require.Len(t, all, len(measurements()))
	for _, m := range all {
		require.NotEmpty(t, m.variants, m.name)
	}
}
