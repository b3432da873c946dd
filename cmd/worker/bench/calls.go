package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// calls counts the commands that clients send to Redis about some keys, as Redis itself shows them (MONITOR): of a script the call, not what it does.
type calls struct {
	addr string
	conn net.Conn
	over chan struct{}
	made int // valid once over
	err  error
}

// lastCall ends the count when it is seen.
const lastCall = "bench-last-call"

// countCalls counts from now on.
func (w *world) countCalls(key string) (*calls, error) {
	conn, err := net.Dial("tcp", w.redisAddr)
	if err != nil {
		return nil, fmt.Errorf("watch redis-server: %w", err)
	}
	lines := bufio.NewReader(conn)
	if _, err = conn.Write([]byte("MONITOR\r\n")); err == nil {
		var answer string
		if answer, err = lines.ReadString('\n'); err == nil && answer != "+OK\r\n" {
			err = errors.New(strings.TrimSpace(answer))
		}
	}
	if err != nil {
		_ = conn.Close() // of no use any more
		return nil, fmt.Errorf("watch redis-server: %w", err)
	}
	c := &calls{addr: w.redisAddr, conn: conn, over: make(chan struct{})}
	go c.count(lines, key)
	return c, nil
}

func (c *calls) count(lines *bufio.Reader, key string) {
	defer close(c.over)
	for {
		line, err := lines.ReadString('\n')
		switch {
		case err != nil:
			c.err = fmt.Errorf("watch redis-server: %w", err)
			return
		case isCall(line, lastCall):
			return
		case isCall(line, key):
			c.made++
		}
	}
}

// isCall tells whether a line of MONITOR is a client's command with an argument that begins like this. It looks like `+<time> [<db> <client>] "<word>"
// "<argument>" …`, where the client is lua for what a script does.
func isCall(line, argument string) bool {
	who, words, ok := strings.Cut(line, "] ")
	return ok && !strings.HasSuffix(who, " lua") && strings.Contains(words, `"`+argument)
}

// end ends the count, once all that were sent before are seen.
func (c *calls) end(ctx context.Context) (int, error) {
	db := redis.NewClient(&redis.Options{Addr: c.addr})
	defer func() { _ = db.Close() }() // nothing is lost with it
	if err := db.Echo(ctx, lastCall).Err(); err != nil {
		return 0, fmt.Errorf("ask redis-server: %w", err)
	}
	select {
	case <-c.over:
		return c.made, c.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// close stops watching.
func (c *calls) close() {
	_ = c.conn.Close() // nothing is lost with it
	<-c.over
}
