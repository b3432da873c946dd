package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// RunNATS is the process of the NATS server: the production server's code, with file storage and its own defaults.
func RunNATS(args []string, out io.Writer) error {
	f := flag.NewFlagSet("nats", flag.ContinueOnError)
	dir := f.String("dir", "", "where the streams are stored")
	port := f.Int("port", server.RANDOM_PORT, "of loopback; -1: any free one")
	sync := f.Duration("sync", 0, "how often what was stored is synced to disk; 0: the server's default")
	name := f.String("name", "lab", "of the server")
	cluster := f.String("cluster", "", "host:port on which the others of its cluster reach it; empty: it is alone")
	routes := f.String("routes", "", "URLs of all of the cluster, separated by commas")
	if err := f.Parse(args); err != nil {
		return err
	}
	o := &server.Options{
		ServerName: *name, Host: "127.0.0.1", Port: *port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: *dir, JetStreamMaxStore: 1 << 40, // reserved by the streams, not used
		SyncInterval: *sync,
	}
	if *cluster != "" {
		addr, err := netip.ParseAddrPort(*cluster)
		if err != nil {
			return err
		}
		o.Cluster = server.ClusterOpts{Name: "lab", Host: addr.Addr().String(), Port: int(addr.Port())}
		o.Routes = server.RoutesFromStr(*routes)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(StartWithin) {
		return errors.New("not ready for connections")
	}
	fmt.Fprintln(out, "ready", s.ClientURL())
	UntilStopped()
	return nil
}

// UntilStopped waits until this process is told to stop or its parent is no more. An interrupt is the parent's to handle: a terminal
// sends it to all of them.
func UntilStopped() {
	signal.Ignore(os.Interrupt)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent, however it ends
		cancel()
	}()
	<-ctx.Done()
}

// StartSelf starts one of the other processes of a program, with more in its environment than ours has, and returns what it says behind the word ready.
func StartSelf(ctx context.Context, self string, env []string, part string, args ...string) (*Process, []string, error) {
	child, line, err := Command{Name: part, Ready: "ready", Path: self, Args: append([]string{part}, args...), Env: env}.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	return child, strings.Fields(line)[1:], nil
}

// StartRedis starts a redis-server that writes nothing to disk, unless args say otherwise. It can't choose a free port by itself; so another program
// may come first.
func StartRedis(ctx context.Context, dir string, args ...string) (p *Process, addr string, err error) {
	for range 5 {
		if addr, err = FreeAddr(); err != nil {
			return nil, "", err
		}
		p, err = StartRedisAt(ctx, addr, dir, args...)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return p, addr, err
}

// StartRedisAt is StartRedis on a given address of loopback. It returns once the server has loaded what it kept.
func StartRedisAt(ctx context.Context, addr, dir string, args ...string) (*Process, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	p, _, err := Command{Name: "redis-server", Ready: "Ready to accept connections", Path: "redis-server", Args: append([]string{
		"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no"}, args...)}.Start(ctx)
	return p, err
}

// FreeAddr is an address of loopback that nobody listens on.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
