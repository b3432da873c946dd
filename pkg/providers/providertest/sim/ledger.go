package sim

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Copy is one message that a recipient gets: To is who, as the provider names them (a phone is written in digits
// only), ID the id that the client gave the message, or what stands for one where the API has none.
type Copy struct{ To, ID string }

// Ledger counts what was taken. Its zero value is ready for use; it is safe for concurrent use.
type Ledger struct {
	mu        sync.Mutex
	countOnly bool
	requests  arrivals
	questions arrivals
	messages  int
	copies    map[Copy]int
	packets   []int
}

// arrivals counts requests.
type arrivals struct {
	n       int
	changed chan struct{} // closed at the next one; nil: nobody waits
}

func (a *arrivals) add() {
	a.n++
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

func (a *arrivals) now() (int, <-chan struct{}) {
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.n, a.changed
}

// CountOnly makes the ledger keep totals only: for benchmarks, whose messages would fill the memory.
func (l *Ledger) CountOnly(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.countOnly = on
}

// countsOnly tells whether single messages are to be remembered by nobody.
func (l *Ledger) countsOnly() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.countOnly
}

// enterQuestion notes one request that sends nothing.
func (l *Ledger) enterQuestion() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.questions.add()
}

// enter notes one request and what it made the recipients get.
func (l *Ledger) enter(taken []Copy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests.add()
	l.messages += len(taken)
	if l.countOnly {
		return
	}
	l.packets = append(l.packets, len(taken))
	if l.copies == nil {
		l.copies = map[Copy]int{}
	}
	for _, c := range taken {
		l.copies[c]++
	}
}

// Arrived returns how many requests arrived so far and a channel that is closed when one more was judged.
func (l *Ledger) Arrived() (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests.now()
}

// Asked is Arrived for questions.
func (l *Ledger) Asked() (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.questions.now()
}

// Requests is how many requests arrived, broken ones included, and questions not.
func (l *Ledger) Requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests.n
}

// Messages is how many messages were taken, repeats included.
func (l *Ledger) Messages() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages
}

// Packets is how many messages each request had taken, in the order of the requests.
func (l *Ledger) Packets() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.packets)
}

// Copies is how many times the recipient got that message.
func (l *Ledger) Copies(c Copy) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.copies[c]
}

// All is every copy with its count.
func (l *Ledger) All() map[Copy]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.copies)
}

// Repeats are the copies that a recipient got more than once, sorted.
func (l *Ledger) Repeats() []Copy {
	l.mu.Lock()
	defer l.mu.Unlock()
	var repeated []Copy
	for c, n := range l.copies {
		if n > 1 {
			repeated = append(repeated, c)
		}
	}
	slices.SortFunc(repeated, func(a, b Copy) int { return strings.Compare(a.To+"\x00"+a.ID, b.To+"\x00"+b.ID) })
	return repeated
}

// Forget empties the ledger.
func (l *Ledger) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests.n, l.questions.n, l.messages, l.copies, l.packets = 0, 0, 0, nil, nil
}
