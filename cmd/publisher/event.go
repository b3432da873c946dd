package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// event is a status event as it was read: with its data as published, which may hold fields that this version doesn't know.
type event struct {
	*job.Event
	id   string // ce-id
	data json.RawMessage
}

// about tells, without reading its data, whether a status message is about a job.
func about(message jetstream.Msg, id string) bool { return message.Headers().Get("ce-subject") == id }

func readEvent(message jetstream.Msg) (event, error) {
	ev, err := job.DecodeEvent(message.Data())
	if err != nil {
		return event{}, fmt.Errorf("%s: not a status event: %w", message.Subject(), err)
	}
	id := message.Headers().Get("ce-id")
	if id == "" {
		id = ev.ID()
	}
	return event{Event: ev, id: id, data: message.Data()}, nil
}

const eventRow = "%-24s  %-5s  %-32s  %-11s  %-16s  %-16s  %-20s  %-4s  %-12s  %s\n"

func printEventHeader(w io.Writer) error {
	return printRow(w, eventRow, "TIME", "SEQ", "JOB", "STATE", "ROUTE", "ACCOUNT", "PROVIDER ID", "SEG", "COST", "WHY")
}

func printEvent(w io.Writer, ev event, asJSON bool) error {
	if asJSON {
		return printJSON(w, ev.data)
	}
	return printRow(w, eventRow, clock(ev.At), count(ev.Sequence), ev.Tenant+"/"+ev.Job, string(ev.State), ev.Route, ev.Account, ev.ProviderID,
		count(ev.Segments), strings.TrimSpace(ev.Cost+" "+ev.Currency), why(ev.Event))
}

// why is what the provider said of a message, and what is wrong with it.
func why(ev *job.Event) string {
	var words []string
	if ev.Error != nil {
		words = append(words, strings.TrimSuffix(string(ev.Error.Code)+": "+ev.Error.Message, ": "))
	}
	if ev.ProviderStatus != "" {
		words = append(words, ev.ProviderStatus)
	}
	return strings.Join(words, "; ")
}

// clock is a time as tables show it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// count is a number as tables show it, nothing for none.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// printRow writes one row, each cell fit for a terminal: what a provider said is in it.
func printRow(w io.Writer, format string, cells ...string) error {
	row := make([]any, len(cells))
	for i, cell := range cells {
		cell = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return -1
		}, cell)
		if cell == "" && i < len(cells)-1 {
			cell = "-"
		}
		row[i] = cell
	}
	_, err := io.WriteString(w, strings.TrimRight(fmt.Sprintf(format, row...), " \n")+"\n")
	return err
}

// printJSON writes one value as one line.
func printJSON(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}
