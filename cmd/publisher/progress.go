package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// counts is how far an import got.
type counts struct {
	bytes      atomic.Int64 // of the file, read
	line       atomic.Int64 // of the file, the last that was taken up
	published  atomic.Int64
	duplicates atomic.Int64
	refused    atomic.Int64
}

func (c *counts) String() string {
	return fmt.Sprintf("line %d: %d published, %d already there, %d refused", c.line.Load(), c.published.Load(), c.duplicates.Load(), c.refused.Load())
}

// counting counts the bytes that are read through it.
type counting struct {
	io.Reader
	counts *counts
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.counts.bytes.Add(int64(n))
	return n, err
}

// How often progress is shown: on a terminal, and where each time makes another line.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
)

// progress shows the counts while they grow: a bar on a terminal, else a line every few seconds.
type progress struct {
	mu     sync.Mutex
	out    io.Writer
	counts *counts
	bar    *progressbar.ProgressBar // nil: no terminal
	done   chan struct{}
	ended  chan struct{}
	once   sync.Once
}

// newProgress begins to show the counts. Size is that of the file in bytes, -1 where it isn't known.
func newProgress(out io.Writer, size int64, c *counts) *progress {
	p := &progress{out: out, counts: c, done: make(chan struct{}), ended: make(chan struct{})}
	every := lineEvery
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		every = barEvery
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(20), progressbar.OptionThrottle(barEvery), progressbar.OptionClearOnFinish())
	}
	go p.run(every)
	return p
}

func (p *progress) run(every time.Duration) {
	defer close(p.ended)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			p.show()
			p.mu.Unlock()
		case <-p.done:
			return
		}
	}
}

// show writes the counts. That a terminal doesn't take them is no reason to stop an import.
func (p *progress) show() {
	if p.bar == nil {
		_, _ = fmt.Fprintf(p.out, "import: %v\n", p.counts)
		return
	}
	p.bar.Describe(p.counts.String())
	_ = p.bar.Set64(p.counts.bytes.Load())
}

// aside writes something else than progress, without the bar in its way.
func (p *progress) aside(write func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // as in show
	}
	write()
}

// close ends the showing. It may be repeated.
func (p *progress) close() {
	p.once.Do(func() {
		close(p.done)
		<-p.ended
		if p.bar != nil {
			_ = p.bar.Finish() // as in show
		}
	})
}
