package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child. Whoever starts it stops it.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer // held open: our own children end with it, so with us, however we end
	said  tail
	over  chan struct{} // closed once it ended
	err   error         // of its end; valid then
}

// usage is what a process used up.
type usage struct {
	cpu  time.Duration // user and system
	peak int64         // of the resident memory, in bytes
}

// startWithin and stopWithin are generous: the machine may be busy, and a worker is given time to finish what it has in hand.
const (
	startWithin = 60 * time.Second
	stopWithin  = 40 * time.Second
)

// start starts a process, with more in its environment than ours has, and waits until it writes a line that contains ready, which is returned.
func start(ctx context.Context, env []string, name, ready, path string, args ...string) (*process, string, error) {
	p := &process{name: name, cmd: exec.Command(path, args...), over: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p.cmd.Stderr = p.cmd.Stdout // the same pipe
	if err := p.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", name, err)
	}
	line := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), ready) {
				select {
				case line <- lines.Text():
				default:
				}
			}
			_, _ = p.said.Write(append(lines.Bytes(), '\n')) // never fails
		}
		_, _ = io.Copy(io.Discard, out) // after a line too long to scan; else it is at its end
		p.err = p.cmd.Wait()
		close(p.over)
	}()
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case found := <-line:
		return p, found, nil
	case <-p.over:
		return nil, "", p.ended()
	case <-ctx.Done():
		p.kill()
		return nil, "", fmt.Errorf("start %s: %w", name, ctx.Err())
	}
}

// ended tells of an end that wasn't asked for.
func (p *process) ended() error {
	return fmt.Errorf("%s ended by itself (%v), having said:\n%s", p.name, p.err, p.said.String())
}

// stop ends it as an operator would and tells what it used up.
func (p *process) stop() (usage, error) {
	peak := peakOf(p.cmd.Process.Pid)
	select {
	case <-p.over:
		return usage{}, p.ended()
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return usage{}, fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.over:
	case <-time.After(stopWithin):
		p.kill()
		return usage{}, fmt.Errorf("%s did not stop within %s", p.name, stopWithin)
	}
	if p.err != nil {
		return usage{}, fmt.Errorf("%s stopped with %w, having said:\n%s", p.name, p.err, p.said.String())
	}
	state := p.cmd.ProcessState
	if peak == 0 {
		peak = maxRSS(state)
	}
	return usage{cpu: state.UserTime() + state.SystemTime(), peak: peak}, nil
}

// kill ends it at once, if it still runs. nil: there is none.
func (p *process) kill() {
	if p == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return // not ours any more; there is nothing to wait for
	}
	<-p.over
	_ = p.stdin.Close() // fails where its end has closed it
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 4 << 10

// Write implements [io.Writer].
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if n := len(t.kept) - tailBytes; n > 0 {
		t.kept = append(t.kept[:0], t.kept[n:]...)
	}
	return len(b), nil
}

// String is what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
