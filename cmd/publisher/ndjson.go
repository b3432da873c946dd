package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// ndjson reads jobs in JSON, one a line. Empty lines are none.
type ndjson struct {
	in       *bufio.Reader
	defaults defaults
	line     int
}

func newNDJSON(in io.Reader, d defaults) *ndjson {
	return &ndjson{in: bufio.NewReaderSize(in, job.MaxBytes+2), defaults: d} // the longest job and its line's end
}

func (n *ndjson) next() (record, error) {
	for {
		text, err := n.in.ReadSlice('\n')
		n.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			if err := n.skip(); err != nil {
				return record{}, err
			}
			return record{line: n.line, err: errors.New("is larger than 64 KiB")}, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return record{}, err
		}
		text = bytes.TrimSpace(text)
		if len(text) > 0 {
			doc, nameless := n.defaults.complete(bytes.Clone(text))
			return record{line: n.line, doc: doc, nameless: nameless}, nil
		}
		if err != nil {
			return record{}, io.EOF
		}
	}
}

// skip passes over what is left of a line that is too long.
func (n *ndjson) skip() error {
	for {
		_, err := n.in.ReadSlice('\n')
		if err == nil || errors.Is(err, io.EOF) {
			return nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
