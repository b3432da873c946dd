package sim

import (
	"strconv"
	"sync"
	"time"
)

// StatusRow is what a provider says of one message: a row of a queue. ClientID may be empty.
type StatusRow struct {
	ID, ClientID, Status string
	At                   time.Time // since when
}

// statuses is what becomes of the messages that a simulator took, and the queues of rows about them that nobody read yet. It is safe for
// concurrent use; make it with newStatuses.
type statuses struct {
	taken, delivered string // the provider's words

	mu       sync.Mutex
	on       bool // messages get a last word by themselves
	after    time.Duration
	lastWord func(to string) string
	coming   []*message // that will get it, in the order of their acceptance
	messages map[string]*message
	ids      map[string]string // by client id
	queues   map[string][]StatusRow
}

// message is one that was taken.
type message struct {
	StatusRow
	to, queue string
	due       time.Time
}

func newStatuses(taken, delivered string) *statuses {
	return &statuses{taken: taken, delivered: delivered, messages: map[string]*message{}, ids: map[string]string{}, queues: map[string][]StatusRow{}}
}

// DeliverAfter makes every message that is taken from now on get its last word so long after, and after those that were taken before it: what
// lastWord says of the recipient (in digits only), or the provider's word for delivered where lastWord is nil. lastWord must not call the
// simulator. A negative time ends that for the messages to come.
func (s *statuses) DeliverAfter(d time.Duration, lastWord func(to string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lastWord == nil {
		lastWord = func(string) string { return s.delivered }
	}
	s.on, s.after, s.lastWord = d >= 0, d, lastWord
}

// Deliver gives a message a status, and its queue a row about it, where it has one. False: nobody knows the id.
func (s *statuses) Deliver(id, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, known := s.messages[id]
	if known {
		s.tell(m, status)
	}
	return known
}

// IDOf is the provider's id of the message with that id of ours; empty where there is none.
func (s *statuses) IDOf(clientID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[clientID]
}

// Enqueue puts rows into a queue, about whomever.
func (s *statuses) Enqueue(queue string, rows ...StatusRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[queue] = append(s.queues[queue], rows...)
}

// Queued is how many rows can be read from a queue now.
func (s *statuses) Queued(queue string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return len(s.queues[queue])
}

// keeps tells whether messages need be kept: for a ledger that counts only those that will get a last word by themselves.
func (s *statuses) keeps(countsOnly bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on || !countsOnly
}

// keep notes a message that was taken.
func (s *statuses) keep(id int64, clientID, to, queue string, countsOnly bool) {
	m := &message{StatusRow: StatusRow{ID: strconv.FormatInt(id, 10), ClientID: clientID, Status: s.taken}, to: to, queue: queue}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on {
		m.due = time.Now().Add(s.after)
		s.coming = append(s.coming, m)
	}
	if !countsOnly {
		s.messages[m.ID], s.ids[clientID] = m, m.ID
	}
}

// settle gives their last word to the messages whose time has come. With the lock held.
func (s *statuses) settle() {
	for len(s.coming) > 0 && !time.Now().Before(s.coming[0].due) {
		m := s.coming[0]
		s.coming[0] = nil
		s.coming = s.coming[1:]
		s.tell(m, s.lastWord(m.to))
	}
}

// tell sets a message's status. With the lock held.
func (s *statuses) tell(m *message, status string) {
	m.Status, m.At = status, time.Now()
	if m.queue != "" {
		s.queues[m.queue] = append(s.queues[m.queue], m.StatusRow)
	}
}

// read takes up to n rows out of a queue.
func (s *statuses) read(queue string, n int) []StatusRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	rows := s.queues[queue]
	n = min(n, len(rows))
	taken := append([]StatusRow(nil), rows[:n]...)
	if clear(rows[:n]); n == len(rows) {
		delete(s.queues, queue)
	} else {
		s.queues[queue] = rows[n:]
	}
	return taken
}

// of is what became of a message; false: nobody knows it.
func (s *statuses) of(id string) (row StatusRow, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	m, known := s.messages[id]
	if !known {
		return StatusRow{}, false
	}
	return m.StatusRow, true
}
