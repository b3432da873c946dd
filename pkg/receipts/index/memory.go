package index

// memory is what the arguments of one call need and the next one's may use again: at 200 entries it is 40 KB. A client that has returned
// from a call looks at them no more.
type memory struct {
	built  []byte // texts, one after another
	ends   []int  // of each
	pieces []piece
	args   []any
	plain  []any // those of plain commands
}

// piece is an argument that isn't copied.
type piece []byte

// MarshalBinary implements [encoding.BinaryMarshaler], which the client asks for an argument's bytes.
func (p *piece) MarshalBinary() ([]byte, error) { return *p, nil }

// add takes what was built so far, with another text at its end.
func (m *memory) add(built []byte) {
	m.built = built
	m.ends = append(m.ends, len(built))
}

// texts are all that were added.
func (m *memory) texts() []piece {
	m.pieces = m.pieces[:0]
	from := 0
	for _, end := range m.ends {
		m.pieces = append(m.pieces, m.built[from:end])
		from = end
	}
	return m.pieces
}

// borrow takes memory that another call has given back, or new one.
func (x *Redis) borrow() *memory {
	if m, ok := x.memories.Get().(*memory); ok {
		return m
	}
	return &memory{}
}

func (x *Redis) giveBack(m *memory) {
	clear(m.args) // they hold the entries
	clear(m.plain)
	x.memories.Put(m)
}
