package index

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

var (
	errMalformed = errors.New("a malformed entry")
	errAnswer    = errors.New("the script answered something else")
)

// encode writes an entry, without its key and its times but the one when it was sent:
//
//	<epoch> <sequence> <state> <sent, ms> <attempt> <segments> <strings, each behind its length>
//
// put.lua and settle.lua read the first two. Of a delivered message nothing more will be told, so that the first four are enough.
func encode(e *receipts.Entry) string {
	ev := &e.Event
	b := make([]byte, 0, 320)
	b = number(b, int64(ev.Epoch))
	b = number(b, int64(ev.Sequence))
	b = append(append(b, ev.State...), ' ')
	b = number(b, e.Sent.UnixMilli())
	if ev.State == job.Delivered {
		return string(b)
	}
	b = number(b, int64(ev.Attempt))
	b = number(b, int64(ev.Segments))
	id := ev.ProviderID
	if receipts.ByID(id) == e.Key {
		id = "" // the key has it
	}
	for _, s := range [...]string{id, ev.Tenant, ev.Job, ev.Route, string(ev.Lane), string(ev.Channel), ev.Account, ev.Provider,
		ev.Cost, ev.Currency, ev.Hash, ev.Publication, ev.Trace.Parent, ev.Trace.State} {
		b = text(b, s)
	}
	for _, k := range slices.Sorted(maps.Keys(ev.Metadata)) {
		b = text(text(b, k), ev.Metadata[k])
	}
	return string(b)
}

func number(b []byte, n int64) []byte { return append(strconv.AppendInt(b, n, 10), ' ') }

func text(b []byte, s string) []byte {
	return append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
}

// decode reads an entry as it stands under a key.
func decode(key, value string) (receipts.Entry, error) {
	e := receipts.Entry{Key: key}
	d := decoder{rest: value}
	ev := &e.Event
	ev.Epoch, ev.Sequence = int(d.number()), int(d.number())
	state, rest, ok := strings.Cut(d.rest, " ")
	d.rest, d.bad = rest, d.bad || !ok
	ev.State = job.State(state)
	e.Sent = time.UnixMilli(d.number()).UTC()
	if d.rest == "" && ev.State == job.Delivered {
		return e, d.err()
	}
	ev.Attempt, ev.Segments = int(d.number()), int(d.number())
	ev.ProviderID = d.text()
	ev.Tenant, ev.Job, ev.Route = d.text(), d.text(), d.text()
	ev.Lane, ev.Channel = job.Lane(d.text()), job.Channel(d.text())
	for _, s := range [...]*string{&ev.Account, &ev.Provider, &ev.Cost, &ev.Currency, &ev.Hash, &ev.Publication, &ev.Trace.Parent, &ev.Trace.State} {
		*s = d.text()
	}
	for d.rest != "" && !d.bad {
		if ev.Metadata == nil {
			ev.Metadata = map[string]string{}
		}
		k := d.text()
		ev.Metadata[k] = d.text()
	}
	if id, ok := strings.CutPrefix(key, receipts.ByID("")); ok && ev.ProviderID == "" {
		ev.ProviderID = id
	}
	return e, d.err()
}

// decoder takes fields from the front of a value; bad once one was malformed.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) err() error {
	if d.bad {
		return errMalformed
	}
	return nil
}

func (d *decoder) until(sep string) int64 {
	digits, rest, ok := strings.Cut(d.rest, sep)
	n, err := strconv.ParseInt(digits, 10, 64)
	if d.bad = d.bad || !ok || err != nil; d.bad {
		return 0
	}
	d.rest = rest
	return n
}

func (d *decoder) number() int64 { return d.until(" ") }

func (d *decoder) text() string {
	n := d.until(":")
	if d.bad = d.bad || n < 0 || n > int64(len(d.rest)); d.bad {
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}
