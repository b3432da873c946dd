package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// importFile is the command that publishes a file of jobs.
type importFile struct {
	*app
	address
	defaults
	format string
}

func (a *app) importCommand() *cobra.Command {
	f := importFile{app: a}
	cmd := &cobra.Command{
		Use:   "import FILE --route ROUTE",
		Short: "Publish a file of jobs",
		Long: `Publish a file of jobs: CSV or NDJSON, by the file's extension or --format; '-' is standard input, NDJSON unless told otherwise.

CSV: UTF-8, separated by commas (RFC 4180); the first row names the columns, which are the fields of a job: id, channel, to, sender, text,
send_at, expires_at and metadata.<key>; to and text must be there. An empty cell is a field left out.
NDJSON: one job a line, in full, so also pushes and audiences. Times are in RFC 3339 in both.

Lines that no worker would take are refused: listed by number with the reason, while the import goes on. At the end stand the numbers of
jobs published, already there (stored by an earlier run within the server's duplicate window of 10 minutes) and refused.

It may be stopped at any point and run again: ids make it idempotent. A line without an id gets one made of its content (the
SHA-256 of the normalised job), wherever in whatever file it stands. So a file may be corrected and imported again, and no line of it
is sent twice; but lines that say the same, in all fields, are one job, also tomorrow: to send another one, give ids or let them differ in metadata.

When the stream is full the import waits for the workers; when the connection is lost, for its return.
Exit status: 1 if any line was refused or the import was stopped.`,
		Example: `  publisher import clients.csv --route news --lane bulk --sender MyShop
  publisher import jobs.ndjson --route news --tenant shop
  zcat jobs.ndjson.gz | publisher import - --route news --output json`,
		Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error { return f.run(ctx, args[0]) }),
	}
	f.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the file: csv or ndjson")
	flags.StringVar(&f.channel, "channel", string(job.SMS), "`CHANNEL` of jobs that name none: sms, viber or push")
	flags.StringVar(&f.sender, "sender", "", "`SENDER` of jobs that name none (default: the account's)")
	_ = cmd.MarkFlagRequired("route") // fails only for a flag that doesn't exist
	return cmd
}

func (f *importFile) run(ctx context.Context, name string) error {
	to, err := f.parse()
	if err != nil {
		return err
	}
	format, err := f.formatOf(name)
	if err != nil {
		return err
	}
	file, size, err := f.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	counts := new(counts)
	in, err := f.source(counting{file, counts}, format)
	if err != nil {
		return err
	}
	ctx, l, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	progress := newProgress(f.stderr, size, counts)
	defer progress.close()
	i := importer{js: l.js, prefix: f.prefix, to: to, region: f.region, counts: counts}
	i.say = func(format string, args ...any) { progress.aside(func() { f.sayf("import: "+format, args...) }) }
	i.refuse = func(line int, why error) (err error) {
		progress.aside(func() { err = f.printRefusal(f.stdout, line, why) })
		return err
	}
	first, err := i.run(ctx, in)
	progress.close()
	return errors.Join(f.printSummary(counts, err == nil), f.ending(counts, first, err))
}

func (f *importFile) formatOf(name string) (string, error) {
	switch f.format {
	case "csv", "ndjson":
		return f.format, nil
	case "":
	default:
		return "", usagef("--format must be csv or ndjson")
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return "csv", nil
	case ".ndjson", ".jsonl":
		return "ndjson", nil
	}
	if name == "-" {
		return "ndjson", nil
	}
	return "", usagef("--format is needed: the file's name ends neither in .csv nor in .ndjson")
}

// open opens the file; size is -1 where it isn't known.
func (f *importFile) open(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(f.stdin), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, -1, nil //nolint:nilerr // a size that isn't known is no fault
	}
	return file, info.Size(), nil
}

func (f *importFile) source(file io.Reader, format string) (source, error) {
	in := bufio.NewReaderSize(file, 64<<10)
	start, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}): // the byte order mark that Excel writes
		_, _ = in.Discard(3) // they are there
	}
	if format == "csv" {
		return newCSV(in, f.defaults)
	}
	return newNDJSON(in, f.defaults), nil
}

func (f *importFile) printRefusal(out io.Writer, line int, why error) error {
	if !f.json() {
		_, err := fmt.Fprintf(out, "line %d: %v\n", line, why)
		return err
	}
	refusal := struct {
		Line    int    `json:"line"`
		Field   string `json:"field,omitempty"`
		Problem string `json:"problem"`
	}{Line: line, Problem: why.Error()}
	if wrong, ok := errors.AsType[*job.Error](why); ok {
		refusal.Field, refusal.Problem = wrong.Field, wrong.Problem
	}
	return printJSON(out, refusal)
}

func (f *importFile) printSummary(c *counts, complete bool) error {
	published, duplicates, refused := c.published.Load(), c.duplicates.Load(), c.refused.Load()
	if f.json() {
		return printJSON(f.stdout, struct {
			Published  int64 `json:"published"`
			Duplicates int64 `json:"duplicates"`
			Refused    int64 `json:"refused"`
			Complete   bool  `json:"complete"`
		}{published, duplicates, refused, complete})
	}
	_, err := fmt.Fprintf(f.stdout, "%d published, %d already there, %d refused\n", published, duplicates, refused)
	return err
}

// ending is the error that the import ends with.
func (f *importFile) ending(c *counts, first int, err error) error {
	if err != nil {
		return fmt.Errorf("stopped, every line before line %d is stored or refused; run the same command again to go on: %w", first, err)
	}
	if refused := c.refused.Load(); refused > 0 {
		return fmt.Errorf("lines refused: %d", refused)
	}
	return nil
}
