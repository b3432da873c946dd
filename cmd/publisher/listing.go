package main

import (
	"encoding/json"
	"io"
)

// listing writes what is listed as it is found, as a table or one JSON array, and keeps none of it.
type listing struct {
	out    io.Writer
	asJSON bool
	format string
	header []string
	began  bool
}

func newListing(a *app, format string, header ...string) *listing {
	return &listing{out: a.stdout, asJSON: a.json(), format: format, header: header}
}

// add writes an entry: v in JSON, cells in a table.
func (l *listing) add(v any, cells ...string) error {
	if l.asJSON {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return l.raw(data)
	}
	if err := l.begin(); err != nil {
		return err
	}
	return printRow(l.out, l.format, cells...)
}

// raw writes an entry of an array, each on a line of its own.
func (l *listing) raw(data []byte) error {
	before := ",\n"
	if !l.began {
		before = "[\n"
	}
	l.began = true
	_, err := l.out.Write(append([]byte(before), data...))
	return err
}

func (l *listing) begin() error {
	if l.began {
		return nil
	}
	l.began = true
	return printRow(l.out, l.format, l.header...)
}

// end finishes the table or the array. What failed before it was called is recognised by its absence.
func (l *listing) end() error {
	if !l.asJSON {
		return l.begin()
	}
	last := "\n]\n"
	if !l.began {
		last = "[]\n"
	}
	_, err := io.WriteString(l.out, last)
	return err
}
