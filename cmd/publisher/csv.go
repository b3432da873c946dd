package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// columns are the fields of a job that a CSV file can hold, besides metadata.<key>.
//
//nolint:gochecknoglobals // a table that nobody writes to
var columns = [...]string{"id", "channel", "to", "sender", "text", "send_at", "expires_at"}

const metadataColumn = "metadata."

// row is a record of a CSV file, as a job's JSON. An empty cell is a field left out.
type row struct {
	ID        string            `json:"id,omitempty"`
	Channel   string            `json:"channel,omitempty"`
	To        string            `json:"to,omitempty"`
	Sender    string            `json:"sender,omitempty"`
	Text      string            `json:"text,omitempty"`
	SendAt    string            `json:"send_at,omitempty"`
	ExpiresAt string            `json:"expires_at,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// csvFile reads jobs from CSV as in RFC 4180: separated by commas, quoted where needed, cells of several lines allowed. The first row names
// the columns.
type csvFile struct {
	in       *csv.Reader
	bound    *bound
	header   []string
	defaults defaults
	line     int // that the last record began on
}

// newCSV reads the header. Errors about it are usage errors: no line of the file could be understood.
func newCSV(in io.Reader, d defaults) (*csvFile, error) {
	limit := &bound{in: in}
	c := &csvFile{in: csv.NewReader(limit), bound: limit, defaults: d}
	c.in.ReuseRecord = true
	limit.left = maxRecord
	header, err := c.in.Read()
	c.line = 1
	if errors.Is(err, io.EOF) {
		return nil, usagef("the file is empty, its first row must name the columns")
	}
	if _, syntax := errors.AsType[*csv.ParseError](err); syntax {
		return nil, usagef("the header can't be read: %w", err)
	}
	if err != nil {
		return nil, err
	}
	c.header = slices.Clone(header)
	return c, checkHeader(c.header)
}

func checkHeader(header []string) error {
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		return usagef("the file seems to be separated by semicolons or tabs: commas are needed")
	}
	seen := make(map[string]bool)
	for i, name := range header {
		key, metadata := strings.CutPrefix(name, metadataColumn)
		if !utf8.ValidString(name) || !slices.Contains(columns[:], name) && (!metadata || key == "") {
			return usagef("column %d, %q, is no field of a job: allowed are %s and %s<key>", i+1, name, strings.Join(columns[:], ", "), metadataColumn)
		}
		if seen[name] {
			return usagef("column %d, %q, is there twice", i+1, name)
		}
		seen[name] = true
	}
	for _, name := range []string{"to", "text"} {
		if !seen[name] {
			return usagef("there is no column %q", name)
		}
	}
	return nil
}

func (c *csvFile) next() (record, error) {
	c.bound.left = maxRecord
	cells, err := c.in.Read()
	if syntax, ok := errors.AsType[*csv.ParseError](err); ok {
		c.line = syntax.StartLine
		return c.broken(syntax), nil
	}
	if errors.Is(err, errEndless) {
		return record{}, fmt.Errorf("after line %d: %w", c.line, err)
	}
	if err != nil {
		return record{}, err
	}
	line, _ := c.in.FieldPos(0)
	c.line = line
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			return record{line: line, err: fmt.Errorf("%s: is not valid UTF-8", c.header[i])}, nil
		}
	}
	r := c.row(cells)
	nameless := r.ID == ""
	if nameless {
		r.ID = placeholder
	}
	doc, err := json.Marshal(r, json.Deterministic(true))
	return record{line: line, doc: doc, nameless: nameless, err: err}, nil
}

// broken is a record that isn't CSV. The reader goes on with the line after the fault.
func (c *csvFile) broken(fault *csv.ParseError) record {
	if errors.Is(fault.Err, csv.ErrFieldCount) {
		return record{line: fault.StartLine, err: fmt.Errorf("has not as many columns as the header, %d", len(c.header))}
	}
	return record{line: fault.StartLine, err: fmt.Errorf("is not CSV, in line %d: %w", fault.Line, fault.Err)}
}

func (c *csvFile) row(cells []string) row {
	r := row{Channel: c.defaults.channel, Sender: c.defaults.sender}
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		switch name := c.header[i]; name {
		case "id":
			r.ID = cell
		case "channel":
			r.Channel = cell
		case "to":
			r.To = cell
		case "sender":
			r.Sender = cell
		case "text":
			r.Text = cell
		case "send_at":
			r.SendAt = cell
		case "expires_at":
			r.ExpiresAt = cell
		default:
			if r.Metadata == nil {
				r.Metadata = make(map[string]string)
			}
			r.Metadata[strings.TrimPrefix(name, metadataColumn)] = cell
		}
	}
	return r
}

// maxRecord bounds the memory that one record may take: a quote that is never closed makes the rest of a file one cell.
const maxRecord = 4 << 20

var errEndless = errors.New("the record doesn't end within 4 MiB: a quote was left open")

// bound lets a reader read so far and no further.
type bound struct {
	in   io.Reader
	left int
}

func (b *bound) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errEndless
	}
	n, err := b.in.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
