package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// report collects figures over the rounds, in the order in which they first came.
type report struct {
	rows []*row
}

// row is one measure of both subjects.
type row struct {
	measure, unit string
	values        map[string][]float64 // by subject
}

func newReport() *report { return &report{} }

func (r *report) add(subject, measure, unit string, value float64) {
	i := slices.IndexFunc(r.rows, func(have *row) bool { return have.measure == measure })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, &row{measure, unit, map[string][]float64{}})
	}
	r.rows[i].values[subject] = append(r.rows[i].values[subject], value)
}

// print writes the table: of each subject the median and, where there were several rounds, the least and the greatest value.
func (r *report) print(out io.Writer, machine string, o options) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "measure\tunit\t%s\tmin..max\t%s\tmin..max\tratio\n", theWorker, theBareLoop)
	for _, row := range r.rows {
		worker, bare := row.values[theWorker], row.values[theBareLoop]
		ratio := "-"
		if len(worker) > 0 && len(bare) > 0 && median(bare) > 0 {
			ratio = fmt.Sprintf("%.2f", median(worker)/median(bare))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", row.measure, row.unit, cells(worker), cells(bare), ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d rounds in turn, medians; ratio: worker to bare loop; %d jobs of %d bytes, packets of %d, %d requests in flight, provider delay %s\n%s\n",
		o.rounds, o.jobs, len(jobMessage(0).Data), packet, o.inFlight, o.delay, machine)
	return err
}

func cells(values []float64) string {
	if len(values) == 0 {
		return "-\t-"
	}
	return number(median(values)) + "\t" + number(slices.Min(values)) + ".." + number(slices.Max(values))
}

// median is the middle value, or the mean of the two middle ones.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// number shows three or four digits that matter, thousands with commas.
func number(v float64) string {
	switch {
	case v >= 1000:
		digits := fmt.Sprintf("%.0f", v)
		var b strings.Builder
		for i, d := range digits {
			if i > 0 && (len(digits)-i)%3 == 0 {
				b.WriteByte(',')
			}
			b.WriteRune(d)
		}
		return b.String()
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
