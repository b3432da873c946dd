package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// heldFor is for how long jobs are held: they must not be due before the worker that is to die has seen them, however slow the machine.
const heldFor = 20 * time.Second

// crash is one worker that dies at a point, with one job in hand or several, and what must have become of them once another worker came.
type crash struct {
	point string // empty: it is killed from outside once its request has arrived
	route string // alone: Prostor, which doesn't recognise repeats; promo: MySMPP, which does
	kind  string // of the jobs: "" is one that is to be sent now
	jobs  int    // 0: one
	// What is expected of each job; where several states are possible they are separated by |.
	states  string // of its events, in sequence
	copies  int    // −1: one where it is submitted, else one at most
	attempt int    // of its last event; 0: any

	prefix string
	first  int // the number of its first job
}

// crashes are the points of the table in docs/architecture.md.
func crashes() []crash {
	both := func(point, alone string, aloneCopies, aloneAttempt int, promoAttempt int) []crash {
		return []crash{
			{point: point, route: "alone", states: alone, copies: aloneCopies, attempt: aloneAttempt},
			{point: point, route: "promo", states: "submitted", copies: 1, attempt: promoAttempt},
		}
	}
	var all []crash
	all = append(all, both(onFetch, "submitted", 1, 1, 1)...)
	all = append(all, both(onClaimed, "unknown", 0, 0, 2)...)
	all = append(all, both("", "unknown", 1, 0, 2)...)
	all = append(all, both(onAnswered, "unknown", 1, 0, 2)...)
	all = append(all, both(onRecorded, "submitted", 1, 1, 1)...)
	all = append(all, both(onPublished, "submitted", 1, 1, 1)...)
	all = append(all, both(onAck, "submitted", 1, 1, 1)...)
	all = append(all,
		crash{point: onHalf, route: "alone", jobs: 20, states: "submitted|unknown", copies: -1},
		crash{point: onHalf, route: "promo", jobs: 20, states: "submitted", copies: 1})
	for _, point := range []string{onFetch, onClaimed, onAnswered} { // it may be due by the time when the next worker comes
		all = append(all, crash{point: point, route: "alone", kind: "later", states: "submitted|scheduled submitted", copies: 1, attempt: 1})
	}
	for _, point := range []string{onRecorded, onPublished, onHold, onHeld, onAck} {
		all = append(all, crash{point: point, route: "alone", kind: "later", states: "scheduled submitted", copies: 1, attempt: 1})
	}
	for _, point := range []string{onBury, onBuried, onPublished, onAck} {
		all = append(all, crash{point: point, route: "alone", kind: "odd", states: "unknown", copies: 0, attempt: 1})
	}
	for i := range all {
		all[i].prefix, all[i].first, all[i].jobs = fmt.Sprint("crash", i), 100*i, max(all[i].jobs, 1)
	}
	return all
}

func (c *crash) String() string {
	return strings.TrimSpace(c.route + " " + c.kind + ", " + c.point)
}

// phone is of the n-th of its jobs.
func (c *crash) phone(n int) string { return fmt.Sprintf("7961%07d", c.first+n) }

// env is what a worker of this crash is configured by, beside the house's file: all its own, on the same servers.
func (c *crash) env() []string {
	return []string{"GONETS_NATS_PREFIX=" + c.prefix, "GONETS_REDIS_PREFIX=" + c.prefix, "GONETS_HTTP_LISTEN=127.0.0.1:0", "GONETS_NATS_ACK_WAIT=4s"}
}

// program is a worker in this process.
func (c *crash) program(h *house, log *buffer) *program {
	own := map[string]string{}
	for _, pair := range c.env() {
		name, value, _ := strings.Cut(pair, "=")
		own[name] = value
	}
	return &program{stdout: log, stderr: log, environ: c.env(), kinds: catalogue(), reread: rereadEvery,
		lookup: func(name string) (string, bool) { v, ok := own[name]; return v, ok }}
}

// publish stores its jobs.
func (c *crash) publish(h *house) {
	for n := range c.jobs {
		more := ""
		switch c.kind {
		case "later":
			more = fmt.Sprintf(`,"send_at":%q`, time.Now().Add(heldFor).UTC().Format(time.RFC3339Nano))
		case "odd":
			h.prostor.Verdict(c.phone(n), "what nobody has documented")
		}
		h.publish(c.prefix+".jobs.normal."+c.route+".shop", fmt.Sprintf(`{"id":"j%d","channel":"sms","to":"+%s","text":"t"%s}`, n, c.phone(n), more))
	}
}

// die runs a worker until it is dead.
func (c *crash) die(t *testing.T, h *house) {
	self, err := os.Executable()
	require.NoError(t, err)
	var log bytes.Buffer
	cmd := exec.Command(self, "run", "--config", h.config)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Env = append(os.Environ(), append(c.env(), diesAt+"="+c.point)...)
	if c.point == "" {
		cmd.Env = append(cmd.Env, diesAt+"=never")
	}
	provider := map[string]*sim.Server{"alone": h.prostor.Server, "promo": h.mysmpp.Server}[c.route]
	if c.point == "" {
		provider.Delay(time.Minute)
		defer provider.Delay(0)
	}
	_, arrived := provider.Arrived()
	require.NoError(t, cmd.Start())
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	if c.point == "" {
		select {
		case <-arrived:
		case <-time.After(time.Minute):
		}
		require.NoError(t, cmd.Process.Kill())
	}
	select {
	case err := <-over:
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s: it must die: %s", c, log.String())
		require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s: %s", c, log.String())
	case <-time.After(time.Minute):
		require.NoError(t, cmd.Process.Kill())
		require.FailNow(t, "it didn't die", "%s: %s", c, log.String())
	}
}

// A worker dies at each point of a job's way; what the next one makes of it is what the table says, and nothing is lost, doubled or left behind.
func TestCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some thirty processes")
	}
	h := newHouse(t)
	all := crashes()
	for i := range all {
		c := &all[i]
		require.Equal(t, exitDone, c.program(h, &buffer{}).run(t.Context(), []string{"init", "--config", h.config}))
		c.publish(h)
		c.die(t, h)
	}
	for i := range all {
		h.start(all[i].program(h, &buffer{}))
	}
	for i := range all {
		c := &all[i]
		t.Run(c.String(), func(t *testing.T) { c.check(t, h) })
	}
}

// start runs a worker of this process until the test ends.
func (h *house) start(p *program) {
	done := make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- p.run(ctx, []string{"run", "--config", h.config}) }()
	h.t.Cleanup(func() { cancel(); <-done })
}

// check waits until no stream holds a job, and looks at events, dead letters and copies.
func (c *crash) check(t *testing.T, h *house) {
	require.Eventually(t, func() bool {
		for _, name := range []string{"JOBS_NORMAL", "LATER"} {
			s, err := h.js.Stream(t.Context(), strings.ToUpper(c.prefix)+"_"+name)
			if err != nil || s.CachedInfo().State.Msgs > 0 {
				return false
			}
		}
		return true
	}, time.Minute, 50*time.Millisecond, "jobs are left")
	states, last := map[string][]string{}, map[string]job.Event{}
	_, err := natsq.ReadStatus(t.Context(), h.js, natsq.Layout{Prefix: c.prefix}, natsq.Excerpt{}, func(events []dispatch.Event, _ uint64) error {
		for _, e := range events {
			require.Equal(t, len(states[e.Job])+1, e.Sequence, "each event once, in sequence")
			states[e.Job] = append(states[e.Job], string(e.State))
			last[e.Job] = e.Event
		}
		return nil
	})
	require.NoError(t, err)
	unknown := 0
	for n := range c.jobs {
		id := fmt.Sprint("j", n)
		require.Contains(t, strings.Split(c.states, "|"), strings.Join(states[id], " "), "%s %+v", id, last[id].Error)
		copies := 0
		for _, s := range []*sim.Server{h.prostor.Server, h.mysmpp.Server} {
			for what, times := range s.All() {
				if what.To == c.phone(n) {
					copies += times
				}
			}
		}
		if c.copies >= 0 {
			require.Equal(t, c.copies, copies, id)
		} else {
			require.LessOrEqual(t, copies, 1, id)
			require.False(t, copies == 0 && last[id].State == job.Submitted, id)
		}
		if c.attempt > 0 {
			require.Equal(t, c.attempt, last[id].Attempt, id)
		}
		if last[id].State == job.Unknown {
			unknown++
		}
	}
	dead, err := h.js.Stream(t.Context(), strings.ToUpper(c.prefix)+"_DEAD")
	require.NoError(t, err)
	require.EqualValues(t, unknown, dead.CachedInfo().State.Msgs, "one dead letter for each that is unknown")
}
