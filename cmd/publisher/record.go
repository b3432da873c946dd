package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// record is one job of a file, as read.
type record struct {
	line     int    // the file's line that it begins on, from 1
	doc      []byte // the job's JSON
	nameless bool   // it has no id; the one in doc is a placeholder
	err      error  // why it is no job; doc is empty then
}

// source reads a file record by record. io.EOF ends it; another error means that it can't be read any further.
type source interface {
	next() (record, error)
}

// defaults are what a record without a field of its own gets.
type defaults struct {
	channel string
	sender  string
}

// placeholder is the id of a record without one, until its content gives it one.
const placeholder = "line"

// ready is a record that can be published.
type ready struct {
	line int
	id   string
	body []byte
	err  error // why it is refused; id and body are empty then
}

// prepare checks and normalises a record as a worker would.
//
// A record without an id gets one made of its content: "line-" and the first 32 hexadecimal digits of the SHA-256 of the normalised job.
// Its place in the file doesn't count: a file may be corrected, sorted or split between two runs, and no line of it is sent twice. So two
// lines that say the same are one job.
func prepare(r record, region string) ready {
	if r.err != nil {
		return ready{line: r.line, err: r.err}
	}
	j, err := job.Decode(r.doc, region)
	if err != nil {
		return ready{line: r.line, err: err}
	}
	body, err := j.Encode()
	if err == nil && r.nameless {
		sum := sha256.Sum256(body)
		j.ID = placeholder + "-" + hex.EncodeToString(sum[:16])
		body, err = j.Encode()
	}
	if err != nil {
		return ready{line: r.line, err: err}
	}
	return ready{line: r.line, id: j.ID, body: body}
}

// complete adds the fields that a job's JSON lacks: a placeholder for its id, and the defaults. It only puts text in front, so that everything
// that is wrong with doc is still there to be found.
func (d defaults) complete(doc []byte) ([]byte, bool) {
	var has struct {
		ID      jsontext.Value `json:"id"`
		Channel jsontext.Value `json:"channel"`
		Sender  jsontext.Value `json:"sender"`
	}
	if err := json.Unmarshal(doc, &has); err != nil {
		return doc, false
	}
	open := bytes.IndexByte(doc, '{')
	if open < 0 {
		return doc, false
	}
	missing := row{Channel: d.channel, Sender: d.sender}
	if has.ID == nil {
		missing.ID = placeholder
	}
	if has.Channel != nil {
		missing.Channel = ""
	}
	if has.Sender != nil {
		missing.Sender = ""
	}
	front, err := json.Marshal(missing)
	if err != nil || len(front) == len("{}") {
		return doc, has.ID == nil
	}
	rest := bytes.TrimLeft(doc[open+1:], " \t\r\n")
	if rest[0] == '}' {
		return append(front[:len(front)-1], rest...), has.ID == nil
	}
	front[len(front)-1] = ','
	return append(front, rest...), has.ID == nil
}
