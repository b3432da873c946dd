package claim

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

const (
	leaseDigits = 13 // the length of a lease, in decimal ms since 1970
	noLease     = "0000000000000"
	free        = ";"  // the token of a record that nobody holds
	rebuilt     = "~;" // the token of a record from the status stream: who held it before may still record
	order       = '|'  // what follows is in the order of this version
)

// errMalformed says that a value isn't a record of this version.
var errMalformed = errors.New("claim: malformed record")

// found is a record as it stands.
type found struct {
	Lease  int64  // ms, until when Token is valid
	Token  string // with its semicolon
	Record dispatch.Record
}

// held tells whether somebody took the job and didn't record since.
func (f found) held() bool { return f.Token != free && f.Token != rebuilt }

// live tells whether somebody works on the job. now is in ms.
func (f found) live(now int64) bool { return f.held() && now < f.Lease }

// phases by their letters, which are capital where the last event is published. The first three are no end; record.lua knows them.
//
//nolint:gochecknoglobals // a table that nobody writes to
var phases = [...]struct {
	letter byte
	phase  dispatch.Phase
}{{'c', dispatch.Claimed}, {'s', dispatch.Sending}, {'w', dispatch.Waiting}, {'o', dispatch.Concluded}, {'d', dispatch.Dead}}

// appendRecord appends a record, without lease and token. Of the last event it keeps what the job itself doesn't carry. What records of a packet have in
// common stands first, so that a page holds it once.
func appendRecord(b []byte, r *dispatch.Record) []byte {
	letter := byte('s') // an unknown phase would be a fault of the caller; this one lets nobody send blindly
	for _, p := range phases {
		if p.phase == r.Phase {
			letter = p.letter
		}
	}
	if r.Published {
		letter -= 'a' - 'A'
	}
	b = append(b, letter)
	b = appendInt(b, r.Epoch)
	b = appendInt(b, r.Hop)
	b = appendInt(b, r.Attempts)
	b = appendInt(b, r.Sequence)
	b = append(appendTime(b, r.Due), order)
	b = appendString(b, r.Account)
	b = appendInt(b, len(r.Told))
	for _, t := range r.Told {
		b = appendString(b, t)
	}
	if r.Last == nil {
		return appendHash(appendString(append(b, noEvent), r.Publication), r.Hash)
	}
	b = appendEvent(b, r.Last, r.Account)
	b = appendInt(b, r.Last.Segments)
	b = appendString(b, r.Last.Cost)
	b = appendString(b, r.Publication)
	b = appendString(b, r.Last.ProviderID)
	return appendHash(b, r.Hash)
}

// The letters that tell of a record's last event.
const (
	noEvent = '-'
	event   = '+'
	failure = '!' // one with an error
)

// appendEvent appends what many events have in common; that an event's account is the record's takes one byte.
func appendEvent(b []byte, e *job.Event, account string) []byte {
	if e.Error == nil {
		b = append(b, event)
	} else {
		b = appendString(append(b, failure), string(e.Error.Code))
		b = appendString(b, e.Error.Message)
	}
	b = appendString(b, string(e.State))
	final := 0
	if e.Final {
		final = 1
	}
	b = appendInt(b, final)
	b = appendInt(b, e.Sequence)
	b = appendInt(b, e.Attempt)
	b = appendInt(b, e.Recipients)
	b = appendTime(b, e.At)
	b = appendTime(b, e.RetryAt)
	if e.Account == account {
		b = append(b, '=')
	} else {
		b = appendString(b, e.Account)
	}
	for _, s := range [...]string{e.Publication, e.Provider, e.ProviderStatus, e.Currency} {
		b = appendString(b, s)
	}
	return b
}

func appendInt(b []byte, n int) []byte { return append(strconv.AppendInt(b, int64(n), 10), ' ') }

func appendString(b []byte, s string) []byte {
	return append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
}

// appendHash appends a hash: 128 bits as they are, behind an x; anything else as a string.
func appendHash(b []byte, hash string) []byte {
	if len(hash) == 32 && job.Hexadecimal(hash) {
		b, _ = hex.AppendDecode(append(b, 'x'), []byte(hash)) // it is such a text
		return b
	}
	return appendString(b, hash)
}

// appendTime appends "-", whole milliseconds in base 36, as most times are, or <seconds>.<nanoseconds>: LATER's due time must come back as it was.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "- "...)
	}
	if t.Nanosecond()%1e6 == 0 {
		return append(strconv.AppendInt(b, t.UnixMilli(), 36), ' ')
	}
	b = append(strconv.AppendInt(b, t.Unix(), 10), '.')
	return append(strconv.AppendInt(b, int64(t.Nanosecond()), 10), ' ')
}

// decode reads a value as it stands. What it returns shares the value's memory.
func decode(value string) (found, error) {
	var f found
	if len(value) < leaseDigits {
		return f, errMalformed
	}
	d := decoder{rest: value[leaseDigits:]}
	lease, err := strconv.ParseUint(value[:leaseDigits], 10, 63)
	token, rest, ok := strings.Cut(d.rest, ";")
	if err != nil || !ok || rest == "" {
		return f, errMalformed
	}
	f.Lease, f.Token = int64(lease), d.rest[:len(token)+1]
	r := &f.Record
	for _, p := range phases {
		if p.letter == rest[0]|('a'-'A') {
			r.Phase, r.Published = p.phase, rest[0] < 'a'
		}
	}
	if r.Phase == "" {
		return found{}, errMalformed
	}
	d.rest = rest[1:]
	r.Epoch, r.Hop, r.Attempts, r.Sequence = d.int(), d.int(), d.int(), d.int()
	r.Due = d.time()
	if common, ok := strings.CutPrefix(d.rest, string(order)); ok {
		d.rest = common
		d.record(r)
	} else {
		d.earlier(r)
	}
	if d.bad {
		return found{}, errMalformed
	}
	return f, nil
}

// decoder takes fields from the front of a value; bad once one was malformed.
type decoder struct {
	rest string
	bad  bool
}

// record reads what follows the order.
func (d *decoder) record(r *dispatch.Record) {
	r.Account = d.string()
	r.Told = d.told()
	if e := d.event(r.Account); e != nil {
		e.Segments, e.Cost = d.int(), d.string()
		r.Publication, e.ProviderID = d.string(), d.string()
		r.Last = e
	} else {
		r.Publication = d.string()
	}
	r.Hash = d.hash()
	d.bad = d.bad || d.rest != ""
}

func (d *decoder) told() (told []string) {
	for range d.count() {
		told = append(told, d.string())
	}
	return told
}

// event reads what appendEvent wrote; nil where there is none.
func (d *decoder) event(account string) *job.Event {
	e := new(job.Event)
	switch d.byte() {
	case event:
	case failure:
		e.Error = &job.Reason{Code: job.Code(d.string()), Message: d.string()}
	case noEvent:
		return nil
	default:
		d.bad = true
		return nil
	}
	e.State, e.Final = job.State(d.string()), d.int() == 1
	e.Sequence, e.Attempt, e.Recipients = d.int(), d.int(), d.int()
	e.At, e.RetryAt = d.time(), d.time()
	e.Account = d.account(account)
	for _, s := range [...]*string{&e.Publication, &e.Provider, &e.ProviderStatus, &e.Currency} {
		*s = d.string()
	}
	return e
}

func (d *decoder) account(same string) string {
	if rest, ok := strings.CutPrefix(d.rest, "="); ok {
		d.rest = rest
		return same
	}
	return d.string()
}

// earlier reads what follows the due time in a record of the version before this one: what is the record's own, then the last event, if any, to the end.
func (d *decoder) earlier(r *dispatch.Record) {
	r.Hash, r.Publication, r.Account = d.hash(), d.string(), d.string()
	r.Told = d.told()
	if d.rest == "" || d.bad {
		return
	}
	e := &job.Event{State: job.State(d.string()), Final: d.int() == 1}
	e.Sequence, e.Attempt, e.Segments, e.Recipients = d.int(), d.int(), d.int(), d.int()
	e.At, e.RetryAt = d.time(), d.time()
	e.Account = d.account(r.Account)
	for _, s := range [...]*string{&e.Publication, &e.Provider, &e.ProviderID, &e.ProviderStatus, &e.Cost, &e.Currency} {
		*s = d.string()
	}
	if d.rest != "" {
		e.Error = &job.Reason{Code: job.Code(d.string()), Message: d.string()}
	}
	r.Last = e
	d.bad = d.bad || d.rest != ""
}

func (d *decoder) byte() byte {
	if d.bad = d.bad || d.rest == ""; d.bad {
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) until(sep string) int64 { return d.in(10, sep) }

func (d *decoder) in(base int, sep string) int64 {
	digits, rest, ok := strings.Cut(d.rest, sep)
	n, err := strconv.ParseInt(digits, base, 64)
	if d.bad = d.bad || !ok || err != nil; d.bad {
		return 0
	}
	d.rest = rest
	return n
}

func (d *decoder) int() int { return int(d.until(" ")) }

// count is a number of fields to come, none of which is shorter than two bytes.
func (d *decoder) count() int {
	n := d.int()
	if n < 0 || n > len(d.rest)/2 {
		d.bad = true
		return 0
	}
	return n
}

func (d *decoder) string() string {
	n := d.until(":")
	if d.bad = d.bad || n < 0 || n > int64(len(d.rest)); d.bad {
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) hash() string {
	bits, ok := strings.CutPrefix(d.rest, "x")
	if !ok {
		return d.string()
	}
	if d.bad = d.bad || len(bits) < 16; d.bad {
		return ""
	}
	d.rest = bits[16:]
	return hex.EncodeToString([]byte(bits[:16]))
}

func (d *decoder) time() time.Time {
	if rest, ok := strings.CutPrefix(d.rest, "- "); ok {
		d.rest = rest
		return time.Time{}
	}
	if text, _, _ := strings.Cut(d.rest, " "); strings.Contains(text, ".") {
		seconds, nanos := d.until("."), d.until(" ")
		d.bad = d.bad || nanos < 0 || nanos >= 1e9
		return time.Unix(seconds, nanos).UTC()
	}
	return time.UnixMilli(d.in(36, " ")).UTC()
}
