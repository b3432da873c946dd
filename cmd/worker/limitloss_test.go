package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A loss of Redis takes the buckets of the limits with it: an account doesn't get another burst out of that.
func TestALossGivesNoTokens(t *testing.T) {
	h := newHouse(t)
	const rate, burst, jobs = 100, 400, 1000
	text, err := os.ReadFile(h.config)
	require.NoError(t, err)
	limited := strings.Replace(string(text), "recheck: 1s}", "recheck: 1s, limit: {messages_per_second: 100, burst: 400}}", 1)
	require.NoError(t, os.WriteFile(h.config, []byte(limited), 0o600))
	began := time.Now()
	stop, log := h.run()
	h.awaitStreams("alone")
	for i := range jobs {
		h.sms("alone", fmt.Sprint("j", i), i)
	}
	sent := func(n int) {
		require.Eventually(t, func() bool { return h.prostor.Messages() >= n }, time.Minute, time.Millisecond)
		require.LessOrEqual(t, float64(h.prostor.Messages()), burst+rate*time.Since(began).Seconds(), "since the start")
	}
	sent(burst)
	h.lose()
	sent(burst + 1)
	sent(burst + 200)
	require.Equal(t, exitDone, stop(), log.String())
}
