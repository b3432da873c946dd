package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

type estimate struct {
	importFile
	text     string
	price    string
	currency string
}

func (a *app) estimateCommand() *cobra.Command {
	e := estimate{importFile: importFile{app: a}}
	cmd := &cobra.Command{
		Use:   "estimate {--text TEXT | FILE}",
		Short: "Tell what messages take and cost",
		Long: `Tell what sms take and cost before they are sent: segments, encoding, which characters force UCS-2, and the cost at a price a
segment. It asks nobody, so it needs no NATS; what the provider will charge in the end stands in the events.

A segment holds 160 characters of the GSM alphabet, or 153 where there are several; ^ { } \ [ ] ~ | and € count twice. One
character outside that alphabet makes all of the message UCS-2: 70 a segment, or 67, and emoji count twice.

FILE is one as for 'publisher import'. Lines that no worker would take are listed and not counted, exit status 1; other channels
than sms have no segments. An sms for an audience is reckoned as for one recipient.`,
		Example: `  publisher estimate --text "Ваш код: 4711" --price 2.35 --currency RUB
  publisher estimate clients.csv --price 2.35
  zcat jobs.ndjson.gz | publisher estimate - --output json | tail -1`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.does(func(_ context.Context, args []string) error { return e.run(args) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&e.text, "text", "", "the `TEXT` of one message")
	flags.StringVar(&e.price, "price", "", "`PRICE` of a segment, a decimal number")
	flags.StringVar(&e.currency, "currency", "", "`CURRENCY` of the price, to be shown")
	flags.StringVar(&e.format, "format", "", "`FORMAT` of the file: csv or ndjson")
	flags.StringVar(&e.channel, "channel", string(job.SMS), "`CHANNEL` of jobs that name none: sms, viber or push")
	flags.StringVar(&e.region, "region", "RU", "`REGION` of phones without a country code, two letters as in ISO 3166")
	return cmd
}

func (e *estimate) run(args []string) error {
	if (e.text == "") == (len(args) == 0) {
		return usagef("either --text or a FILE must be given")
	}
	p, err := parsePrice(e.price)
	if err != nil {
		return err
	}
	if err := checkRegion(e.region); err != nil {
		return err
	}
	if e.currency != "" && p.each == nil {
		return usagef("--currency needs a --price")
	}
	if e.text != "" {
		return e.one(p)
	}
	return e.file(args[0], p)
}

// measured is what one message takes.
type measured struct {
	Line       int          `json:"line,omitempty"`
	ID         string       `json:"id,omitempty"`
	Segments   int          `json:"segments"`
	Encoding   job.Encoding `json:"encoding"`
	Characters int          `json:"characters"`
	Units      int          `json:"units"`
	Left       int          `json:"left"`
	Forcing    []forcing    `json:"forcing_ucs2,omitempty"`
	Cost       string       `json:"cost,omitempty"`
	Currency   string       `json:"currency,omitempty"`
}

// forcing is a character that forces its message into UCS-2.
type forcing struct {
	Character string `json:"character"`
	CodePoint string `json:"code_point"`
	Position  int    `json:"position"` // the first, in characters from 1
	Times     int    `json:"times"`
}

func (e *estimate) measure(text string, p price) measured {
	m := job.MeasureText(text)
	out := measured{Segments: m.Segments, Encoding: m.Encoding, Characters: m.Characters, Units: m.Units, Left: m.Left, Cost: p.times(m.Segments), Currency: e.currency}
	for _, o := range m.Outside {
		out.Forcing = append(out.Forcing, forcing{string(o.Char), fmt.Sprintf("U+%04X", o.Char), o.First, o.Times})
	}
	return out
}

// one measures the text of the command line.
func (e *estimate) one(p price) error {
	m := e.measure(e.text, p)
	if err := e.printOne(m); err != nil {
		return err
	}
	if m.Segments > job.MaxSegments {
		return fmt.Errorf("no worker takes it: it is longer than %d segments", job.MaxSegments)
	}
	return nil
}

func (e *estimate) printOne(m measured) error {
	if e.json() {
		return printJSON(e.stdout, m)
	}
	out := bufio.NewWriter(e.stdout)
	fmt.Fprintf(out, "segments    %d\nencoding    %s\ncharacters  %d, which take %d %s; the last segment has room for %d more\n",
		m.Segments, m.Encoding, m.Characters, m.Units, unitName(m.Encoding), m.Left)
	if m.Cost != "" {
		fmt.Fprintf(out, "cost        %s\n", strings.TrimSpace(m.Cost+" "+m.Currency))
	}
	if len(m.Forcing) > 0 {
		fmt.Fprintf(out, "\n%-10s  %-8s  %-5s  %s\n", "CODE POINT", "POSITION", "TIMES", "FORCES UCS-2")
	}
	for _, f := range m.Forcing {
		fmt.Fprintf(out, "%-10s  %-8d  %-5d  %s\n", f.CodePoint, f.Position, f.Times, strconv.QuoteToGraphic(f.Character))
	}
	return out.Flush()
}

func unitName(e job.Encoding) string {
	if e == job.UCS2 {
		return "UTF-16 code units"
	}
	return "septets"
}
