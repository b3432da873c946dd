package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// Jobs that end in every other way than they should leave a line each, at debug level, and none has a phone, a text or a secret.
func TestLogs(t *testing.T) {
	h := newHouse(t)
	stop, log := h.run()
	h.awaitStreams("alone")
	body := func(id, more string) string {
		return fmt.Sprintf(`{"id":%q,"channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 4711"%s}`, id, more)
	}
	end := func(id string, want job.State) {
		t.Helper()
		for {
			if _, e := h.next(id); e.State == want {
				return
			}
		}
	}
	h.publish("dispatch.jobs.urgent.otp.shop", body("good", ""))
	end("good", job.Submitted)
	h.publish("dispatch.jobs.urgent.otp.shop", body("late", `,"expires_at":"2001-01-01T00:00:00Z"`))
	end("late", job.Expired)
	h.publish("dispatch.jobs.urgent.otp.shop", body("odd", `,"txet":"Your code is 4711"`))
	end("odd", job.Rejected)
	h.prostor.Break(sim.ResetAfter, 1)
	h.publish("dispatch.jobs.urgent.alone.shop", body("unsure", ""))
	end("unsure", job.Unknown)
	h.prostor.Break(sim.Refused, 2) // and it fails after the second
	h.publish("dispatch.jobs.urgent.alone.shop", body("lost", ""))
	end("lost", job.Failed)
	h.prostor.Break(sim.Redirect, 1)
	h.publish("dispatch.jobs.urgent.alone.shop", body("waits", ""))
	end("waits", job.Submitted)
	require.Equal(t, exitDone, stop(), log.String())

	for id, words := range map[string]string{"late": "job expired", "odd": "job rejected", "unsure": "job may or may not have been sent", "lost": "job failed", "waits": "job waits for an account"} {
		require.Regexp(t, fmt.Sprintf(`"msg":%q,"tenant":"shop","job":%q`, words, id), log.String())
	}
	require.Contains(t, log.String(), `"msg":"packet sent","account":"prostor-main","messages":1,"outcomes":{"submitted":1}`)
	require.NotContains(t, log.String(), `"job":"good"`)
	for _, secret := range []string{"9612242243", "961) 224", "Your code", "is 4711", prostorPassword, mysmppToken, scorocodeKey} {
		require.NotContains(t, log.String(), secret)
	}
}

// A flood of one kind of line is bounded, and hides no other kind.
func TestLogFloods(t *testing.T) {
	out := &buffer{}
	log, err := newLogger(config.Log{Level: "info", Format: "json"}, out)
	require.NoError(t, err)
	for i := range 100_000 {
		log.Info("job waits for an account", zap.Int("job", i))
	}
	log.Warn("job failed", zap.String("job", "a"))
	log.Warn("job failed", zap.String("job", "b"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Less(t, len(lines), 500)
	require.Greater(t, len(lines), logFirst)
	require.Contains(t, out.String(), `"job":49}`)
	require.Equal(t, 2, strings.Count(out.String(), "job failed"))
}
