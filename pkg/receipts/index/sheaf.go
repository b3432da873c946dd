package index

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

// sheaf is what entries have in common that one call of the script writes.
type sheaf struct {
	generation int64
	waits      bool
	// certain means that they stand in their own generation, if anywhere: a message that waits by the provider's id, which is of one message, and first of all
	// in the index. What is read from the stream has the time of its event; by our own id another epoch may stand.
	certain bool
}

func sheafOf(e *receipts.Entry) sheaf {
	w := kindOf(e) == waits
	return sheaf{generation: generationOf(e.Sent), waits: w, certain: w && strings.HasPrefix(e.Key, receipts.ByID(""))}
}

// sheaves splits entries by what they have in common. Mostly all do.
func sheaves(entries []receipts.Entry, each func(sheaf, []receipts.Entry) error) error {
	for len(entries) > 0 {
		s := sheafOf(&entries[0])
		some, others := entries, []receipts.Entry(nil)
		if i := slices.IndexFunc(entries, func(e receipts.Entry) bool { return sheafOf(&e) != s }); i > 0 {
			some = slices.Clone(entries[:i])
			for _, e := range entries[i:] {
				if sheafOf(&e) == s {
					some = append(some, e)
				} else {
					others = append(others, e)
				}
			}
		}
		for part := range slices.Chunk(some, scriptKeys) {
			if err := each(s, part); err != nil {
				return err
			}
		}
		entries = others
	}
	return nil
}

// head is how many arguments stand before those of the entries.
const head = 8

// arguments makes those of write.lua.
func (m *memory) arguments(s sheaf, account string, entries []receipts.Entry) {
	var newest, packetAt int64
	var end time.Time
	m.built, m.ends = m.built[:0], m.ends[:0]
	for i := range entries {
		e := &entries[i]
		m.add(encode(m.built, account, e))
		if e.Event.State == job.Submitted {
			newest = max(newest, e.Sent.UnixMilli())
		}
		if at := timeOf(e); at != 0 {
			switch { // a packet is unpacked when the first of its messages is to be asked about, or the last is to be forgotten
			case packetAt == 0:
				packetAt = at
			case s.waits:
				packetAt = min(packetAt, at)
			default:
				packetAt = max(packetAt, at)
			}
		}
		if e.Until.After(end) {
			end = e.Until
		}
	}
	packet := m.built
	for i := range entries {
		if e := &entries[i]; timeOf(e) != 0 {
			packet = append(append(strconv.AppendInt(packet, int64(len(e.Key)), 10), ':'), e.Key...)
		}
	}
	m.add(packet)
	until := end.Truncate(endStep).Add(2 * endStep) // never early, though clocks differ
	kind := "t"
	if s.waits {
		kind = "w"
	}
	texts := m.texts()
	m.args = append(m.args[:0], "", "", until.UnixMilli(), until.Add(deleteAfter).UnixMilli(), newest, kind, &texts[len(entries)], packetAt)
	for i := range entries {
		m.args = append(m.args, &entries[i].Key, &texts[i]) // a string would be copied to be an argument
	}
}
