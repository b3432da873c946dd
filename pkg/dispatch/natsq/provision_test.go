package natsq_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

func count(changes []natsq.Change, a natsq.Action) (n int) {
	for _, c := range changes {
		if c.Action == a {
			n++
		}
	}
	return n
}

func TestStreamNames(t *testing.T) {
	l := layoutOf()
	require.Equal(t, "DISPATCH_JOBS_URGENT", l.JobStream(job.Urgent))
	require.Equal(t, "DISPATCH_LATER", l.LaterStream())
	l.Prefix = "acme.sms-eu"
	require.Equal(t, "ACME_SMS_EU_JOBS_BULK", l.JobStream(job.Bulk))
	require.Equal(t, "ACME_SMS_EU_STATUS", l.StatusStream())
	require.Equal(t, "ACME_SMS_EU_DEAD", l.DeadStream())
}

func TestProvisionCreatesWhatIsPromised(t *testing.T) {
	w := &world{server: natstest.Start(t), layout: layoutOf("otp", "push")}
	w.nc, w.js = w.server.Connect(t)
	w.layout.TenantBacklog = 3
	w.layout.JobsMaxBytes = 10 << 30

	missing, err := natsq.Check(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.Len(t, missing, 8+13)

	changes, err := natsq.Provision(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.Equal(t, 8+13, count(changes, natsq.Created), "%v", changes)
	require.Len(t, changes, 8+13)

	faults, err := natsq.Check(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.Empty(t, faults)

	info := func(name string) jetstream.StreamConfig {
		s, err := w.js.Stream(t.Context(), name)
		require.NoError(t, err)
		return s.CachedInfo().Config
	}
	jobs := info("DISPATCH_JOBS_URGENT")
	require.ElementsMatch(t, []string{"dispatch.jobs.urgent.otp.*", "dispatch.jobs.urgent.push.*"}, jobs.Subjects)
	require.Equal(t, jetstream.WorkQueuePolicy, jobs.Retention)
	require.Equal(t, jetstream.FileStorage, jobs.Storage)
	require.Equal(t, jetstream.DiscardNew, jobs.Discard)
	require.Equal(t, 10*time.Minute, jobs.Duplicates)
	require.Zero(t, jobs.MaxAge)
	require.EqualValues(t, 10<<30, jobs.MaxBytes)
	require.EqualValues(t, 3, jobs.MaxMsgsPerSubject)
	require.True(t, jobs.DiscardNewPerSubject)
	later := info("DISPATCH_LATER")
	require.True(t, later.AllowMsgSchedules)
	require.Equal(t, jetstream.WorkQueuePolicy, later.Retention)
	require.Zero(t, later.MaxAge)
	require.EqualValues(t, -1, later.MaxBytes)
	status := info("DISPATCH_STATUS")
	require.Equal(t, 7*24*time.Hour, status.MaxAge)
	require.Equal(t, time.Hour, status.Duplicates)
	require.Equal(t, 30*24*time.Hour, info("DISPATCH_DEAD").MaxAge)
	c, err := w.js.Consumer(t.Context(), "DISPATCH_JOBS_BULK", "otp")
	require.NoError(t, err)
	cfg := c.CachedInfo().Config
	require.Equal(t, -1, cfg.MaxDeliver)
	require.Empty(t, cfg.BackOff)
	require.Equal(t, jetstream.AckExplicitPolicy, cfg.AckPolicy)
	require.Equal(t, w.layout.AckWait, cfg.AckWait)

	changes, err = natsq.Provision(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.Equal(t, len(changes), count(changes, natsq.Kept), "%v", changes)
}

func TestProvisionByManyAtOnce(t *testing.T) {
	server := natstest.Start(t)
	l := layoutOf("otp", "push", "promo")
	var all sync.WaitGroup
	errs := make(chan error, 8)
	for range 8 {
		_, js := server.Connect(t)
		all.Go(func() {
			_, err := natsq.Provision(t.Context(), js, l)
			errs <- err
		})
	}
	all.Wait()
	for range 8 {
		require.NoError(t, <-errs)
	}
	_, js := server.Connect(t)
	faults, err := natsq.Check(t.Context(), js, l)
	require.NoError(t, err)
	require.Empty(t, faults)
}

func TestProvisionUpdates(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	s, err := w.js.Stream(t.Context(), "DISPATCH_STATUS")
	require.NoError(t, err)
	cfg := s.CachedInfo().Config
	cfg.Metadata = map[string]string{"owner": "ops"}
	cfg.MaxAge = time.Hour
	_, err = w.js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, w.js.DeleteConsumer(t.Context(), "DISPATCH_LATER", "normal-otp"))

	l := w.layout
	l.Routes = []string{"otp", "push"}
	l.AckWait = time.Minute
	faults, err := natsq.Check(t.Context(), w.js, l)
	require.NoError(t, err)
	text := strings.Join(faults, "\n")
	require.Contains(t, text, "stream DISPATCH_STATUS: max_age: 1h0m0s, should be 168h0m0s")
	require.Contains(t, text, "consumer normal-otp of DISPATCH_LATER: missing")
	require.Contains(t, text, "consumer push of DISPATCH_JOBS_URGENT: missing")
	require.Contains(t, text, "consumer otp of DISPATCH_JOBS_URGENT: ack_wait: 30s, should be 1m0s")

	changes, err := natsq.Provision(t.Context(), w.js, l)
	require.NoError(t, err)
	text = fmt.Sprint(changes)
	require.Contains(t, text, "updated stream DISPATCH_STATUS: max_age: 1h0m0s, should be 168h0m0s")
	require.Contains(t, text, "updated stream DISPATCH_JOBS_URGENT: subjects")
	require.Contains(t, text, "created consumer normal-otp of DISPATCH_LATER")
	require.Contains(t, text, "updated consumer otp of DISPATCH_JOBS_BULK: ack_wait")
	require.Contains(t, text, "kept stream DISPATCH_DEAD")

	s, err = w.js.Stream(t.Context(), "DISPATCH_STATUS")
	require.NoError(t, err)
	require.Equal(t, "ops", s.CachedInfo().Config.Metadata["owner"], "the operator's settings stay")
	faults, err = natsq.Check(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.NotContains(t, strings.Join(faults, "\n"), "subjects", "more routes than ours are no fault")
}

func TestProvisionRefuses(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	other := layoutOf("otp")
	other.Prefix = "Dispatch"
	_, err := natsq.Provision(t.Context(), w.js, other)
	require.ErrorContains(t, err, "choose another prefix")

	for name, spoil := range map[string]func(*natsq.Layout){
		"prefix":    func(l *natsq.Layout) { l.Prefix = "a..b" },
		"route":     func(l *natsq.Layout) { l.Routes = []string{"OTP"} },
		"twice":     func(l *natsq.Layout) { l.Routes = []string{"otp", "otp"} },
		"replicas":  func(l *natsq.Layout) { l.Replicas = 0 },
		"max_bytes": func(l *natsq.Layout) { l.JobsMaxBytes = 1 },
		"backlog":   func(l *natsq.Layout) { l.TenantBacklog = -1 },
		"ack_wait":  func(l *natsq.Layout) { l.AckWait = 0 },
	} {
		l := layoutOf("otp")
		spoil(&l)
		_, err := natsq.Provision(t.Context(), w.js, l)
		require.ErrorContains(t, err, name)
		_, err = natsq.Check(t.Context(), w.js, l)
		require.ErrorContains(t, err, name)
	}
}

func TestPublicationLimits(t *testing.T) {
	l := layoutOf("otp")
	l.TenantBacklog = 2
	w := newWorld(t, l)
	full := func(n int) *nats.Msg {
		m := jobMsg("dispatch.jobs.urgent.otp.big", strings.Repeat("x", n))
		m.Header = nats.Header{
			"Nats-Msg-Id": {fmt.Sprintf("%s:%s:0123456789abcdef", strings.Repeat("t", 32), strings.Repeat("j", 64))},
			"traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			"tracestate":  {strings.Repeat("s", 512)},
		}
		return m
	}
	_, err := w.js.PublishMsg(t.Context(), full(job.MaxBytes+1<<10))
	var refused *jetstream.APIError
	require.ErrorAs(t, err, &refused, "the stream refuses it")
	w.publish(t, full(job.MaxBytes))

	_, err = w.js.Publish(t.Context(), "dispatch.jobs.urgent.nobody.shop", []byte(`{}`))
	require.ErrorIs(t, err, jetstream.ErrNoStreamResponse)

	for range 2 {
		w.publish(t, jobMsg("dispatch.jobs.bulk.otp.noisy", `{}`))
	}
	_, err = w.js.Publish(t.Context(), "dispatch.jobs.bulk.otp.noisy", []byte(`{}`))
	require.ErrorAs(t, err, &refused)
	w.publish(t, jobMsg("dispatch.jobs.bulk.otp.quiet", `{}`))
}
