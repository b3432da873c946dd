package dispatch

import (
	"slices"
	"sync"
)

// stock is memory of one kind that a packet's way needs and the next packet's may use again: at 200 jobs it is 30 to 60 KB, which is dear to get, to
// clear and to collect. It is given back when its stage is over, so there is as much of it as packets are in that stage, which are a third of all in
// hand. Nobody who is handed it keeps it.
type stock[T any] struct{ pool sync.Pool }

// take returns an empty slice with room for n.
func (s *stock[T]) take(n int) []T {
	if b, ok := s.pool.Get().(*[]T); ok && cap(*b) >= n {
		return *b
	}
	return make([]T, 0, n)
}

// give gives a slice back.
func (s *stock[T]) give(b []T) {
	b = wiped(b)
	s.pool.Put(&b)
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
