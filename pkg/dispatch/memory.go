package dispatch

import (
	"slices"

	"github.com/gonets/gonets/pkg/providers"
)

// memory is what one packet's way needs and the next packet's may use again: at 200 jobs it is 130 KB, which is dear to get, to clear and to
// collect. Nobody who is handed a part of it keeps it.
type memory struct {
	reqs []ClaimRequest
	msgs []providers.Message
	ends []ending
}

// borrow takes memory that another packet has given back, or new one.
func (a *account) borrow() *memory {
	if m, ok := a.memories.Get().(*memory); ok {
		return m
	}
	return new(memory)
}

// putAway gives memory back.
func (a *account) putAway(m *memory) {
	m.reqs, m.msgs, m.ends = wiped(m.reqs), wiped(m.msgs), wiped(m.ends)
	a.memories.Put(m)
}

func wiped[T any](s []T) []T {
	clear(s)
	return s[:0]
}

// sized returns a slice of n zero values, in the memory of s where it has room. s is empty.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// papers are the endings that are settled together, and their updates and events in the form in which their stores take them. They have room for all
// and so stay where they are.
type papers struct {
	out     []outgoing
	updates []Update
	events  []Event
}

// papers returns empty ones with room for n endings, in memory that was used before if there is any.
func (l *line) papers(n int) *papers {
	p, ok := l.pads.Get().(*papers)
	if !ok {
		p = new(papers)
	}
	p.out = sized(p.out, n)
	p.updates, p.events = slices.Grow(p.updates, n), slices.Grow(p.events, n)
	return p
}

// shred gives papers back.
func (l *line) shred(p *papers) {
	p.out, p.updates, p.events = wiped(p.out), wiped(p.updates), wiped(p.events)
	l.pads.Put(p)
}
