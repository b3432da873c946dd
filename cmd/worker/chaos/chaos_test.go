package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// TestMain makes the test binary the nats-server of its own trials.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "nats" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// The short form: everything breaks for some seconds, and the laws hold.
func TestLawsHold(t *testing.T) {
	if testing.Short() {
		t.Skip("breaks things for half a minute")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("NOT TESTED: no redis-server in PATH")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	var said strings.Builder
	err = chaos(t.Context(), self, options{only: []string{"forget", "all"}, duration: 12 * time.Second, jobs: 3000, records: 2000, held: 100, seed: rand.Uint64()}, &said)
	t.Log(said.String())
	require.NoError(t, err)
}

// The ledger sees what it is to see.
func TestLedgerJudges(t *testing.T) {
	event := func(id string, sequence int, state job.State) *job.Event {
		return &job.Event{Job: id, Sequence: sequence, State: state, Attempt: 1, Final: state == job.Unknown || state == job.Failed}
	}
	sound := func() *ledger {
		l := &ledger{published: 2, entries: map[int]*entry{}, copies: map[int]int{0: 1, 1: 1}, states: map[job.State]int{}}
		l.enter(event("j0", 1, job.Submitted))
		l.enter(event("j1", 1, job.Scheduled))
		l.enter(event("j1", 2, job.Submitted))
		l.enter(event("j1", 2, job.Submitted)) // a repeat
		l.enter(event("j1", 0, job.Duplicate))
		l.enter(event("j1", 3, job.Delivered))
		return l
	}
	require.NoError(t, sound().judge(bounds{}, nil))
	for want, harm := range map[string]func(*ledger){
		"lost":       func(l *ledger) { l.published = 3 },
		"no end":     func(l *ledger) { l.published = 3; l.enter(event("j2", 1, job.Scheduled)) },
		"doubled":    func(l *ledger) { l.copies[0] = 2 },
		"no copy":    func(l *ledger) { l.copies[1] = 0 },
		"not sent":   func(l *ledger) { l.published = 3; l.copies[2] = 1; l.enter(event("j2", 1, job.Failed)) },
		"contradict": func(l *ledger) { l.enter(event("j0", 1, job.Unknown)) },
		"missing":    func(l *ledger) { l.published = 3; l.copies[2] = 1; l.enter(event("j2", 2, job.Submitted)) },
		"unknown":    func(l *ledger) { l.states[job.Unknown] = 1 },
	} {
		l := sound()
		harm(l)
		if want == "no end" {
			want = "lost"
		}
		require.ErrorContains(t, l.judge(bounds{}, nil), want)
	}
	late := sound()
	late.enter(event("j1", 4, job.Unknown))
	require.ErrorContains(t, late.judge(bounds{}, nil), "contradict")
	require.ErrorContains(t, sound().judge(bounds{}, []string{"a breach"}), "a breach")
}
