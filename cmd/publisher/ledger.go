package main

import (
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// ledger keeps of each job what its events told, as little as will do.
type ledger struct {
	jobs   map[string]entry // by <tenant>/<id>
	events int
	others int // events about publications that never became a job: refused or suppressed

	// States and routes by the numbers that entries have for them.
	known   []job.State
	states  map[job.State]uint16
	routes  []string
	numbers map[string]uint32
}

// entry is one job. There are as many as there are jobs, so it is kept small.
type entry struct {
	seen   uint64 // which events: bit n is the one n before last
	stored int64  // when the last event was, in ms by the server's clock
	due    int64  // when the job goes on, in ms; 0: at once
	place  uint64 // of its publication in the lane's stream; 0: not told
	first  int32  // the sequence of the earliest event seen
	last   int32  // and of the latest
	hop    uint16
	epoch  uint16
	route  uint32
	state  uint16 // of the last event
	lane   uint8
	final  bool
	lacks  bool // an event is missing that seen is too short for
}

func newLedger() *ledger {
	return &ledger{jobs: make(map[string]entry), states: make(map[job.State]uint16), numbers: make(map[string]uint32)}
}

// enter takes an event up, in any order and however often. stored is when the server stored it.
func (l *ledger) enter(e *dispatch.Event, stored time.Time) {
	l.events++
	if e.Sequence <= 0 {
		l.others++
		return
	}
	key := e.Tenant + "/" + e.Job
	have, ok := l.jobs[key]
	sequence := int32(min(e.Sequence, 1<<30))
	if !ok {
		have = entry{first: sequence, last: sequence - 1}
	}
	if have.see(sequence) {
		have.stored, have.due, have.final = stored.UnixMilli(), 0, e.Final
		have.state, have.route, have.lane = l.stateNumber(e.State), l.routeNumber(e.Route), laneNumber(e.Lane)
		have.place, have.hop, have.epoch = placeOf(e.Publication), uint16(e.Hop), uint16(e.Epoch)
		if due := e.Due; !due.IsZero() {
			have.due = due.UnixMilli()
		} else if !e.RetryAt.IsZero() {
			have.due = e.RetryAt.UnixMilli()
		}
	}
	l.jobs[key] = have
}

// width is how many of a job's events are told apart.
const width = 64

// see notes an event and tells whether it is the last so far.
func (e *entry) see(sequence int32) bool {
	switch behind := e.last - sequence; {
	case behind < -width:
		e.lacks = true
		e.seen, e.last = 1, sequence
		return true
	case behind < 0:
		for ; e.last < sequence; e.last++ {
			e.lacks = e.lacks || e.seen>>(width-1) == 0 && e.last-width+1 >= e.first
			e.seen <<= 1
		}
		e.seen |= 1
		return true
	case behind < width:
		e.seen |= 1 << behind
		e.first = min(e.first, sequence)
		return behind == 0
	}
	return false
}

// gaps tells whether events are missing between the first and the last one seen.
func (e *entry) gaps() bool {
	return e.lacks || bits.OnesCount64(e.seen) < int(min(e.last-e.first+1, width))
}

// missing are the sequences between the first and the last one seen that weren't, as far as they can be told.
func (e *entry) missing() []int {
	var all []int
	for s := max(e.first, e.last-width+1); s < e.last; s++ {
		if e.seen>>(e.last-s)&1 == 0 {
			all = append(all, int(s))
		}
	}
	return all
}

// standing is where a job stands by its events alone.
type standing int

const (
	ended    standing = iota // nothing more is to come
	awaiting                 // submitted, and its receipt is to come
	underWay                 // it goes on, or its time hasn't come
	silent                   // something should have come by now
)

// standing judges a job as of now. Grace is how long nothing may be told of a job that should go on.
func (l *ledger) standing(e *entry, now time.Time, grace time.Duration) standing {
	switch {
	case e.final:
		return ended
	case l.known[e.state] == job.Submitted:
		return awaiting
	case now.UnixMilli()-max(e.stored, e.due) < grace.Milliseconds():
		return underWay
	}
	return silent
}

// stateNumber and routeNumber give names their places. There are few of either.
func (l *ledger) stateNumber(s job.State) uint16 {
	n, ok := l.states[s]
	if !ok {
		n = uint16(len(l.known))
		l.states[s], l.known = n, append(l.known, s)
	}
	return n
}

func (l *ledger) routeNumber(route string) uint32 {
	n, ok := l.numbers[route]
	if !ok {
		n = uint32(len(l.routes))
		l.numbers[route], l.routes = n, append(l.routes, route)
	}
	return n
}

func laneNumber(lane job.Lane) uint8 {
	for i, l := range job.Lanes() {
		if l == lane {
			return uint8(i)
		}
	}
	return 0
}

// placeOf is the sequence in a publication, <STREAM>:<sequence>; the stream is that of the job's lane.
func placeOf(publication string) uint64 {
	n, err := strconv.ParseUint(publication[strings.LastIndexByte(publication, ':')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
