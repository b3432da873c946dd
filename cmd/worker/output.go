package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// format is how a list is printed: table or json.
type format string

// String, Set and Type make a format a flag's value.
func (f *format) String() string { return string(*f) }

// Set takes table or json.
func (f *format) Set(s string) error {
	if s != "table" && s != "json" {
		return fmt.Errorf("%q is unknown, use table or json", s)
	}
	*f = format(s)
	return nil
}

// Type is how the value is called in a command's help.
func (f *format) Type() string { return "table|json" }

// outputFlag adds --output to a command that lists something.
func outputFlag(cmd *cobra.Command) *format {
	f := format("table")
	cmd.Flags().Var(&f, "output", "how the result is printed")
	return &f
}

// printRows writes rows: as one JSON array, or as a table of cells under a head.
func printRows[T any](w io.Writer, f format, rows []T, head []string, cells func(T) []string) error {
	if f == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if rows == nil {
			rows = []T{}
		}
		return enc.Encode(rows)
	}
	var padded strings.Builder
	table := tabwriter.NewWriter(&padded, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(head, "\t"))
	for _, r := range rows {
		fmt.Fprintln(table, strings.Join(cells(r), "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(padded.String()) { // a row whose last cells are empty has only spaces there
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
