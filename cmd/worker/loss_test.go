package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// lose makes Redis forget everything.
func (h *house) lose() {
	h.t.Helper()
	client := h.redis.Client()
	require.NoError(h.t, client.FlushAll(h.t.Context()).Err())
	require.NoError(h.t, client.Close())
}

// provision makes the streams without a worker.
func (h *house) provision() {
	h.t.Helper()
	log := &buffer{}
	require.Equal(h.t, exitDone, run(h.t.Context(), []string{"init", "--config", h.config}, nil, &buffer{}, log), log.String())
}

func (h *house) sms(route, id string, n int) {
	h.t.Helper()
	h.publish("dispatch.jobs.normal."+route+".shop", fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+7961%07d","text":"t"}`, id, n))
}

// endings are the last events of n jobs, once each of them has ended, but for those that tell of other publications.
func (h *house) endings(n int) map[string]*job.Event {
	h.t.Helper()
	out := map[string]*job.Event{}
	ended := 0
	timeout := time.After(2 * time.Minute)
	for ended < n {
		select {
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(h.t, err)
			if e.Sequence == 0 {
				continue
			}
			if before := out[e.Job]; before != nil {
				require.Equal(h.t, before.Sequence+1, e.Sequence, "job %s", e.Job)
				require.False(h.t, before.Final || before.State == job.Submitted, "%s: %s after %s", e.Job, e.State, before.State)
			}
			out[e.Job] = e
			if e.Final || e.State == job.Submitted {
				ended++
			}
		case <-timeout:
			require.FailNow(h.t, "jobs don't end", "%d of %d did", ended, n)
		}
	}
	return out
}

// delivered hands the jobs of a route over to a worker that never says what became of them. They come again after the delay.
func (h *house) delivered(route string, n int, delay time.Duration) {
	h.t.Helper()
	c, err := h.js.Consumer(h.t.Context(), "DISPATCH_JOBS_NORMAL", route)
	require.NoError(h.t, err)
	batch, err := c.Fetch(n, jetstream.FetchMaxWait(30*time.Second))
	require.NoError(h.t, err)
	got := 0
	for m := range batch.Messages() {
		got++
		require.NoError(h.t, m.NakWithDelay(delay)) // as the server does by itself after the ack wait
	}
	require.Equal(h.t, n, got)
	require.NoError(h.t, h.nc.Flush())
}

// Redis loses everything again and again while jobs are under way: the worker goes on with what it has in hand, sends nothing twice, and knows
// afterwards what it sent before.
func TestLossWhileSending(t *testing.T) {
	h := newHouse(t)
	h.prostor.Delay(150 * time.Millisecond) // so that jobs wait in the worker when the loss comes
	stop, log := h.run()
	h.awaitStreams("alone")
	const n = 600
	for i := range n {
		h.sms([]string{"alone", "promo"}[i%2], fmt.Sprint("j", i), i)
		if i == 1 {
			h.endings(2) // it works, so what it loses from now on is noticed
		}
		if i%200 == 100 {
			h.lose()
		}
	}
	for id, e := range h.endings(n - 2) {
		require.Equal(t, job.Submitted, e.State, "%s: %+v", id, e.Error)
	}
	h.empty()
	require.Greater(t, strings.Count(log.String(), `"records rebuilt from the status stream"`), 1, "beside the first start")
	h.lose()
	for i := range n {
		h.sms([]string{"alone", "promo"}[i%2], fmt.Sprint("j", i), i)
	}
	for range n {
		e, err := job.DecodeEvent((<-h.events).Data)
		require.NoError(t, err)
		require.Equal(t, job.Duplicate, e.State, e.Job)
	}
	h.empty()
	require.Equal(t, exitDone, stop(), log.String())
	require.Equal(t, n/2, h.prostor.Messages())
	require.Equal(t, n/2, h.mysmpp.Messages())
	require.Empty(t, h.prostor.Repeats())
	require.Empty(t, h.mysmpp.Repeats())
}

// A Redis that comes back empty is rebuilt by one of two workers; what both sent is known again.
func TestRedisComesBackEmpty(t *testing.T) {
	h := newHouse(t)
	stopOne, one := h.run()
	h.awaitStreams("alone")
	listen := freeAddress(t)
	h.config = h.configure("")
	t.Setenv("GONETS_HTTP_LISTEN", listen)
	stopTwo, two := h.run()
	for i := range 50 {
		h.sms("alone", fmt.Sprint("j", i), i)
	}
	h.endings(50)
	ready := func() bool { status, _ := get(t, "http://"+listen+"/readyz"); return status == 200 }
	require.Eventually(t, ready, 30*time.Second, 10*time.Millisecond)
	const rebuilt = `"records rebuilt from the status stream"`
	count := func() int { return strings.Count(one.String()+two.String(), rebuilt) }
	before := count()
	h.redis.Kill()
	for i := range 100 { // the first half was sent before
		h.sms("alone", fmt.Sprint("j", i), i)
	}
	h.redis.Restart()
	for id, e := range h.endings(50) {
		require.Equal(t, job.Submitted, e.State, id)
	}
	h.empty()
	require.Eventually(t, ready, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, exitDone, stopOne(), one.String())
	require.Equal(t, exitDone, stopTwo(), two.String())
	require.Equal(t, before+1, count(), "one of them rebuilt")
	require.Equal(t, 100, h.prostor.Messages())
	require.Empty(t, h.prostor.Repeats())
}

// Jobs that were there before the first worker, and that it gave back when it was stopped, are new to the next one.
func TestBacklogGivenBackIsNotAmbiguous(t *testing.T) {
	h := newHouse(t)
	h.provision()
	const n = 2400 // three times what it sends at once
	for i := range n {
		h.sms("alone", fmt.Sprint("j", i), i)
	}
	t.Setenv("GONETS_HTTP_LISTEN", freeAddress(t))
	h.prostor.Delay(200 * time.Millisecond)
	stop, log := h.run()
	_, came := h.prostor.Arrived()
	select {
	case <-came:
	case <-time.After(30 * time.Second):
		require.FailNow(t, "nothing is sent", log.String())
	}
	require.Equal(t, exitDone, stop(), log.String())
	c, err := h.js.Consumer(t.Context(), "DISPATCH_JOBS_NORMAL", "alone")
	require.NoError(t, err)
	require.NotZero(t, c.CachedInfo().NumPending+uint64(c.CachedInfo().NumRedelivered)+uint64(c.CachedInfo().NumAckPending), "it left some")
	h.prostor.Delay(0)
	stop, log = h.run()
	for id, e := range h.endings(n) {
		require.Equal(t, job.Submitted, e.State, "%s: %+v", id, e.Error)
	}
	h.empty()
	require.Equal(t, exitDone, stop(), log.String())
	require.Equal(t, n, h.prostor.Messages())
	require.Empty(t, h.prostor.Repeats())
}

// What was under way at a loss may have been sent: it is sent again to a provider that recognises repeats, and else ends as unknown. What wasn't
// delivered before is new.
func TestUnderWayAtALossIsAmbiguous(t *testing.T) {
	h := newHouse(t)
	stop, log := h.run()
	h.awaitStreams("push")
	h.sms("promo", "first", 1)
	h.endings(1)
	h.empty()
	require.Equal(t, exitDone, stop(), log.String())

	const n = 5
	for _, route := range []string{"alone", "promo", "otp"} {
		for i := range n {
			h.sms(route, fmt.Sprint(route, "-old-", i), i)
		}
		h.delivered(route, n, 5*time.Second) // so that what is published next comes first
		for i := range n {
			h.sms(route, fmt.Sprint(route, "-new-", i), 10+i)
			h.sms(route, fmt.Sprint(route, "-old-", i), i) // another publication, which nobody was at: it must not be taken for the job
		}
	}
	h.lose()
	stop, log = h.run()
	for id, e := range h.endings(6 * n) {
		route, age, _ := strings.Cut(id, "-")
		if age[:3] == "old" && route != "promo" { // otp has two accounts: nobody knows which one may have it
			require.Equal(t, job.Unknown, e.State, id)
			require.Equal(t, job.Ambiguous, e.Error.Code)
			continue
		}
		require.Equal(t, job.Submitted, e.State, "%s: %+v", id, e.Error)
		attempt := 1
		if age[:3] == "old" {
			attempt = 2
		}
		require.Equal(t, attempt, e.Attempt, id)
	}
	h.empty()
	require.Equal(t, exitDone, stop(), log.String())
	require.Equal(t, 2*n, h.prostor.Messages())
	require.Empty(t, h.prostor.Repeats())
	require.Equal(t, 1+2*n, h.mysmpp.Messages())
	dead, err := h.js.Stream(t.Context(), "DISPATCH_DEAD")
	require.NoError(t, err)
	require.EqualValues(t, 2*n, dead.CachedInfo().State.Msgs)
}

// A job held for later outlives a loss with its sequence and its id.
func TestScheduledOverALoss(t *testing.T) {
	h := newHouse(t)
	h.run()
	h.awaitStreams("alone")
	due := time.Now().Add(5 * time.Second).UTC().Format(time.RFC3339Nano)
	body := fmt.Sprintf(`{"id":"later","channel":"sms","to":"+79612242243","text":"t","send_at":%q}`, due)
	h.publish("dispatch.jobs.normal.alone.shop", body)
	_, e := h.next("later")
	require.Equal(t, job.Scheduled, e.State)
	h.lose()
	h.publish("dispatch.jobs.normal.alone.shop", body)
	_, e = h.next("later")
	require.Equal(t, job.Duplicate, e.State)
	_, e = h.next("later")
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, 2, e.Sequence)
	h.empty()
	require.Equal(t, 1, h.prostor.Messages())
}
