package api

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// world is the sandbox, a real worker with everything around it, and the examples, all as processes of their own.
type world struct {
	t   *testing.T
	bin string
	url string
	js  jetstream.JetStream
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, bin: t.TempDir()}
	out, err := exec.Command("go", "build", "-o", w.bin+string(filepath.Separator), "../cmd/worker", "../examples/go/...").CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, lines := w.start("worker", "sandbox", "--jobs", "30", "--keep")
	w.url = w.await(lines, `NATS +(nats://\S+)`)
	nc, err := nats.Connect(w.url)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	w.js, err = jetstream.New(nc)
	require.NoError(t, err)
	return w
}

// start starts a program and gives its standard output line by line. stop interrupts it and awaits its good end.
func (w *world) start(name string, args ...string) (stop func(), lines <-chan string) {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(w.bin, name), args...)
	cmd.Stderr = w.t.Output()
	out, err := cmd.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, cmd.Start())
	said := make(chan string, 1000)
	go func() {
		defer close(said)
		for s := bufio.NewScanner(out); s.Scan(); {
			said <- s.Text()
		}
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		require.NoError(w.t, cmd.Process.Signal(syscall.SIGINT))
		for range said { // to its end, before Wait closes it
		}
		require.NoError(w.t, cmd.Wait())
	}
	w.t.Cleanup(stop)
	return stop, said
}

// await reads lines until one matches, and gives what its group holds.
func (w *world) await(lines <-chan string, pattern string) string {
	w.t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case line, ok := <-lines:
			require.True(w.t, ok, "it ended before %q", pattern)
			if m := regexp.MustCompile(pattern).FindStringSubmatch(line); m != nil {
				return m[1]
			}
		case <-timeout:
			require.FailNow(w.t, "no such line", pattern)
		}
	}
}

func (w *world) publish(args ...string) (string, error) {
	out, err := exec.Command(filepath.Join(w.bin, "publish"), append([]string{"-nats", w.url}, args...)...).CombinedOutput()
	return string(out), err
}
