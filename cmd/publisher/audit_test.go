package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

func (h *house) outlet(t *testing.T) *natsq.Outlet {
	t.Helper()
	nc, _ := h.Connect(t)
	o, err := natsq.NewOutlet(nc, "dispatch")
	require.NoError(t, err)
	return o
}

// tale is one event of a job that was published as the n-th of its lane.
func tale(id string, publication int, sequence int, state job.State, final bool) dispatch.Event {
	e := dispatch.Event{Event: happening("shop", "otp", id), Hash: "h", Publication: fmt.Sprintf("DISPATCH_JOBS_NORMAL:%d", publication)}
	e.State, e.Final, e.Sequence, e.At = state, final, sequence, time.Now()
	return e
}

func (h *house) audit(t *testing.T, code int, args ...string) (r report, stderr string) {
	t.Helper()
	got, stdout, stderr := publisher(t, h.URL(), "", append([]string{"audit", "--grace", "0s", "--output", "json"}, args...)...)
	require.Equal(t, code, got, stderr+stdout)
	require.NoError(t, json.Unmarshal([]byte(stdout), &r), stdout)
	return r, stderr
}

func TestAudit(t *testing.T) {
	h := newHouse(t)
	r, _ := h.audit(t, exitDone)
	require.Empty(t, r.Problems)
	require.NotNil(t, r.Streams)

	// What waits in a job stream, in LATER for its time, and in LATER for a worker isn't lost.
	o := h.outlet(t)
	for _, id := range []string{"first", "waits"} {
		_, err := h.js.Publish(t.Context(), "dispatch.jobs.normal.otp.shop", fmt.Appendf(nil, `{"id":%q}`, id))
		require.NoError(t, err)
	}
	to := job.Address{Lane: job.Normal, Route: "otp", Tenant: "shop"}
	retrying := tale("retries", 8, 1, job.Retrying, false)
	retrying.Hop, retrying.Due = 1, time.Now().Add(-time.Second)
	overdue := tale("due", 9, 1, job.Scheduled, false)
	overdue.Hop, overdue.Due = 1, time.Now().Add(-time.Second)
	require.NoError(t, o.Hold(t.Context(), []dispatch.Held{
		{Delivery: dispatch.Delivery{Address: to, Publication: "DISPATCH_JOBS_NORMAL:8", Data: []byte("{}")}, JobID: "retries", Hop: 1, Due: time.Now().Add(time.Hour)},
		{Delivery: dispatch.Delivery{Address: to, Publication: "DISPATCH_JOBS_NORMAL:9", Data: []byte("{}")}, JobID: "due", Hop: 1, Due: time.Now()},
	}))
	refused := tale("refused", 5, 0, job.Rejected, true)
	refused.Event.Publication = "DISPATCH_JOBS_NORMAL:5"
	good := []dispatch.Event{
		tale("waits", 2, 1, job.Waiting, false), retrying, overdue, refused,
		tale("sent", 3, 1, job.Retrying, false), tale("sent", 3, 2, job.Submitted, false),
		tale("late", 4, 7, job.Delivered, true), // it began before
	}
	require.NoError(t, o.Publish(t.Context(), good))
	r, _ = h.audit(t, exitDone)
	require.Empty(t, r.Problems)
	require.Equal(t, report{Since: r.Since, Events: 7, Jobs: 5, Cut: 1, Others: 1, Ended: 1, Awaiting: 1, UnderWay: 3, States: r.States,
		Streams: map[string]uint64{"urgent": 0, "normal": 2, "bulk": 0, "later": 2}, Problems: []problem{}}, r)

	// What is lost is told.
	gone := tale("gone", 6, 1, job.Retrying, false)
	gone.Hop, gone.Due = 1, time.Now().Add(-time.Second)
	elsewhere := tale("gone", 7, 1, job.Waiting, false)
	elsewhere.Tenant, elsewhere.Route = "other", "news"
	require.NoError(t, o.Publish(t.Context(), []dispatch.Event{gone, elsewhere, tale("holes", 10, 1, job.Waiting, false), tale("holes", 10, 4, job.Failed, true)}))
	r, stderr := h.audit(t, exitFailed)
	require.Contains(t, stderr, "problems found: 3")
	require.Len(t, r.Problems, 3)
	require.Equal(t, problem{gap, "holes", "shop", "otp", job.Normal, job.Failed, 4, r.Problems[0].At, []int{2, 3}}, r.Problems[0])
	require.Equal(t, problem{noEnd, "gone", "other", "news", job.Normal, job.Waiting, 1, r.Problems[1].At, nil}, r.Problems[1])
	require.Equal(t, problem{noEnd, "gone", "shop", "otp", job.Normal, job.Retrying, 1, r.Problems[2].At, nil}, r.Problems[2])

	r, _ = h.audit(t, exitFailed, "--tenant", "other")
	require.Len(t, r.Problems, 1)
	require.EqualValues(t, 0, r.Streams["normal"], "of this tenant")
	r, _ = h.audit(t, exitDone, "--tenant", "other", "--route", "otp")
	require.Zero(t, r.Jobs)
	r, _ = h.audit(t, exitDone, "--since", time.Now().Add(time.Hour).Format(time.RFC3339))
	require.Zero(t, r.Events)
	code, stdout, _ := publisher(t, h.URL(), "", "audit", "--since", "1h", "--grace", "1h", "--receipts", "1ns")
	require.Equal(t, exitFailed, code)
	rows := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Regexp(t, `^gap +shop/holes +otp +normal +failed +4 +\S+Z +2 3$`, rows[1])
	require.Regexp(t, `^no receipt +shop/sent +otp +normal +submitted +2 +\S+Z$`, rows[2])
	require.Contains(t, stdout, "4 jobs are still waiting in streams: urgent 0, normal 2, bulk 0, held for a time or a retry 2")
	require.Contains(t, stdout, "problems: 2")
}

// Credentials that may read the events alone get an answer from these alone.
func TestAuditOfWhoMayNotLookIntoTheJobStreams(t *testing.T) {
	h := newHouse(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "all", Password: "all"},
			{Username: "shop", Password: "hush", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{"$JS.API.STREAM.INFO.DISPATCH_STATUS", "$JS.API.STREAM.MSG.GET.DISPATCH_STATUS",
					"$JS.API.CONSUMER.CREATE.DISPATCH_STATUS.>", "$JS.API.CONSUMER.MSG.NEXT.DISPATCH_STATUS.>", "$JS.API.CONSUMER.DELETE.DISPATCH_STATUS.>"}},
			}},
		}
		o.NoAuthUser = "all"
	})
	require.NoError(t, h.outlet(t).Publish(t.Context(), []dispatch.Event{tale("a", 1, 1, job.Waiting, false), tale("b", 2, 1, job.Delivered, true)}))
	url := strings.Replace(h.URL(), "nats://", "nats://shop:hush@", 1)
	code, stdout, stderr := publisher(t, url, "", "audit", "--grace", "0s")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "the job streams can't be looked at")
	require.Contains(t, stderr, "Permissions Violation")
	require.NotContains(t, stderr, "hush")
	require.Regexp(t, `(?m)^no end +shop/a `, stdout)
	require.Contains(t, stdout, "the job streams couldn't be asked")
}

func TestAuditPassesOverWhatIsNoEvent(t *testing.T) {
	h := newHouse(t)
	_, err := h.js.PublishMsg(t.Context(), &nats.Msg{Subject: "dispatch.status.shop.otp.failed", Data: []byte("not an event")})
	require.NoError(t, err)
	r, stderr := h.audit(t, exitDone)
	require.Zero(t, r.Jobs)
	require.Contains(t, stderr, "dispatch.status.shop.otp.failed: not a status event")
}
