package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// totals is what a file takes.
type totals struct {
	Messages int    `json:"messages"` // sms
	Segments int    `json:"segments"`
	GSM7     int    `json:"gsm7"` // sms in that encoding
	UCS2     int    `json:"ucs2"`
	Others   int    `json:"others"` // jobs of other channels
	Refused  int    `json:"refused"`
	Cost     string `json:"cost,omitempty"`
	Currency string `json:"currency,omitempty"`
}

const estimateRow = "%-7s  %-37s  %-8s  %-8s  %-12s  %s\n"

// file measures a file's sms, one at a time.
func (e *estimate) file(name string, p price) error {
	format, err := e.formatOf(name)
	if err != nil {
		return err
	}
	file, _, err := e.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in, err := e.source(file, format)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(e.stdout)
	err = e.lines(out, in, p)
	return errors.Join(err, out.Flush())
}

func (e *estimate) lines(out io.Writer, in source, p price) error {
	sum := totals{Currency: e.currency}
	if !e.json() {
		if err := printRow(out, estimateRow, "LINE", "ID", "SEGMENTS", "ENCODING", "COST", "FORCED BY"); err != nil {
			return err
		}
	}
	for {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the file can't be read any further: %w", err)
		}
		if err := e.line(out, r, p, &sum); err != nil {
			return err
		}
	}
	sum.Cost = p.times(sum.Segments)
	if err := e.printTotals(out, sum); err != nil {
		return err
	}
	if sum.Refused > 0 {
		return fmt.Errorf("lines refused: %d", sum.Refused)
	}
	return nil
}

func (e *estimate) line(out io.Writer, r record, p price, sum *totals) error {
	ready := prepare(r, e.region)
	var j *job.Job
	err := ready.err
	if err == nil {
		j, err = job.Decode(ready.body, e.region)
	}
	switch {
	case err != nil:
		sum.Refused++
		return e.printRefusal(out, r.line, err)
	case j.Channel != job.SMS:
		sum.Others++
		return nil
	}
	m := e.measure(j.Text, p)
	m.Line, m.ID = r.line, j.ID
	sum.Messages++
	sum.Segments += m.Segments
	if m.Encoding == job.GSM7 {
		sum.GSM7++
	} else {
		sum.UCS2++
	}
	if e.json() {
		return printJSON(out, m)
	}
	return printRow(out, estimateRow, fmt.Sprint(m.Line), m.ID, count(m.Segments), string(m.Encoding), strings.TrimSpace(m.Cost+" "+m.Currency), forced(m.Forcing))
}

// mostForced is how many characters a row names.
const mostForced = 5

// forced names the characters that force UCS-2, the first few.
func forced(all []forcing) string {
	var names []string
	for i, f := range all {
		if i == mostForced {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(all)-i)
		}
		names = append(names, fmt.Sprintf("%s %s at %d", f.Character, f.CodePoint, f.Position))
	}
	return strings.Join(names, ", ")
}

func (e *estimate) printTotals(out io.Writer, t totals) error {
	if e.json() {
		return printJSON(out, t)
	}
	cost := ""
	if t.Cost != "" {
		cost = ", cost " + strings.TrimSpace(t.Cost+" "+t.Currency)
	}
	_, err := fmt.Fprintf(out, "%d sms (%d GSM-7, %d UCS-2), %d segments%s; %d jobs of other channels, %d refused\n",
		t.Messages, t.GSM7, t.UCS2, t.Segments, cost, t.Others, t.Refused)
	return err
}
