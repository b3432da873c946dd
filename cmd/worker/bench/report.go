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

// row is one measure: the worker's values, and those of what it is compared with, if anything.
type row struct {
	measure, unit string
	worker        []float64
	other         string
	others        []float64
}

func newReport() *report { return &report{} }

// add notes a value of the worker.
func (r *report) add(measure, unit string, value float64) {
	row := r.row(measure, unit)
	row.worker = append(row.worker, value)
}

// beside notes a value of what the worker's is compared with.
func (r *report) beside(measure, unit, other string, value float64) {
	row := r.row(measure, unit)
	row.other, row.others = other, append(row.others, value)
}

func (r *report) row(measure, unit string) *row {
	i := slices.IndexFunc(r.rows, func(have *row) bool { return have.measure == measure })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, &row{measure: measure, unit: unit})
	}
	return r.rows[i]
}

// print writes the table: medians and, where there were several rounds, the least and the greatest value.
func (r *report) print(out io.Writer, machine string, o options) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "measure\tunit\t%s\tmin..max\tbeside\t\tmin..max\tratio\n", theWorker)
	for _, row := range r.rows {
		other, ratio := row.other, "-"
		if other == "" {
			other = "-"
		}
		if len(row.worker) > 0 && len(row.others) > 0 && median(row.others) > 0 {
			ratio = fmt.Sprintf("%.2f", median(row.worker)/median(row.others))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", row.measure, row.unit, cells(row.worker), other, cells(row.others), ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d rounds in turn, medians; ratio: worker to what stands beside it; %d jobs of %d bytes, packets of %d, %d requests in flight, provider delay %s, where a measure doesn't say otherwise\n%s\n",
		o.rounds, o.jobs, len(plain(1).message(0).Data), packet, o.inFlight, o.delay, machine)
	return err
}

// cells are the median and, where it isn't all there is to say, the range.
func cells(values []float64) string {
	if len(values) == 0 {
		return "-\t-"
	}
	least, most := slices.Min(values), slices.Max(values)
	if least == most {
		return number(least) + "\t-"
	}
	return number(median(values)) + "\t" + number(least) + ".." + number(most)
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
