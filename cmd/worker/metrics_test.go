package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// listed are the metrics of docs/metrics.md, name → type.
func listed(t *testing.T) map[string]string {
	text, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	all := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(gonets_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(text), -1) {
		all[row[1]] = row[2]
	}
	require.NotEmpty(t, all)
	return all
}

// page is what a worker answers to a scrape.
func page(t testing.TB, address string) string {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return ""
	}
	defer func() { require.NoError(t, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	return string(body)
}

// Every metric that is documented is shown, no other, with its type and a help; the linter of Prometheus has nothing to say; and
// nothing of a job or a secret is there.
func TestMetrics(t *testing.T) {
	h := newHouse(t)
	cfg, err := os.ReadFile(h.config)
	require.NoError(t, err)
	limited := strings.Replace(string(cfg), "recheck: 1s}", "recheck: 1s, limit: {messages_per_second: 1000, burst: 200}}", 1)
	require.NoError(t, os.WriteFile(h.config, []byte(limited), 0o600))
	listen := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", listen)
	stop, log := h.run()
	h.awaitStreams("push")

	want := map[string]int{}
	for _, lane := range job.Lanes() {
		for i := range 5 {
			id := fmt.Sprintf("ord-%s-%d", lane, i)
			h.publish("dispatch.jobs."+string(lane)+".otp.tenant-x", fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+7961224224%d","text":"Your code is 4711"}`, id, i))
			_, e := h.next(id)
			require.Equal(t, job.Submitted, e.State)
			want[fmt.Sprintf(`gonets_jobs_total{lane="%s",route="otp",state="submitted"} 5`, lane)]++
		}
		h.publish("dispatch.jobs."+string(lane)+".push.tenant-x", fmt.Sprintf(`{"id":"push-%s","channel":"push","audience":{"collection":"devices","everyone":true},"push":{"gcm":{"notification":{"title":"Goal"}}}}`, lane))
		h.next("push-" + string(lane))
		want[fmt.Sprintf(`gonets_jobs_total{lane="%s",route="push",state="submitted"} 1`, lane)]++
	}
	h.publish("dispatch.jobs.bulk.otp.tenant-x", `{"id":"ord-bulk-0","channel":"sms","to":"+79612242240","text":"Your code is 4711"}`)
	_, e := h.next("ord-bulk-0")
	require.Equal(t, job.Duplicate, e.State)
	h.prostor.Close() // so its jobs fail at last
	h.publish("dispatch.jobs.normal.alone.tenant-x", `{"id":"lost","channel":"sms","to":"+79612242243","text":"Your code is 4711"}`)
	for e.State != job.Failed {
		_, e = h.next("lost")
	}
	h.publish("dispatch.jobs.normal.alone.tenant-x", `{"id":"odd","to":"+79612242243"}`)
	_, e = h.next("odd")
	require.Equal(t, job.Rejected, e.State)
	for _, line := range []string{
		`gonets_jobs_total{lane="bulk",route="otp",state="duplicate"} 1`, `gonets_jobs_total{lane="normal",route="alone",state="retrying"} 1`,
		`gonets_jobs_total{lane="normal",route="alone",state="failed"} 1`, `gonets_jobs_total{lane="normal",route="alone",state="rejected"} 1`,
		`gonets_dead_letters_total{reason="unavailable",route="alone"} 1`, `gonets_claims_total{result="taken"} 20`, `gonets_claims_total{result="duplicate"} 1`,
		`gonets_outcomes_total{account="prostor-main",code="submitted"} 15`, `gonets_outcomes_total{account="prostor-main",code="unavailable"} 2`,
		`gonets_outcomes_total{account="scorocode-main",code="submitted"} 3`, `gonets_request_duration_seconds_count{account="scorocode-main"} 3`,
		`gonets_claims_whole 1`, `gonets_nats_connected 1`, `gonets_redis_connected 1`, `gonets_requests_in_flight{account="prostor-main"} 0`,
	} {
		want[line]++
	}
	var text string
	require.Eventually(t, func() bool { // what is counted after its event is out
		text = page(t, listen)
		for line := range want {
			if !strings.Contains(text, line+"\n") {
				return false
			}
		}
		return true
	}, 30*time.Second, 50*time.Millisecond, "%s", text)

	missing := listed(t)
	for _, row := range regexp.MustCompile(`(?m)^# TYPE (gonets_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		require.Equal(t, missing[row[1]], row[2], "%s stands in docs/metrics.md with its type", row[1])
		require.Regexp(t, `(?m)^# HELP `+row[1]+` \S`, text)
		delete(missing, row[1])
	}
	require.Empty(t, missing)
	watched, err := os.ReadFile("../../deploy/metrics.txt")
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`(?m)^gonets_\w+`).FindAllString(string(watched), -1) {
		require.Contains(t, text, "# TYPE "+name+" ", "alerts and dashboards ask for it")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	names := regexp.MustCompile(`(?m) \S+$`).ReplaceAllString(text, "") // without values, which may have any digits
	for _, secret := range []string{"tenant-x", "ord-", "push-", "lost", "odd", "9612242", "Your code", "4711", "Goal", "DISPATCH_", prostorPassword, mysmppToken, scorocodeKey} {
		require.NotContains(t, names, secret)
	}

	require.Equal(t, exitDone, stop(), log.String())
}

// What stands between the worker and its servers is told, while it waits for them, too.
func TestMetricsOfServers(t *testing.T) {
	h := newHouse(t)
	listen := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", listen)
	h.nats.Stop()
	h.run()
	show := func(line string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(page(t, listen), "\n"+line+"\n") }, 60*time.Second, 20*time.Millisecond, line)
	}
	show("gonets_nats_connected 0")
	show("gonets_redis_connected 1")
	show("gonets_claims_whole 0")
	h.nats.Restart()
	show("gonets_nats_connected 1")
	show("gonets_claims_whole 1")
	h.redis.Stop()
	show("gonets_redis_connected 0")
	h.redis.Restart()
	show("gonets_redis_connected 1")
}
