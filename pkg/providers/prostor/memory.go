package prostor

import "github.com/gonets/gonets/pkg/providers"

// memory is what one packet's request and reply need and the next packet's may use again: at 200 messages it is 110 KB. Nothing of it is in
// a result.
type memory struct {
	packet []byte
	reply  []byte
	rows   rows
	byID   map[[20]byte]int
}

// borrow takes memory that another packet has given back, or new one.
func (p *provider) borrow() *memory {
	if m, ok := p.memories.Get().(*memory); ok {
		return m
	}
	return &memory{byID: make(map[[20]byte]int, maxBatch)}
}

// putAway gives memory back after a reply, but for a packet that may still be read.
func (p *provider) putAway(m *memory, r providers.Reply) {
	if !r.Released {
		m.packet = nil
	}
	if cap(r.Body) > cap(m.reply) {
		m.reply = r.Body
	}
	clear(m.rows[:cap(m.rows)]) // they hold texts of the reply
	clear(m.byID)
	p.memories.Put(m)
}
