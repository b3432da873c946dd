package providers

import (
	"context"
	"io"
	"net"
	"sync"
)

// wholeBody is as much of a request's body as is written at once: a packet of 200 messages of usual length. net/http would take 32 KiB of new
// memory for each request, and write twice.
const wholeBody = 64 << 10

// dial dials connections that write bodies in memory which they use again and share.
func dial(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	rooms := &sync.Pool{New: func() any { return new([wholeBody]byte) }}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{c, rooms}, nil
	}
}

type conn struct {
	net.Conn
	rooms *sync.Pool
}

// ReadFrom implements [io.ReaderFrom], by which net/http writes a body.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	room := c.rooms.Get().(*[wholeBody]byte)
	defer c.rooms.Put(room)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, room[:])
}
