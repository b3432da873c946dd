package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands between the workers and Redis: it delays what the server says, or cuts all connections.
type proxy struct {
	listener net.Listener
	target   string
	delay    atomic.Int64 // of each piece that the server sends, in ns

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	go p.serve()
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // the server is down, and so is its proxy
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		go p.pipe(server, client, false)
		go p.pipe(client, server, true)
	}
}

// pipe copies until either side is gone, then ends both.
func (p *proxy) pipe(to, from net.Conn, slow bool) {
	defer p.end(to, from)
	if !slow {
		_, _ = io.Copy(to, from) // its end is the connection's
		return
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			time.Sleep(time.Duration(p.delay.Load()))
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) end(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // perhaps for the second time
		delete(p.conns, c)
	}
}

// slow delays each answer from now on.
func (p *proxy) slow(d time.Duration) { p.delay.Store(int64(d)) }

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // likewise
	}
}

func (p *proxy) close() {
	_ = p.listener.Close() // nobody is to come any more
	p.cut()
}
