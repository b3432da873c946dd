package observe

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// fake is ports and a provider that answer as told.
type fake struct {
	dispatch.Claims
	dispatch.Limiter
	err        error
	wait, turn time.Duration
	granted    bool
	claims     []dispatch.Claim
	held       []bool
	results    []providers.Result
	deliveries []dispatch.Delivery
	during     func()
}

func (f *fake) Run(_ context.Context, handle func(dispatch.Delivery)) error {
	for _, d := range f.deliveries {
		handle(d)
	}
	return f.err
}
func (f *fake) Publish(context.Context, []dispatch.Event) error   { return f.err }
func (f *fake) Hold(context.Context, []dispatch.Held) error       { return f.err }
func (f *fake) Bury(context.Context, []dispatch.DeadLetter) error { return f.err }
func (f *fake) Claim(context.Context, []dispatch.ClaimRequest) ([]dispatch.Claim, error) {
	return f.claims, f.err
}
func (f *fake) Record(context.Context, []dispatch.Update) ([]bool, error) { return f.held, f.err }
func (f *fake) Reserve(context.Context, string, int, time.Duration, dispatch.Turn) (dispatch.Tokens, error) {
	return dispatch.Tokens{OK: f.granted, Wait: f.wait, Turn: f.turn}, f.err
}
func (f *fake) Refund(context.Context, string, int) error { return f.err }
func (f *fake) Send(context.Context, []providers.Message) []providers.Result {
	if f.during != nil {
		f.during()
	}
	return f.results
}

func testConfig() Config {
	return Config{
		Routes:   []dispatch.Route{{Name: "otp", Accounts: []string{"main", "spare"}}},
		Accounts: []Account{{Name: "main", Rate: 100, InFlight: 2, Batch: 10}, {Name: "spare", InFlight: 1, Batch: 1}},
	}
}

// watched is metrics around a fake.
func watched() (*Metrics, *fake, dispatch.Ports, providers.Provider) {
	m, f := NewMetrics(testConfig()), &fake{}
	ports, accounts := Wrap(dispatch.Ports{Sources: func(job.Lane, string) dispatch.Source { return f }, Claims: f, Limiter: f, Outlet: f}, []dispatch.Account{{Name: "main", Provider: f}}, m)
	return m, f, ports, accounts[0].Provider
}

// requireMetrics compares some metrics, as lines of the text format, but for those at zero.
func (m *Metrics) requireMetrics(t *testing.T, want string, names ...string) {
	t.Helper()
	got := m.page(t)
	var lines []string
	for line := range strings.Lines(got) {
		for _, n := range names {
			if strings.HasPrefix(line, n+"{") || strings.HasPrefix(line, n+" ") {
				if !strings.HasSuffix(line, " 0\n") {
					lines = append(lines, strings.TrimSpace(line))
				}
			}
		}
	}
	require.ElementsMatch(t, slices.DeleteFunc(strings.Split(want, "\n"), func(s string) bool { return s == "" }), lines)
}

func (m *Metrics) page(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, w.Code)
	return w.Body.String()
}

// feed tells the metrics something of all that they can show.
func feed(m *Metrics) {
	m.States().Set("main", StatePaused, job.Unauthorized)
	m.States().Set("spare", StateClosed, "")
	m.States().Set("gone", StateOpen, job.Unavailable)
	m.Receipts().Watch("main")
	m.Balances().Set("main", time.Now(), []providers.Balance{{Amount: "12.5", Unit: "RUB"}})
	m.Condition("nats_connected", "1 while so.", func() bool { return true })
	m.backlog.set([]Queue{{Lane: job.Bulk, Route: "otp", Pending: 5, Oldest: time.Now()}, {Lane: job.Bulk, Route: "gone", Pending: 1}})
}

func TestLint(t *testing.T) {
	m := NewMetrics(testConfig())
	feed(m)
	problems, err := promlint.New(strings.NewReader(m.page(t))).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	problems, err = testutil.GatherAndLint(m.registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// However many tenants, jobs, unknown routes and odd codes come, no series is added.
func TestBoundedCardinality(t *testing.T) {
	m, f, ports, p := watched()
	feed(m)
	odd := func() {
		for i := range 100 {
			word := string(rune('a'+i%26)) + strings.Repeat("x", i)
			require.NoError(t, ports.Outlet.Publish(t.Context(), []dispatch.Event{{Event: job.Event{Job: word, Tenant: word, Route: word, Lane: job.Lane(word), State: job.State(word)}}}))
			require.NoError(t, ports.Outlet.Bury(t.Context(), []dispatch.DeadLetter{{JobID: word, Reason: job.Code(word), Delivery: dispatch.Delivery{Address: job.Address{Route: word}}}}))
			f.results = []providers.Result{{Outcome: providers.Rejected, Code: providers.Code(word), Message: word}}
			p.Send(t.Context(), make([]providers.Message, 1))
			m.Receipts().Told("main", job.State(word), time.Second)
			m.Receipts().Told(word, job.Delivered, time.Second)
			m.States().Set("main", word, job.Code(word))
			m.States().Set(word, StateOpen, "")
			m.Receipts().Watch(word)
			m.Receipts().Waiting(word, 1)
		}
	}
	odd()
	before, err := testutil.GatherAndCount(m.registry)
	require.NoError(t, err)
	odd()
	after, err := testutil.GatherAndCount(m.registry)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NotContains(t, m.page(t), "xx")
	m.requireMetrics(t, `gonets_jobs_total{lane="_other",route="_other",state="_other"} 200
gonets_outcomes_total{account="main",code="_other"} 200
gonets_dead_letters_total{reason="_other",route="_other"} 200`, "gonets_jobs_total", "gonets_outcomes_total", "gonets_dead_letters_total")
}

func TestCounting(t *testing.T) {
	m, f, ports, p := watched()
	f.deliveries = []dispatch.Delivery{{}, {Redelivered: true}, {Redelivered: true}}
	handled := 0
	require.NoError(t, ports.Sources(job.Urgent, "otp").Run(t.Context(), func(dispatch.Delivery) { handled++ }))
	require.Equal(t, 3, handled)
	m.requireMetrics(t, `gonets_redeliveries_total{lane="urgent",route="otp"} 2`, "gonets_redeliveries_total")

	event := func(lane job.Lane, s job.State) dispatch.Event {
		return dispatch.Event{Event: job.Event{Lane: lane, Route: "otp", State: s}}
	}
	events := []dispatch.Event{event(job.Urgent, job.Submitted), event(job.Urgent, job.Submitted), event(job.Bulk, job.Submitted), event(job.Bulk, job.Failed), event(job.Bulk, job.Submitted)}
	dead := []dispatch.DeadLetter{{Reason: job.Unavailable, Delivery: dispatch.Delivery{Address: job.Address{Route: "otp"}}}}
	f.err = errors.New("not stored") // and so repeated
	require.Error(t, ports.Outlet.Publish(t.Context(), events))
	require.Error(t, ports.Outlet.Bury(t.Context(), dead))
	f.err = nil
	require.NoError(t, ports.Outlet.Publish(t.Context(), events))
	require.NoError(t, ports.Outlet.Bury(t.Context(), dead))
	m.requireMetrics(t, `gonets_jobs_total{lane="bulk",route="otp",state="failed"} 1
gonets_jobs_total{lane="bulk",route="otp",state="submitted"} 2
gonets_jobs_total{lane="urgent",route="otp",state="submitted"} 2
gonets_dead_letters_total{reason="unavailable",route="otp"} 1`, "gonets_jobs_total", "gonets_dead_letters_total")

	for v := dispatch.Busy; v <= dispatch.Stale; v++ {
		f.claims = append(f.claims, dispatch.Claim{Verdict: v}, dispatch.Claim{Verdict: v})
	}
	f.held = []bool{true, false, true}
	_, _ = ports.Claims.Claim(t.Context(), make([]dispatch.ClaimRequest, len(f.claims)))
	_, _ = ports.Claims.Record(t.Context(), make([]dispatch.Update, 3))
	f.err, f.claims = dispatch.ErrClaimsLost, nil
	_, err := ports.Claims.Claim(t.Context(), make([]dispatch.ClaimRequest, 5))
	require.ErrorIs(t, err, dispatch.ErrClaimsLost)
	m.requireMetrics(t, `gonets_claims_total{result="ambiguous"} 2
gonets_claims_total{result="busy"} 2
gonets_claims_total{result="duplicate"} 2
gonets_claims_total{result="failed"} 5
gonets_claims_total{result="overtaken"} 1
gonets_claims_total{result="reused"} 2
gonets_claims_total{result="settled"} 2
gonets_claims_total{result="stale"} 2
gonets_claims_total{result="taken"} 2`, "gonets_claims_total")

	taken := providers.Result{Outcome: providers.Submitted, ID: "1"}
	f.results = []providers.Result{taken, taken, {Outcome: providers.Rejected, Code: providers.InvalidRecipient}, taken, {Code: providers.CodeAmbiguous}}
	f.during = func() {
		m.requireMetrics(t, `gonets_requests_in_flight{account="main"} 1`, "gonets_requests_in_flight")
	}
	require.Equal(t, f.results, p.Send(t.Context(), make([]providers.Message, 5)))
	f.during = func() { panic("a fault of the client") }
	require.Panics(t, func() { p.Send(t.Context(), make([]providers.Message, 5)) })
	m.requireMetrics(t, `gonets_outcomes_total{account="main",code="ambiguous"} 1
gonets_outcomes_total{account="main",code="invalid_recipient"} 1
gonets_outcomes_total{account="main",code="submitted"} 3
gonets_batch_fill_ratio_count{account="main"} 1
gonets_request_duration_seconds_count{account="main"} 1`, "gonets_outcomes_total", "gonets_batch_fill_ratio_count", "gonets_request_duration_seconds_count", "gonets_requests_in_flight")
	require.Contains(t, m.page(t), `gonets_batch_fill_ratio_sum{account="main"} 0.5`)
}

func TestLimiterTimes(t *testing.T) {
	m, f, ports, _ := watched()
	reserve := func(n int) {
		_, _ = ports.Limiter.Reserve(t.Context(), "main", n, time.Millisecond, dispatch.Again)
	}
	f.granted, f.wait = true, 250*time.Millisecond
	reserve(10)
	a := m.accounts["main"]
	require.Equal(t, 250*time.Millisecond, time.Duration(a.waited.Load()), "granted tokens that are good later")
	require.EqualValues(t, 10, a.tokens.Load())
	require.NoError(t, ports.Limiter.Refund(t.Context(), "main", 4))
	require.EqualValues(t, 6, a.tokens.Load())

	now := time.Now()
	a.pausedFor(now, time.Second)
	a.askedAgain(now.Add(300 * time.Millisecond)) // it was woken by a more urgent job
	require.Equal(t, 550*time.Millisecond, time.Duration(a.waited.Load()))
	a.askedAgain(now.Add(time.Hour))
	require.Equal(t, 550*time.Millisecond, time.Duration(a.waited.Load()), "there was no wait")
	a.pausedFor(now, time.Second)
	a.askedAgain(now.Add(time.Hour)) // there was nothing to send for long
	require.Equal(t, 1550*time.Millisecond, time.Duration(a.waited.Load()))
	m.requireMetrics(t, `gonets_limiter_wait_seconds_total{account="main"} 1.55`, "gonets_limiter_wait_seconds_total")

	f.granted, f.wait = false, time.Nanosecond
	reserve(10)
	f.turn = time.Hour
	reserve(10)
	require.Equal(t, time.Hour, a.pause, "until its turn")
	f.turn = 0
	reserve(10)
	f.err = errors.New("no answer")
	reserve(10)
	require.Error(t, ports.Limiter.Refund(t.Context(), "main", 1))
	require.EqualValues(t, 6, a.tokens.Load(), "what wasn't granted isn't used")

	a.asking.Store(int64(3 * time.Second))
	a.requests.Store(2)
	a.sample(4 * time.Second)
	m.requireMetrics(t, `gonets_limiter_utilisation_ratio{account="main"} 0.015`, "gonets_limiter_utilisation_ratio")
	require.Equal(t, 1500*time.Millisecond, a.pace().request)
	require.InDelta(t, 1.55/4, a.pace().braked, 1e-6)
	a.sample(4 * time.Second)
	require.Equal(t, pace{request: 1500 * time.Millisecond}, a.pace(), "the last requests tell until there are new ones")
	m.requireMetrics(t, "", "gonets_limiter_utilisation_ratio")
	a.tokens.Add(-5)
	a.sample(time.Second)
	m.requireMetrics(t, "", "gonets_limiter_utilisation_ratio")
	a.waited.Add(int64(time.Minute)) // a wait that began long before
	a.sample(time.Second)
	require.Equal(t, 1.0, a.pace().braked)
	a.sample(0)
}

// The backlog is worked out for the account that gets the route's jobs at present.
func TestBacklog(t *testing.T) {
	m := NewMetrics(testConfig())
	names := []string{"gonets_backlog_jobs", "gonets_backlog_seconds"}
	m.requireMetrics(t, "", names...)
	m.backlog.set([]Queue{{Lane: job.Bulk, Route: "otp", Pending: 1000, AckPending: 7, Oldest: time.Now().Add(-time.Hour)}})
	m.requireMetrics(t, `gonets_backlog_jobs{kind="ack_pending",lane="bulk",route="otp"} 7
gonets_backlog_jobs{kind="pending",lane="bulk",route="otp"} 1000
gonets_backlog_seconds{bound="provider",lane="bulk",route="otp"} 10`, names...)
	require.Regexp(t, `gonets_backlog_oldest_seconds\{lane="bulk",route="otp"\} 360\d`, m.page(t))
	m.States().Set("main", StateOpen, job.Unavailable)
	m.requireMetrics(t, `gonets_backlog_seconds{bound="worker",lane="bulk",route="otp"} 100`, "gonets_backlog_seconds")
	m.States().Set("spare", StatePaused, job.Unauthorized)
	m.requireMetrics(t, `gonets_backlog_seconds{bound="provider",lane="bulk",route="otp"} 10`, "gonets_backlog_seconds")
	m.States().Set("spare", StateHalfOpen, job.Unauthorized) // it gets a probe, and nothing else
	m.requireMetrics(t, `gonets_backlog_seconds{bound="provider",lane="bulk",route="otp"} 10`, "gonets_backlog_seconds")
	m.States().Set("spare", StateClosed, "")
	m.requireMetrics(t, `gonets_backlog_seconds{bound="worker",lane="bulk",route="otp"} 100`, "gonets_backlog_seconds")
	m.backlog.set(nil)
	m.requireMetrics(t, "", names...)
}

func TestRun(t *testing.T) {
	m := NewMetrics(testConfig())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	failed := errors.New("no answer")
	m.Run(ctx, func(context.Context) ([]Queue, error) { return nil, failed }, func(err error) { done <- err; cancel() })
	require.Equal(t, failed, <-done)
	m.Run(ctx, func(context.Context) ([]Queue, error) {
		return []Queue{{Lane: job.Bulk, Route: "otp", Pending: 3}}, nil
	}, nil)
	m.requireMetrics(t, `gonets_backlog_jobs{kind="pending",lane="bulk",route="otp"} 3`, "gonets_backlog_jobs")
}
