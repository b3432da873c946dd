// Package lab runs what the programs that measure and break the worker need as processes of their own: nats-server, redis-server, workers.
package lab

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

// Command is how a process is started.
type Command struct {
	Name  string // in errors
	Path  string
	Args  []string
	Env   []string // beside our own
	Ready string   // a part of the line by which it says that it is ready
	Log   string   // path of the file that all it says is added to; empty: none is
}

// Process is a child. Whoever starts it stops it.
type Process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer // held open: our own children end with it, so with us, however we end
	said  tail
	over  chan struct{} // closed once it ended
	err   error         // of its end; valid then
}

// Usage is what a process used up.
type Usage struct {
	CPU  time.Duration // user and system
	Peak int64         // of the resident memory, in bytes
}

// StartWithin is generous, as is the time to stop: the machine may be busy, and a worker is given time to finish what it has in hand.
const (
	StartWithin = 60 * time.Second
	stopWithin  = 40 * time.Second
)

// Start starts a process and waits until it writes a line that contains c.Ready, which is returned.
func (c Command) Start(ctx context.Context) (*Process, string, error) {
	p := &Process{name: c.Name, cmd: exec.Command(c.Path, c.Args...), over: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), c.Env...)
	log, err := openLog(c.Log)
	if err != nil {
		return nil, "", err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p.cmd.Stderr = p.cmd.Stdout // the same pipe
	if err := p.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", c.Name, err)
	}
	line := make(chan string, 1)
	go p.listen(out, c.Ready, line, log)
	ctx, cancel := context.WithTimeout(ctx, StartWithin)
	defer cancel()
	select {
	case found := <-line:
		return p, found, nil
	case <-p.over:
		return nil, "", p.Ended()
	case <-ctx.Done():
		p.Kill()
		return nil, "", fmt.Errorf("start %s: %w", c.Name, ctx.Err())
	}
}

// listen reads what it says until its end.
func (p *Process) listen(out io.Reader, ready string, line chan<- string, log io.WriteCloser) {
	defer close(p.over)
	defer func() { _ = log.Close() }() // what is missing in it is no reason to fail
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), ready) {
			select {
			case line <- lines.Text():
			default:
			}
		}
		said := append(lines.Bytes(), '\n')
		_, _ = p.said.Write(said) // never fails
		_, _ = log.Write(said)    // a log that is full is no reason to stop
	}
	_, _ = io.Copy(io.Discard, out) // after a line too long to scan; else it is at its end
	p.err = p.cmd.Wait()
}

func openLog(path string) (io.WriteCloser, error) {
	if path == "" {
		return nowhere{io.Discard}, nil
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Over is closed once it ended.
func (p *Process) Over() <-chan struct{} { return p.over }

// Said is the end of what it said.
func (p *Process) Said() string { return p.said.String() }

// Ended tells of an end that wasn't asked for.
func (p *Process) Ended() error {
	return fmt.Errorf("%s ended by itself (%v), having said:\n%s", p.name, p.err, p.said.String())
}

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// Stop ends it as an operator would and tells what it used up.
func (p *Process) Stop() (Usage, error) {
	peak := peakOf(p.PID())
	select {
	case <-p.over:
		return Usage{}, p.Ended()
	default:
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return Usage{}, err
	}
	if err := p.Wait(); err != nil {
		return Usage{}, err
	}
	state := p.cmd.ProcessState
	if peak == 0 {
		peak = maxRSS(state)
	}
	return Usage{CPU: state.UserTime() + state.SystemTime(), Peak: peak}, nil
}

// Wait waits until a process that was told to stop has ended; it is killed where that takes too long. The error says that it ended in bad order.
func (p *Process) Wait() error {
	select {
	case <-p.over:
	case <-time.After(stopWithin):
		p.Kill()
		return fmt.Errorf("%s did not stop within %s", p.name, stopWithin)
	}
	if p.err != nil {
		return fmt.Errorf("%s stopped with %w, having said:\n%s", p.name, p.err, p.said.String())
	}
	return nil
}

// Kill ends it at once, if it still runs. nil: there is none.
func (p *Process) Kill() {
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
