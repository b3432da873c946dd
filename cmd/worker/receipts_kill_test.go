package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// stored are the events in the status stream, by job and in their order.
func (h *house) stored() map[string][]dispatch.Event {
	h.t.Helper()
	out := map[string][]dispatch.Event{}
	_, err := natsq.ReadStatus(h.t.Context(), h.js, natsq.Layout{Prefix: "dispatch"}, natsq.Excerpt{}, func(events []dispatch.Event, _ uint64) error {
		for _, e := range events {
			out[e.Job] = append(out[e.Job], e)
		}
		return nil
	})
	require.NoError(h.t, err)
	return out
}

// Workers that are killed while they read, store and match receipts lose none and tell of none twice. What a kill takes between the queue's reply
// and the store is asked for.
func TestKilledWithReceipts(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	binary := filepath.Join(t.TempDir(), "worker")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	h := newHouse(t)
	h.config = h.receiptsConfig(freeAddress(t), "status_queue: gonets1, receipts: {every: 50ms, idle: 200ms, ask_after: 15s, give_up: 2h}", quick)
	elder, younger := h.process(binary), h.process(binary)
	h.awaitStreams("alone")

	const jobs, parts = 2400, 8
	for i := range jobs {
		h.sms("alone", fmt.Sprint("k", i), i)
	}
	ids := make([]string, 0, jobs)
	deadline := time.After(time.Minute)
	for len(ids) < jobs {
		select {
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(t, err)
			require.Equal(t, job.Submitted, e.State)
			ids = append(ids, e.ProviderID)
		case <-deadline:
			require.FailNow(t, "not all are submitted")
		}
	}
	kills := 0
	for part := range parts {
		for _, id := range ids[part*jobs/parts : (part+1)*jobs/parts] {
			require.True(t, h.prostor.Deliver(id, []string{"delivered", "delivery error"}[part%2]))
		}
		switch part % 4 {
		case 0: // in the midst of publishing
			<-h.events
		case 1: // in the midst of reading or storing
			asked, came := h.prostor.Asked()
			for n := asked; n == asked; n, came = h.prostor.Asked() {
				<-came
			}
		case 2: // in the midst of storing or matching
			s, err := h.js.Stream(t.Context(), "DISPATCH_RECEIPTS")
			require.NoError(t, err)
			for before := s.CachedInfo().State.LastSeq; ; {
				info, err := s.Info(t.Context())
				require.NoError(t, err)
				if info.State.LastSeq > before {
					break
				}
			}
		}
		for _, p := range []*exec.Cmd{elder, younger} { // whichever holds the leases
			require.NoError(t, p.Process.Kill())
			_ = p.Wait() // killed
			kills++
		}
		elder, younger = h.process(binary), h.process(binary)
	}
	require.Eventually(t, func() bool {
		final := 0
		for _, events := range h.stored() {
			if events[len(events)-1].Final {
				final++
			}
		}
		return final == jobs
	}, 2*time.Minute, time.Second, "a receipt is lost")
	h.settledReceipts()
	for _, p := range []*exec.Cmd{elder, younger} {
		require.NoError(t, p.Process.Signal(os.Interrupt))
		require.NoError(t, p.Wait(), "a stop in good order")
	}
	states := map[job.State]int{}
	for id, events := range h.stored() {
		require.Len(t, events, 2, "%s was told of twice", id)
		for i, e := range events {
			require.Equal(t, i+1, e.Sequence, id)
		}
		states[events[1].State]++
	}
	require.Equal(t, map[job.State]int{job.Delivered: jobs / 2, job.Undelivered: jobs / 2}, states)
	require.Empty(t, h.prostor.Violations())
	t.Logf("%d kills", kills)
}
