package sim

import (
	"strconv"
	"sync"
	"time"
)

// StatusRow is one row of a status queue. ClientID may be empty.
type StatusRow struct{ SMSCID, ClientID, Status string }

// statuses is what becomes of the messages that Prostor took, and the queues of rows about them that nobody read yet. Its zero value
// is ready for use; it is safe for concurrent use.
type statuses struct {
	mu       sync.Mutex
	on       bool // messages get a last word by themselves
	after    time.Duration
	lastWord func(to string) string
	coming   []*message // that will get it, in the order of their acceptance
	messages map[string]*message
	clients  map[string]string // smscId by clientId
	queues   map[string][]StatusRow
}

// message is one that was taken.
type message struct {
	StatusRow
	to, queue string
	due       time.Time
}

// DeliverAfter makes every message that is taken from now on get its last word so long after: what lastWord says of the recipient (in
// digits only), or `delivered` where lastWord is nil. A negative time ends that for the messages to come.
func (s *statuses) DeliverAfter(d time.Duration, lastWord func(to string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lastWord == nil {
		lastWord = func(string) string { return "delivered" }
	}
	s.on, s.after, s.lastWord = d >= 0, d, lastWord
}

// Deliver gives a message a status, and its queue a row about it, where it has one. False: nobody knows the id.
func (s *statuses) Deliver(smscID, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, known := s.messages[smscID]
	if known {
		s.tell(m, status)
	}
	return known
}

// SMSCID is the provider's id of the message with that id of ours; empty where there is none.
func (s *statuses) SMSCID(clientID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[clientID]
}

// Enqueue puts rows into a queue, about whomever.
func (s *statuses) Enqueue(queue string, rows ...StatusRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(queue, rows...)
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
	m := &message{StatusRow: StatusRow{strconv.FormatInt(id, 10), clientID, "queued"}, to: to, queue: queue}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on {
		m.due = time.Now().Add(s.after)
		s.coming = append(s.coming, m)
	}
	if countsOnly {
		return
	}
	if s.messages == nil {
		s.messages, s.clients = map[string]*message{}, map[string]string{}
	}
	s.messages[m.SMSCID], s.clients[clientID] = m, m.SMSCID
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

func (s *statuses) tell(m *message, status string) {
	m.Status = status
	if m.queue != "" {
		s.enqueue(m.queue, m.StatusRow)
	}
}

func (s *statuses) enqueue(queue string, rows ...StatusRow) {
	if s.queues == nil {
		s.queues = map[string][]StatusRow{}
	}
	s.queues[queue] = append(s.queues[queue], rows...)
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

// of is the status of a message; false: nobody knows it.
func (s *statuses) of(smscID string) (status string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	m, known := s.messages[smscID]
	if !known {
		return "", false
	}
	return m.Status, true
}
