package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Two workers together keep one account's rate, and use it.
func TestLimitOverReplicas(t *testing.T) {
	h := newHouse(t)
	text, err := os.ReadFile(h.config)
	require.NoError(t, err)
	limited := strings.Replace(string(text), "recheck: 1s}", "recheck: 1s, limit: {messages_per_second: 1000, burst: 100}}", 1)
	require.NoError(t, os.WriteFile(h.config, []byte(limited), 0o600))
	t.Setenv("GONETS_HTTP_LISTEN", "127.0.0.1:0")
	h.run()
	h.run()
	h.awaitStreams("alone")
	const jobs = 3000
	begun := time.Now()
	for i := range jobs {
		_, err := h.js.PublishAsync("dispatch.jobs.bulk.alone.shop", fmt.Appendf(nil, `{"id":"l%d","channel":"sms","to":"+7961%07d","text":"t"}`, i, i))
		require.NoError(t, err)
	}
	var first, last time.Time
	for seen := range jobs {
		select {
		case <-h.events:
			last = time.Now()
			if seen == 0 {
				first = last
			}
		case <-time.After(30 * time.Second):
			require.FailNow(t, "no more events", "%d of %d", seen, jobs)
		}
	}
	require.GreaterOrEqual(t, last.Sub(begun), (jobs-100)*time.Millisecond) // but for the burst
	full := 0
	for _, n := range h.prostor.Packets() {
		require.LessOrEqual(t, n, 100, "a packet is never larger than the burst")
		if n == 100 {
			full++
		}
	}
	t.Logf("%s for %d messages at 1000/s with a burst of 100: %.1f%% of the rate; %d of %d packets full",
		last.Sub(first), jobs, 100*float64(jobs-100)/1000/last.Sub(first).Seconds(), full, len(h.prostor.Packets()))
}
