package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// process is a worker in a process of its own.
func (h *house) process(binary string) *exec.Cmd {
	cmd := exec.Command(binary, "run", "--config", h.config)
	log, err := os.OpenFile(filepath.Join(h.t.TempDir(), "worker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(h.t, err)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "GONETS_HTTP_LISTEN=127.0.0.1:0", "GONETS_NATS_ACK_WAIT=4s")
	require.NoError(h.t, cmd.Start())
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = log.Close()
	})
	return cmd
}

// A worker that is killed in mid-load, again and again, loses nothing and sends nothing twice that could be known.
func TestKilledWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	binary := filepath.Join(t.TempDir(), "worker")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	h := newHouse(t)
	h.prostor.Delay(50 * time.Millisecond)
	h.mysmpp.Delay(50 * time.Millisecond)
	elder, younger := h.process(binary), h.process(binary)
	h.awaitStreams("alone")

	const jobs = 3000
	acks := make([]jetstream.PubAckFuture, 0, jobs)
	var kills, seen int
	for i := range jobs {
		if i%300 == 0 {
			seen, _ = h.prostor.Arrived()
		}
		route := []string{"alone", "promo"}[i%2]
		ack, err := h.js.PublishAsync("dispatch.jobs.normal."+route+".shop",
			fmt.Appendf(nil, `{"id":"k%d","channel":"sms","to":"+7961%07d","text":"t"}`, i, i))
		require.NoError(t, err)
		acks = append(acks, ack)
		if i%300 == 299 {
			for n, arrived := h.prostor.Arrived(); n == seen; n, arrived = h.prostor.Arrived() {
				<-arrived // of the jobs just published, some are in the middle of a request
			}
			require.NoError(t, elder.Process.Kill())
			_ = elder.Wait() // killed
			kills++
			elder, younger = younger, h.process(binary)
			for _, a := range acks {
				select {
				case <-a.Ok():
				case err := <-a.Err():
					require.NoError(t, err)
				}
			}
			acks = acks[:0]
		}
	}
	ends := map[string]job.State{}
	sequences := map[string]map[int]bool{}
	deadline := time.After(90 * time.Second)
	for len(ends) < jobs {
		select {
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(t, err)
			if sequences[e.Job] == nil {
				sequences[e.Job] = map[int]bool{}
			}
			sequences[e.Job][e.Sequence] = true
			if e.State == job.Submitted || e.Final {
				ends[e.Job] = e.State
			}
		case <-deadline:
			require.FailNow(t, "jobs without an end", "%d of %d", jobs-len(ends), jobs)
		}
	}
	h.empty()
	require.NoError(t, elder.Process.Signal(os.Interrupt))
	require.NoError(t, elder.Wait(), "a stop in good order")
	require.NoError(t, younger.Process.Signal(os.Interrupt))
	require.NoError(t, younger.Wait(), "a stop in good order")
	unknown := 0
	for id, state := range ends {
		require.Contains(t, []job.State{job.Submitted, job.Unknown}, state, id)
		if state == job.Unknown {
			unknown++
		}
		for n := 1; n <= len(sequences[id]); n++ {
			require.True(t, sequences[id][n], "%s: event %d is missing", id, n)
		}
	}
	require.Empty(t, h.prostor.Repeats())
	require.Empty(t, h.mysmpp.Repeats())
	require.Equal(t, jobs/2, h.mysmpp.Messages(), "MySMPP recognises repeats, so nothing of it is unknown")
	require.LessOrEqual(t, jobs/2-h.prostor.Messages(), unknown)
	t.Logf("%d kills, %d of %d jobs unknown", kills, unknown, jobs)
}
