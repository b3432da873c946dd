package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
)

type deadShow struct {
	letters
	reveal bool
}

func (a *app) deadShowCommand() *cobra.Command {
	d := deadShow{letters: letters{app: a}}
	cmd := &cobra.Command{
		Use:   "show [WHICH...]",
		Short: "Show dead letters in full",
		Long: `Show dead letters in full: WHICH are numbers of letters or ids of jobs; without any it is all that the filters leave.

The recipient, the text and all else that is personal is hidden in the job: --reveal shows it, as it was published. What is
shown then is in the terminal's history and in whatever records it. With --output json this is one array.`,
		Example: `  publisher dead show 42
  publisher dead show ord-42 --tenant shop --reveal`,
		RunE: a.does(func(ctx context.Context, args []string) error { return d.run(ctx, args) }),
	}
	d.flags(cmd)
	cmd.Flags().BoolVar(&d.reveal, "reveal", false, "show recipients and texts, too")
	return cmd
}

// fullLetter is a letter with the job in it.
type fullLetter struct {
	letterView
	TraceParent string          `json:"traceparent,omitempty"`
	TraceState  string          `json:"tracestate,omitempty"`
	Content     json.RawMessage `json:"content"` // the job's JSON
}

func (d *deadShow) run(ctx context.Context, args []string) error {
	ctx, l, err := d.open(ctx, args)
	if err != nil {
		return err
	}
	defer l.close()
	out := newListing(d.app, "")
	err = d.each(ctx, func(found letter) error {
		doc, err := found.document(d.reveal)
		if err != nil {
			d.sayf("%v", err)
			doc = json.RawMessage("null")
		}
		trace := found.Delivery.Trace
		full := fullLetter{letterView: found.view(), TraceParent: trace.Parent, TraceState: trace.State, Content: doc}
		if d.json() {
			return out.add(full)
		}
		return d.print(full)
	})
	if err == nil && d.json() {
		err = out.end()
	}
	if err != nil {
		return err
	}
	return d.missing()
}

func (d *deadShow) print(f fullLetter) error {
	expires := ""
	if !f.ExpiresAt.IsZero() {
		expires = clock(f.ExpiresAt)
		if f.Expired {
			expires += ", has passed"
		}
	}
	stored := ""
	if !f.Stored.IsZero() {
		stored = clock(f.Stored)
	}
	var doc bytes.Buffer
	if err := json.Indent(&doc, f.Content, "", "  "); err != nil {
		return fmt.Errorf("letter %d: %w", f.Letter, err)
	}
	for _, line := range [][2]string{
		{"letter", strconv.FormatUint(f.Letter, 10)},
		{"since", clock(f.At)},
		{"job", f.Tenant + "/" + f.Job},
		{"route, lane", f.Route + ", " + string(f.Lane)},
		{"state, code", string(f.State) + ", " + string(f.Code)},
		{"words", f.Message},
		{"account", f.Account},
		{"attempts", strconv.Itoa(f.Attempts)},
		{"replays", strconv.Itoa(f.Replays)},
		{"published", f.Publication},
		{"at", stored},
		{"expires", expires},
		{"traceparent", f.TraceParent},
	} {
		if err := printRow(d.stdout, "%-12s  %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(d.stdout, "%s\n\n", safe(doc.String()))
	return err
}

// safe keeps what a producer wrote from steering a terminal. Line breaks are those of the indentation: strings in JSON have none.
func safe(doc string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, doc)
}
