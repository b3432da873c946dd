package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// sms is the command line that sends one.
func sms(id string, more ...string) []string {
	args := []string{"send", "--route", "otp", "--lane", "urgent", "--tenant", "shop", "--to", "8 (961) 224-22-43", "--text", "Code 1234"}
	if id != "" {
		args = append(args, "--id", id)
	}
	return append(args, more...)
}

func TestSend(t *testing.T) {
	h := newHouse(t)
	code, stdout, stderr := publisher(t, h.URL(), "", sms("ord-42", "--sender", "MyShop", "--at", "2026-11-22T23:00:00+03:00",
		"--expires", "2026-11-22T21:00:00Z", "--metadata", "order=42", "--metadata", "note=a=b")...)
	require.Equal(t, exitDone, code, stderr)
	require.Equal(t, "ord-42\n", stdout)
	require.Empty(t, stderr)
	messages := h.stored(t, "DISPATCH_JOBS_URGENT")
	require.Len(t, messages, 1)
	require.Equal(t, "dispatch.jobs.urgent.otp.shop", messages[0].Subject)
	require.Equal(t, job.MsgID("shop", "ord-42", messages[0].Data), messages[0].Header.Get("Nats-Msg-Id"))
	require.JSONEq(t, `{"id":"ord-42","channel":"sms","to":"+79612242243","sender":"MyShop","text":"Code 1234",
		"send_at":"2026-11-22T20:00:00Z","expires_at":"2026-11-22T21:00:00Z","metadata":{"order":"42","note":"a=b"}}`, string(messages[0].Data))
}

func TestSendTellsADuplicate(t *testing.T) {
	h := newHouse(t)
	code, stdout, _ := publisher(t, h.URL(), "", sms("a", "--output", "json")...)
	require.Equal(t, exitDone, code)
	require.JSONEq(t, `{"id":"a","stream":"DISPATCH_JOBS_URGENT","sequence":1,"duplicate":false}`, stdout)
	code, stdout, stderr := publisher(t, h.URL(), "", sms("a", "--output", "json")...)
	require.Equal(t, exitDone, code)
	require.JSONEq(t, `{"id":"a","stream":"DISPATCH_JOBS_URGENT","sequence":1,"duplicate":true}`, stdout)
	require.Contains(t, stderr, "published before, as DISPATCH_JOBS_URGENT:1")
}

func TestSendMakesAnID(t *testing.T) {
	h := newHouse(t)
	_, one, _ := publisher(t, h.URL(), "", sms("")...)
	_, two, _ := publisher(t, h.URL(), "", sms("")...)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$`, one)
	require.NotEqual(t, one, two)
	require.Len(t, h.stored(t, "DISPATCH_JOBS_URGENT"), 2)
	require.Less(t, newID(time.UnixMilli(1)), newID(time.UnixMilli(256)))
}

func TestSendRefusesWhatNoWorkerTakes(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--to", "12", "--text", "x"}, "to: "},
		{[]string{"--to", "+79612242243", "--text", " "}, "text: is empty"},
		{[]string{"--to", "+79612242243", "--text", "x", "--channel", "fax"}, "channel: "},
		{[]string{"--to", "+79612242243", "--text", "x", "--id", "a b"}, "id: "},
		{[]string{"--to", "+79612242243", "--text", "x", "--at", "+2h", "--expires", "+1h"}, "expires_at: is before send_at"},
		{[]string{"--to", "+79612242243", "--text", strings.Repeat("я", 700)}, "text: is longer than 10 segments"},
		{[]string{"--to", "+79612242243", "--text", strings.Repeat("я", 70000), "--channel", "viber"}, "larger than 64 KiB"},
	} {
		code, stdout, stderr := publisher(t, h.URL(), "", append([]string{"send", "--route", "otp"}, c.args...)...)
		require.Equal(t, exitFailed, code)
		require.Contains(t, stderr, "not published, the job is refused: ")
		require.Contains(t, stderr, c.want)
		require.NotContains(t, stderr, "9612242243")
		require.Empty(t, stdout)
	}
	require.Empty(t, h.stored(t, "DISPATCH_JOBS_NORMAL"))
}

func TestSendToARouteThatNobodyServes(t *testing.T) {
	h := newHouse(t)
	code, _, stderr := publisher(t, h.URL(), "", "send", "--route", "nope", "--to", "+79612242243", "--text", "x")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "no stream responds to dispatch.jobs.normal.nope.default: no worker serves route nope")
	require.Contains(t, stderr, "worker init")
	code, _, stderr = publisher(t, h.URL(), "", sms("a", "--prefix", "acme.sms-eu", "--wait")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "there is no stream ACME_SMS_EU_STATUS")
}

func TestSendWithoutPermission(t *testing.T) {
	h := newHouse(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "all", Password: "all"},
			{Username: "shop", Password: "hush", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{"dispatch.jobs.*.otp.shop"}},
			}},
		}
		o.NoAuthUser = "all"
	})
	url := strings.Replace(h.URL(), "nats://", "nats://shop:hush@", 1)
	code, _, stderr := publisher(t, url, "", sms("a")...)
	require.Equal(t, exitDone, code, stderr)
	code, _, stderr = publisher(t, url, "", sms("a", "--tenant", "other")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `Permissions Violation for Publish to "dispatch.jobs.urgent.otp.other"`)
	require.NotContains(t, stderr, "hush")
	code, _, stderr = publisher(t, url, `{"to":"+79612242243","text":"x"}`, "import", "-", "--route", "otp", "--tenant", "other")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "Permissions Violation")
	code, _, stderr = publisher(t, url, "", "trace", "a")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "Permissions Violation")
}

func TestSendWaits(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens func(*job.Job, job.Event) []job.Event
		code    int
		states  []string
		stderr  string
	}{
		{"delivered", delivers, exitDone, []string{"submitted", "delivered"}, ""},
		{"submitted for good", func(_ *job.Job, ev job.Event) []job.Event {
			return []job.Event{step(ev, 1, job.Submitted, true)}
		}, exitDone, []string{"submitted"}, ""},
		{"failed", func(_ *job.Job, ev job.Event) []job.Event {
			return []job.Event{step(ev, 1, job.Retrying, false), step(ev, 2, job.Failed, true)}
		}, exitFailed, []string{"retrying", "failed"}, "was not delivered"},
		{"refused on admission", func(_ *job.Job, ev job.Event) []job.Event {
			return []job.Event{aside(ev, job.Rejected, true, job.InvalidJob)}
		}, exitFailed, []string{"rejected"}, "was not delivered"},
		{"others' events between", func(_ *job.Job, ev job.Event) []job.Event {
			other, stale := ev, ev
			other.Job = "other"
			stale.Publication = "DISPATCH_JOBS_URGENT:999"
			return []job.Event{
				step(other, 1, job.Failed, true), aside(stale, job.Duplicate, false, ""), aside(stale, job.Rejected, true, job.InvalidJob),
				step(ev, 1, job.Delivered, true),
			}
		}, exitDone, []string{"delivered"}, ""},
		{"id of other content", func(_ *job.Job, ev job.Event) []job.Event {
			return []job.Event{aside(ev, job.Duplicate, false, job.IDReused)}
		}, exitFailed, []string{"duplicate"}, "the id is spent by a job of other content"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.work(t, job.Urgent, "otp", c.happens)
			code, stdout, stderr := publisher(t, h.URL(), "", sms("a", "--wait", "--output", "json")...)
			require.Equal(t, c.code, code, stderr)
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			require.Contains(t, lines[0], `"id":"a"`)
			require.Equal(t, c.states, statesOf(t, lines[1:]))
			require.Contains(t, stderr, c.stderr)
		})
	}
}

// statesOf reads the states of events in JSON.
func statesOf(t *testing.T, lines []string) []string {
	t.Helper()
	var states []string
	for _, line := range lines {
		var ev job.Event
		require.NoError(t, json.Unmarshal([]byte(line), &ev), line)
		states = append(states, string(ev.State))
	}
	return states
}

func TestSendWaitsForAnEarlierPublicationOfTheJob(t *testing.T) {
	h := newHouse(t)
	h.work(t, job.Urgent, "otp", delivers)
	code, _, stderr := publisher(t, h.URL(), "", sms("a", "--wait")...)
	require.Equal(t, exitDone, code, stderr)

	t.Run("within the duplicate window", func(t *testing.T) {
		code, stdout, stderr := publisher(t, h.URL(), "", sms("a", "--wait", "--output", "json")...)
		require.Equal(t, exitDone, code, stderr)
		require.Equal(t, []string{"delivered"}, statesOf(t, strings.Split(strings.TrimSpace(stdout), "\n")[1:]))
		require.Contains(t, stderr, "duplicate")
	})
	t.Run("suppressed by the worker of another route", func(t *testing.T) {
		h.work(t, job.Normal, "news", func(_ *job.Job, ev job.Event) []job.Event {
			return []job.Event{aside(ev, job.Duplicate, false, "")}
		})
		code, stdout, stderr := publisher(t, h.URL(), "", sms("a", "--wait", "--output", "json", "--route", "news", "--lane", "normal")...)
		require.Equal(t, exitDone, code, stderr)
		require.Equal(t, []string{"duplicate", "delivered"}, statesOf(t, strings.Split(strings.TrimSpace(stdout), "\n")[1:]))
	})
	t.Run("still under way", func(t *testing.T) {
		ev := job.Event{Job: "slow", Tenant: "shop", Route: "otp", Lane: job.Urgent, At: time.Now()}
		require.NoError(t, h.tell(t.Context(), step(ev, 1, job.Retrying, false)))
		h.work(t, job.Bulk, "news", func(_ *job.Job, ev job.Event) []job.Event {
			return []job.Event{aside(ev, job.Duplicate, false, "")}
		})
		s := start(t.Context(), h.URL(), nil, sms("slow", "--wait", "--output", "json", "--route", "news", "--lane", "bulk")...)
		s.stderr.waitFor(t, "still under way")
		require.NoError(t, h.tell(t.Context(), step(ev, 2, job.Undelivered, true)))
		require.Equal(t, exitFailed, s.wait())
		require.Equal(t, []string{"duplicate", "retrying", "undelivered"}, statesOf(t, strings.Split(strings.TrimSpace(s.stdout.String()), "\n")[1:]))
	})
}

func TestSendWaitsNoLongerThanTold(t *testing.T) {
	h := newHouse(t)
	code, stdout, stderr := publisher(t, h.URL(), "", sms("a", "--wait", "--timeout", "300ms")...)
	require.Equal(t, exitFailed, code)
	require.Equal(t, "a\n", stdout)
	require.Contains(t, stderr, "not done within 300ms")
}

// A message that the provider took goes on being waited for until its receipt comes; where none does, that is said.
func TestSendWaitsForTheReceipt(t *testing.T) {
	h := newHouse(t)
	h.work(t, job.Urgent, "otp", func(_ *job.Job, ev job.Event) []job.Event { return []job.Event{step(ev, 1, job.Submitted, false)} })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	waits := start(ctx, h.URL(), nil, sms("a", "--wait", "--output", "json")...)
	waits.stdout.waitFor(t, `"state":"submitted"`)
	stop()
	require.Equal(t, exitFailed, waits.wait())
	require.Equal(t, []string{"submitted"}, statesOf(t, strings.Split(strings.TrimSpace(waits.stdout.String()), "\n")[1:]))
	require.Contains(t, waits.stderr.String(), "submitted, no receipt yet: the provider took the message, whether it arrived isn't known")

	for id, end := range map[string]job.State{"b": job.Delivered, "c": job.Undelivered, "d": job.Unknown} {
		s := start(t.Context(), h.URL(), nil, sms(id, "--wait", "--output", "json")...)
		s.stdout.waitFor(t, `"state":"submitted"`)
		receipt := step(job.Event{Job: id, Tenant: "shop", Route: "otp", Lane: job.Urgent, At: time.Now()}, 2, end, true)
		require.NoError(t, h.tell(t.Context(), receipt))
		want := exitFailed
		if end == job.Delivered {
			want = exitDone
		}
		require.Equal(t, want, s.wait(), s.stderr)
		require.Equal(t, []string{"submitted", string(end)}, statesOf(t, strings.Split(strings.TrimSpace(s.stdout.String()), "\n")[1:]))
	}
}

func TestSendToAFullStream(t *testing.T) {
	h := newHouse(t)
	l := layout()
	s, err := h.js.Stream(t.Context(), l.JobStream(job.Urgent))
	require.NoError(t, err)
	config := s.CachedInfo().Config
	config.MaxMsgs = 1
	_, err = h.js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	code, _, stderr := publisher(t, h.URL(), "", sms("a")...)
	require.Equal(t, exitDone, code, stderr)
	code, _, stderr = publisher(t, h.URL(), "", sms("b")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "the stream takes no more for now")
}
