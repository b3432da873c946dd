package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// A worker whose secret changes takes the new one over by itself: the jobs that waited for it are sent, once.
func TestSecretRotates(t *testing.T) {
	h := newHouse(t)
	secret := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(secret, []byte("outdated"), 0o600))
	text, err := os.ReadFile(h.config)
	require.NoError(t, err)
	rotating := strings.Replace(string(text), "password: "+prostorPassword, "password_file: "+secret, 1)
	require.NotEqual(t, string(text), rotating)
	require.NoError(t, os.WriteFile(h.config, []byte(rotating), 0o600))

	log := &buffer{}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int, 1)
	p := &program{stdout: &buffer{}, stderr: log, lookup: os.LookupEnv, kinds: catalogue(), reread: 50 * time.Millisecond}
	go func() { done <- p.run(ctx, []string{"run", "--config", h.config}) }()
	h.awaitStreams("alone")
	h.publish("dispatch.jobs.normal.alone.shop", `{"id":"r1","channel":"sms","to":"+79612242243","text":"t"}`)
	_, e := h.next("r1")
	require.Equal(t, job.Waiting, e.State)
	require.Equal(t, job.Unauthorized, e.Error.Code)

	// Half of a rotation: a file that isn't there.
	require.NoError(t, os.Rename(secret, secret+".new"))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "goes on as it is") }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, os.WriteFile(secret+".new", []byte(prostorPassword+"\n"), 0o600))
	require.NoError(t, os.Rename(secret+".new", secret))
	_, e = h.next("r1")
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, 1, e.Attempt)

	stop()
	require.Equal(t, exitDone, <-done, log.String())
	require.Equal(t, 1, h.prostor.Messages())
	require.Equal(t, 1, strings.Count(log.String(), "goes on as it is"))
	require.Equal(t, 1, strings.Count(log.String(), "the worker begins anew"))
	require.NotContains(t, log.String(), "outdated")
	require.NotContains(t, log.String(), prostorPassword)
}
