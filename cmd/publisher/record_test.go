package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// all reads a source to its end.
func all(t require.TestingT, in source) []record {
	var records []record
	for {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			return records
		}
		require.NoError(t, err)
		records = append(records, r)
	}
}

func TestCompleteAddsOnlyWhatIsMissing(t *testing.T) {
	d := defaults{channel: "sms", sender: `A "B"`}
	for _, c := range []struct{ doc, want string }{
		{`{}`, `{"id":"line","channel":"sms","sender":"A \"B\""}`},
		{`{ "to":1}`, `{"id":"line","channel":"sms","sender":"A \"B\"","to":1}`},
		{`{"id":"a","channel":"viber","sender":""}`, `{"id":"a","channel":"viber","sender":""}`},
		{`{"id":"a","sender":null}`, `{"channel":"sms","id":"a","sender":null}`},
		{`{"id":"a","id":"b"}`, `{"id":"a","id":"b"}`},
		{`[]`, `[]`},
		{`"{"`, `"{"`},
		{`null`, `null`},
		{`{"a":1} {`, `{"a":1} {`},
	} {
		doc, _ := d.complete([]byte(c.doc))
		require.Equal(t, c.want, string(doc), c.doc)
	}
	doc, nameless := defaults{}.complete([]byte(`{"id":"a"}`))
	require.Equal(t, `{"id":"a"}`, string(doc))
	require.False(t, nameless)
}

// A line's own id never depends on its neighbours or its place, and differs where the job differs in anything.
func TestIDsAreMadeOfContent(t *testing.T) {
	words := rapid.StringMatching(`[ -~а-я]{0,20}[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfNDistinct(words, 1, 8, rapid.ID[string]).Draw(t, "texts")
		shuffled := rapid.Permutation(texts).Draw(t, "shuffled")
		ids := make(map[string]string)
		for _, text := range texts {
			ids[text] = idOf(t, text, "")
		}
		distinct := make(map[string]bool)
		for _, text := range shuffled {
			require.Equal(t, ids[text], idOf(t, text, ""))
			require.NotEqual(t, ids[text], idOf(t, text, "1"))
			distinct[ids[text]] = true
		}
		require.Len(t, distinct, len(texts))
	})
}

// idOf gives the id of a CSV file's only line.
func idOf(t *rapid.T, text, order string) string {
	quoted := `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	in, err := newCSV(strings.NewReader("text,to,metadata.order\n"+quoted+",89612242243,"+order), defaults{channel: "sms"})
	require.NoError(t, err)
	records := all(t, in)
	require.Len(t, records, 1)
	p := prepare(records[0], "RU")
	require.NoError(t, p.err)
	return p.id
}

func FuzzCSV(f *testing.F) {
	f.Add("to,text\n+79612242243,x\n")
	f.Add("id,to,text,metadata.a\na,89612242243,\"x\ny\",\n\n\"b\"x,1,2,3\n,,\"")
	f.Add("to,text\n+7,\xff\n+79612242243")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := newCSV(strings.NewReader(text), defaults{channel: "sms"})
		if err != nil {
			return
		}
		checkRecords(t, all(t, in), strings.Count(text, "\n")+1)
	})
}

func FuzzNDJSON(f *testing.F) {
	f.Add(`{"to":"+79612242243","text":"x"}` + "\n\n{}")
	f.Add(`{"id":"a","channel":"sms","sender":"s","to":"+79612242243","text":"x"}` + "\r\n[")
	f.Add("{\"\xff\":1}\n{\"id\":\"a\",\"id\":1}")
	f.Fuzz(func(t *testing.T, text string) {
		records := all(t, newNDJSON(strings.NewReader(text), defaults{channel: "sms", sender: "s"}))
		lines := 0
		for line := range strings.SplitSeq(text, "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		require.LessOrEqual(t, len(records), lines)
		checkRecords(t, records, strings.Count(text, "\n")+1)
	})
}

// checkRecords checks that records stand in order and that each is refused, or a job that a worker takes just so.
func checkRecords(t *testing.T, records []record, lines int) {
	last := 0
	for _, r := range records {
		require.Greater(t, r.line, last)
		require.LessOrEqual(t, r.line, lines)
		last = r.line
		p := prepare(r, "RU")
		require.Equal(t, r.line, p.line)
		if p.err != nil {
			require.Empty(t, p.body)
			continue
		}
		j, err := job.Decode(p.body, "")
		require.NoError(t, err)
		require.Equal(t, p.id, j.ID)
		body, err := j.Encode()
		require.NoError(t, err)
		require.True(t, bytes.Equal(p.body, body))
		if r.nameless {
			require.Regexp(t, `^line-[0-9a-f]{32}$`, p.id)
		}
	}
}
