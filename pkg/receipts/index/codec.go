package index

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

var (
	errMalformed = errors.New("a malformed entry")
	errAnswer    = errors.New("the script answered something else")
)

// The kinds of entries.
const (
	waits     = 'w' // it is to be asked about at its time
	told      = 't' // its last receipt was told, and another one may come
	delivered = 'd' // nothing more will be told of it: it is forgotten at its time
)

func kindOf(e *receipts.Entry) byte {
	switch {
	case !e.Ask.IsZero():
		return waits
	case e.Event.State == job.Delivered:
		return delivered
	default:
		return told
	}
}

// encode appends an entry, without its key:
//
//	<kind><version> <time, ms> <state's letter><binary: sent, attempt, segments, hash, and strings behind their length>
//
// The scripts read the kind, the version, which is of epoch and sequence, and the time. Of a delivered message the state is the last.
func encode(b []byte, account string, e *receipts.Entry) []byte {
	ev := e.Event
	kind := kindOf(e)
	b = version(version(append(b, kind), ev.Epoch), ev.Sequence)
	b = strconv.AppendInt(append(b, ' '), timeOf(e), 10)
	b = append(b, ' ', letterOf(ev.State))
	b = binary.AppendVarint(b, e.Sent.UnixMilli())
	if kind == delivered {
		return b
	}
	b = hash(binary.AppendVarint(binary.AppendVarint(b, int64(ev.Attempt)), int64(ev.Segments)), ev.Hash)
	id, of := ev.ProviderID, ev.Account
	if len(e.Key) == len(id)+1 && e.Key[0] == 'i' && e.Key[1:] == id {
		id = "" // the key has it
	}
	if of == account {
		of = ""
	}
	for _, s := range [...]string{id, ev.Tenant, ev.Job, ev.Route, string(ev.Lane), string(ev.Channel), of, ev.Provider,
		ev.Cost, ev.Currency, ev.Publication, ev.Trace.Parent, ev.Trace.State} {
		b = text(b, s)
	}
	if len(ev.Metadata) > 0 {
		for _, k := range slices.Sorted(maps.Keys(ev.Metadata)) {
			b = text(text(b, k), ev.Metadata[k])
		}
	}
	return b
}

// timeOf is when there is something to do about an entry, in ms; 0: never.
func timeOf(e *receipts.Entry) int64 {
	switch kindOf(e) {
	case waits:
		return e.Ask.UnixMilli()
	case delivered:
		return e.Until.UnixMilli()
	default:
		return 0
	}
}

// letterOf is the letter of a state that entries have.
func letterOf(s job.State) byte {
	switch s {
	case job.Unknown:
		return 'u'
	case job.Delivered:
		return 'd'
	case job.Undelivered:
		return 'n'
	default:
		return 's'
	}
}

func (d *decoder) state() job.State {
	switch d.take(1) {
	case "s":
		return job.Submitted
	case "u":
		return job.Unknown
	case "d":
		return job.Delivered
	case "n":
		return job.Undelivered
	}
	d.bad = true
	return ""
}

// hash appends a hash: in half its length behind an x, where it is the usual text of hexadecimal digits.
func hash(b []byte, s string) []byte {
	if len(s)%2 == 0 && len(s) <= 2*sha256.Size && job.Hexadecimal(s) {
		b, _ = hex.AppendDecode(append(b, 'x', byte(len(s)/2)), []byte(s)) // it is such a text
		return b
	}
	return text(append(b, 't'), s)
}

func (d *decoder) hash() string {
	switch d.take(1) {
	case "x":
		return hex.EncodeToString([]byte(d.text()))
	case "t":
		return d.text()
	}
	d.bad = true
	return ""
}

// version appends a number behind its length in two digits, so that numbers compare as their texts do.
func version(b []byte, n int) []byte {
	at := len(b)
	b = strconv.AppendUint(append(b, '0', '0'), uint64(max(n, 0)), 10)
	digits := len(b) - at - 2
	b[at], b[at+1] = byte('0'+digits/10), byte('0'+digits%10)
	return b
}

func text(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decode reads an entry as it stands in the index of an account. Its time is not read.
func decode(account, key, value string) (*receipts.Entry, error) {
	both := &struct { // one piece of memory
		entry receipts.Entry
		event dispatch.Event
	}{}
	e, ev := &both.entry, &both.event
	e.Key, e.Event = key, ev
	if value == "" {
		return nil, errMalformed
	}
	d := decoder{rest: value[1:]}
	ev.Epoch, ev.Sequence = d.version(), d.version()
	d.word()
	_, err := strconv.ParseInt(d.word(), 10, 64)
	d.bad = d.bad || err != nil
	ev.State = d.state()
	e.Sent = time.UnixMilli(d.number()).UTC()
	if value[0] == delivered {
		return e, d.err()
	}
	ev.Attempt, ev.Segments = int(d.number()), int(d.number())
	ev.Hash = d.hash()
	ev.ProviderID = d.text()
	ev.Tenant, ev.Job, ev.Route = d.text(), d.text(), d.text()
	ev.Lane, ev.Channel = job.Lane(d.text()), job.Channel(d.text())
	for _, s := range [...]*string{&ev.Account, &ev.Provider, &ev.Cost, &ev.Currency, &ev.Publication, &ev.Trace.Parent, &ev.Trace.State} {
		*s = d.text()
	}
	for d.rest != "" && !d.bad {
		if ev.Metadata == nil {
			ev.Metadata = map[string]string{}
		}
		k := d.text()
		ev.Metadata[k] = d.text()
	}
	if ev.Account == "" {
		ev.Account = account
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

// take gives the next n bytes.
func (d *decoder) take(n uint64) string {
	if d.bad = d.bad || n > uint64(len(d.rest)); d.bad {
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) version() int {
	length, err := strconv.ParseUint(d.take(2), 10, 8)
	d.bad = d.bad || err != nil
	n, err := strconv.Atoi(d.take(length))
	d.bad = d.bad || err != nil || n < 0
	return n
}

// word gives what stands before the next space.
func (d *decoder) word() string {
	s, rest, ok := strings.Cut(d.rest, " ")
	if d.bad = d.bad || !ok; d.bad {
		return ""
	}
	d.rest = rest
	return s
}

// prefix is as much of the rest as a number may take.
func (d *decoder) prefix() []byte { return []byte(d.rest[:min(len(d.rest), binary.MaxVarintLen64)]) }

func (d *decoder) number() int64 {
	v, n := binary.Varint(d.prefix())
	if d.bad = d.bad || n <= 0; d.bad {
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string {
	v, n := binary.Uvarint(d.prefix())
	if d.bad = d.bad || n <= 0; d.bad {
		return ""
	}
	d.rest = d.rest[n:]
	return d.take(v)
}
