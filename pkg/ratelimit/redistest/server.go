// Package redistest runs a real redis-server for tests: scripts behave differently on imitations.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server process of a test, on a free port of the loopback, with a directory of its own. Its methods
// are to be called from one goroutine at a time and fail the test where the process can't be started or stopped.
type Server struct {
	Addr string // host:port; it stays the same over restarts

	t       testing.TB
	binary  string
	dir     string
	args    []string
	secure  bool // its port speaks TLS alone
	process *exec.Cmd
}

// Start starts a redis-server that ends with the test. It persists nothing, so that Restart loses everything, unless args say
// otherwise: they are added to the command line, e.g. "--appendonly", "yes". Where there is no redis-server in PATH the test is skipped.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, false, args)
}

// StartTLS is Start for a server that speaks TLS alone and asks its clients for a certificate of that authority. The arguments are PEM files.
func StartTLS(t testing.TB, cert, key, ca string, args ...string) *Server {
	t.Helper()
	return start(t, true, append([]string{"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca}, args...))
}

func start(t testing.TB, secure bool, args []string) *Server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("NOT TESTED on a real Redis, whose scripts are the subject here: no redis-server in PATH")
	}
	s := &Server{t: t, binary: binary, dir: t.TempDir(), args: args, secure: secure}
	t.Cleanup(s.Kill)
	for try := 0; ; try++ {
		s.Addr = freeAddr(t)
		err := s.start()
		if err == nil {
			return s
		}
		if try == 5 {
			t.Fatalf("redistest: start %s: %v", binary, err)
		}
	}
}

// StartCluster starts a Redis Cluster of one node that serves all slots: it refuses what a larger one would refuse, as keys of
// several slots in one call.
func StartCluster(t testing.TB) *Server {
	t.Helper()
	s := Start(t, "--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
	client := s.Client()
	defer func() { _ = client.Close() }() // a test's connection: nothing is lost with it
	if err := client.ClusterAddSlotsRange(context.Background(), 0, 16383).Err(); err != nil {
		t.Fatalf("redistest: assign the cluster's slots: %v", err)
	}
	for { // the node calls itself ok a moment after it was given its slots
		info, err := client.ClusterInfo(context.Background()).Result()
		if err != nil {
			t.Fatalf("redistest: ask for the cluster's state: %v", err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Client gives a new client that tries each command once, as the limiter and the claims need it. The caller closes it.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
}

// Dir is where the server keeps what it persists. It may be changed while it doesn't run.
func (s *Server) Dir() string { return s.dir }

// Stop ends the server in an orderly way: it writes what it is configured to persist.
func (s *Server) Stop() { s.end(os.Interrupt) }

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() { s.end(os.Kill) }

// Restart starts the server again on its address and directory, and ends it first, in an orderly way, where it still runs.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if err := s.start(); err != nil {
		s.t.Fatalf("redistest: start again: %v", err)
	}
}

func (s *Server) end(signal os.Signal) {
	if s.process == nil {
		return
	}
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Errorf("redistest: end redis-server: %v", err)
	}
	_ = s.process.Wait() // reports the signal as an error
	s.process = nil
}

// start runs the process and returns when it accepts connections.
func (s *Server) start() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	ports := []string{"--port", port}
	if s.secure {
		ports = []string{"--port", "0", "--tls-port", port}
	}
	args := append(ports, append([]string{"--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--daemonize", "no"}, s.args...)...)
	process := exec.Command(s.binary, args...)
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // else the server blocks on a full pipe; ends with it
			s.process = process
			return nil
		}
		said.WriteString(lines.Text() + "\n")
	}
	return fmt.Errorf("it ended with %w, having said:\n%s", process.Wait(), said.String())
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("redistest: find a free port: %v", err)
	}
	defer func() { _ = l.Close() }() // nothing was accepted
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}
