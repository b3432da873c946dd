package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// runNATS is the process of the NATS server: the production server's code, with file storage and its own defaults.
func runNATS(args []string, out io.Writer) error {
	f := flag.NewFlagSet("nats", flag.ContinueOnError)
	dir := f.String("dir", "", "where the streams are stored")
	if err := f.Parse(args); err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "bench", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: *dir, JetStreamMaxStore: 1 << 40, // reserved by the streams, not used
	})
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(startWithin) {
		return errors.New("not ready for connections")
	}
	fmt.Fprintln(out, "ready", s.ClientURL())
	untilStopped()
	return nil
}

// untilStopped waits until this process is told to stop or its parent is no more. An interrupt is the parent's to handle: a terminal
// sends it to all of them.
func untilStopped() {
	signal.Ignore(os.Interrupt)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent, however it ends
		cancel()
	}()
	<-ctx.Done()
}

// startSelf starts one of this program's other processes and returns what it says behind the word ready. Its profile, if any, has that name.
func (p *plan) startSelf(ctx context.Context, profile, part string, args ...string) (*process, []string, error) {
	child, line, err := start(ctx, p.profileOf(profile), part, "ready", p.self, append([]string{part}, args...)...)
	if err != nil {
		return nil, nil, err
	}
	return child, strings.Fields(line)[1:], nil
}

// startRedis starts a redis-server that writes nothing to disk. It can't choose a free port by itself; so another program may come first.
func startRedis(ctx context.Context, dir string) (p *process, addr string, err error) {
	for range 5 {
		if addr, err = freeAddr(); err != nil {
			return nil, "", err
		}
		_, port, _ := net.SplitHostPort(addr) // a listener's own address
		p, _, err = start(ctx, nil, "redis-server", "Ready to accept connections", "redis-server",
			"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return p, addr, err
}

// freeAddr is an address of loopback that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
