package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

func happening(tenant, route, id string) job.Event {
	return job.Event{Job: id, Tenant: tenant, Route: route, Lane: job.Normal, Channel: job.SMS, At: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)}
}

func TestWatch(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.tell(t.Context(), step(happening("shop", "otp", "old"), 1, job.Delivered, true)))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	all := start(ctx, h.URL(), nil, "watch")
	failed := start(ctx, h.URL(), nil, "watch", "--tenant", "shop", "--route", "otp", "--state", "failed")
	one := start(ctx, h.URL(), nil, "watch", "--job", "b")
	for _, s := range []*session{all, failed, one} {
		s.stdout.waitFor(t, "TIME")
	}
	why := step(happening("shop", "otp", "a"), 2, job.Failed, true)
	why.Error = &job.Reason{Code: job.Unavailable, Message: "line \x1b[31mdown"}
	_, err := h.js.PublishMsg(t.Context(), &nats.Msg{Subject: "dispatch.status.shop.otp.failed", Data: []byte("not an event")})
	require.NoError(t, err)
	require.NoError(t, h.tell(t.Context(),
		step(happening("shop", "otp", "a"), 1, job.Submitted, false), why,
		step(happening("shop", "news", "b"), 1, job.Failed, true),
		step(happening("other", "otp", "b"), 2, job.Failed, true),
		step(happening("other", "otp", "last"), 1, job.Delivered, true),
		step(happening("shop", "otp", "last"), 1, job.Failed, true),
		step(happening("shop", "otp", "b"), 9, job.Scheduled, false)))
	all.stdout.waitFor(t, "shop/b                            scheduled")
	failed.stdout.waitFor(t, "shop/last")
	one.stdout.waitFor(t, "scheduled")
	stop()
	for _, s := range []*session{all, failed, one} {
		require.Equal(t, exitDone, s.wait(), s.stderr)
	}
	rows := strings.Split(strings.TrimSpace(all.stdout.String()), "\n")[1:]
	require.Len(t, rows, 7)
	require.Equal(t, "2026-11-22T20:00:00.001Z  1      shop/a                            submitted    otp               prostor-main      2592608030            -     -", rows[0])
	require.Regexp(t, `shop/a +failed +otp +- +- +- +- +unavailable: line \[31mdown$`, rows[1])
	require.NotContains(t, all.stdout.String(), "old")
	require.Contains(t, all.stderr.String(), "dispatch.status.shop.otp.failed: not a status event")
	require.Equal(t, []string{"shop/a", "shop/last"}, jobsOf(failed))
	require.Equal(t, []string{"shop/b", "other/b", "shop/b"}, jobsOf(one))
}

func jobsOf(s *session) []string {
	var jobs []string
	for _, row := range strings.Split(strings.TrimSpace(s.stdout.String()), "\n")[1:] {
		jobs = append(jobs, strings.Fields(row)[2])
	}
	return jobs
}

func TestWatchLosesNothingWhileTheServerIsAway(t *testing.T) {
	h := newHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := start(ctx, h.URL(), nil, "watch")
	s.stdout.waitFor(t, "TIME")
	require.NoError(t, h.tell(ctx, step(happening("shop", "otp", "before"), 1, job.Delivered, true)))
	s.stdout.waitFor(t, "shop/before")
	h.Restart()
	require.Eventually(t, func() bool {
		return h.tell(ctx, step(happening("shop", "otp", "after"), 1, job.Delivered, true)) == nil
	}, time.Minute, 20*time.Millisecond)
	s.stdout.waitFor(t, "shop/after")
	stop()
	require.Equal(t, exitDone, s.wait())
	require.Equal(t, []string{"shop/before", "shop/after"}, jobsOf(s))
}

func TestTrace(t *testing.T) {
	h := newHouse(t)
	a := happening("shop", "otp", "a")
	later := a
	later.At = a.At.Add(time.Hour)
	later.Publication = "DISPATCH_JOBS_NORMAL:9"
	between := later
	between.At = a.At.Add(time.Millisecond + time.Microsecond)
	between.Publication = "DISPATCH_JOBS_NORMAL:7"
	between.Error = &job.Reason{Code: job.IDReused}
	elsewhere := a
	elsewhere.Route = "news"
	require.NoError(t, h.tell(t.Context(),
		step(happening("shop", "otp", "b"), 1, job.Submitted, false),
		aside(between, job.Duplicate, false, job.IDReused),
		step(a, 3, job.Delivered, true),
		step(happening("other", "otp", "a"), 1, job.Failed, true),
		step(elsewhere, 1, job.Retrying, false),
		step(a, 2, job.Submitted, false),
		aside(later, job.Duplicate, false, ""),
		step(happening("shop", "otp", "c"), 1, job.Submitted, false)))
	repeat := step(a, 3, job.Delivered, true)
	data, err := repeat.Encode()
	require.NoError(t, err)
	header := nats.Header(repeat.Headers(job.Trace{}))
	header.Del("Nats-Msg-Id") // as one that comes after the duplicate window
	_, err = h.js.PublishMsg(t.Context(), &nats.Msg{Subject: repeat.Subject("dispatch"), Header: header, Data: data})
	require.NoError(t, err)

	code, stdout, stderr := publisher(t, h.URL(), "", "trace", "a", "--tenant", "shop")
	require.Equal(t, exitDone, code, stderr)
	var states []string
	for _, row := range strings.Split(strings.TrimSpace(stdout), "\n")[1:] {
		states = append(states, strings.Fields(row)[1]+" "+strings.Fields(row)[3])
	}
	require.Equal(t, []string{"1 retrying", "- duplicate", "2 submitted", "3 delivered", "- duplicate"}, states)

	code, stdout, stderr = publisher(t, h.URL(), "", "trace", "a", "--tenant", "shop", "--output", "json")
	require.Equal(t, exitDone, code, stderr)
	var events []job.Event
	require.NoError(t, json.Unmarshal([]byte(stdout), &events))
	require.Len(t, events, 5)
	require.Equal(t, "2592608030", events[3].ProviderID)

	for _, args := range [][]string{{"trace", "nope", "--tenant", "shop"}, {"trace", "a"}} {
		code, stdout, stderr = publisher(t, h.URL(), "", args...)
		require.Equal(t, exitFailed, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "no events of a job with this id")
	}
}

// A receipt is shown with what the provider says and charged.
func TestTraceShowsReceipts(t *testing.T) {
	h := newHouse(t)
	sent := step(happening("shop", "otp", "a"), 1, job.Submitted, false)
	sent.ProviderStatus, sent.Segments = "accepted", 1
	lost := step(happening("shop", "otp", "a"), 2, job.Undelivered, true)
	lost.Account, lost.ProviderID, lost.ProviderStatus = sent.Account, sent.ProviderID, "delivery error"
	lost.Segments, lost.Cost, lost.Currency = 2, "4.70", "RUB"
	lost.Error = &job.Reason{Code: job.Undeliverable, Message: "absent subscriber"}
	came := step(happening("shop", "otp", "a"), 3, job.Delivered, true)
	came.ProviderStatus, came.Cost = "delivered", "0"
	require.NoError(t, h.tell(t.Context(), sent, lost, came))
	code, stdout, stderr := publisher(t, h.URL(), "", "trace", "a", "--tenant", "shop")
	require.Equal(t, exitDone, code, stderr)
	rows := strings.Split(strings.TrimSpace(stdout), "\n")[1:]
	require.Regexp(t, `submitted +otp +prostor-main +2592608030 +1 +- +accepted$`, rows[0])
	require.Regexp(t, `undelivered +otp +prostor-main +2592608030 +2 +4\.70 RUB +undeliverable: absent subscriber; delivery error$`, rows[1])
	require.Regexp(t, `delivered +otp +prostor-main +2592608030 +- +0 +delivered$`, rows[2])
}
