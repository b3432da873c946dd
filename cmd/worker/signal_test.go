package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// inRequest starts a worker as a process that has a request at a provider which doesn't answer.
func (h *house) inRequest(ackWait string, log *buffer) *exec.Cmd {
	h.t.Helper()
	self, err := os.Executable()
	require.NoError(h.t, err)
	cmd := exec.Command(self, "run", "--config", h.config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), diesAt+"=never", "GONETS_HTTP_LISTEN=127.0.0.1:0", "GONETS_NATS_ACK_WAIT="+ackWait)
	_, arrived := h.prostor.Arrived()
	require.NoError(h.t, cmd.Start())
	h.t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
	h.awaitStreams("alone")
	h.sms("alone", "j", 1)
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		require.FailNow(h.t, "nothing is sent", log.String())
	}
	return cmd
}

// A worker that is told to stop finishes the request it has, records and tells what became of it, and exits with 0.
func TestSignalDrains(t *testing.T) {
	h := newHouse(t)
	h.prostor.Delay(300 * time.Millisecond)
	log := &buffer{}
	cmd := h.inRequest("4s", log)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), log.String())
	_, e := h.next("j")
	require.Equal(t, job.Submitted, e.State, "%+v %s", e.Error, log)
	require.Equal(t, 1, e.Attempt)
	h.empty()
}

// A second signal doesn't wait for it; what was under way is delivered again to the next worker.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	h := newHouse(t)
	h.prostor.Break(sim.Hang, -1)
	log := &buffer{}
	config, err := os.ReadFile(h.config)
	require.NoError(t, err)
	patient := bytes.ReplaceAll(config, []byte("recheck: 1s}"), []byte("recheck: 1s, timeout: 25s}"))
	require.NoError(t, os.WriteFile(h.config, patient, 0o600))
	cmd := h.inRequest("60s", log)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), `"stopping"`) }, 30*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, exitFailed, exit.ExitCode(), log.String())
	require.NotContains(t, log.String(), `"stopped"`)
}
