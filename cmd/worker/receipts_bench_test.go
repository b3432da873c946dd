package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// cpu is what a process has used of the processor, and rss what it has in memory at most, in MiB.
func cpu(t testing.TB, pid int) (used time.Duration, rss float64) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, f := range fields[11:13] {
		ticks, err := strconv.Atoi(f)
		require.NoError(t, err)
		used += time.Duration(ticks) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(kb)[0])
			require.NoError(t, err)
			rss = float64(n) / 1024
		}
	}
	return used, rss
}

// redisCPU is what a server has used of the processor, in seconds.
func redisCPU(t testing.TB, client *redis.Client) (used float64) {
	info, err := client.Info(t.Context(), "cpu").Result()
	require.NoError(t, err)
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			n, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			used += n
		}
	}
	return used
}

// count is how many events of a state and route there are.
func (h *house) count(route string, state job.State) int {
	s, err := h.js.Stream(h.t.Context(), "DISPATCH_STATUS")
	require.NoError(h.t, err)
	subject := "dispatch.status.shop." + route + "." + string(state)
	info, err := s.Info(h.t.Context(), jetstream.WithSubjectFilter(subject))
	require.NoError(h.t, err)
	return int(info.State.Subjects[subject])
}

func build(b *testing.B) string {
	binary := filepath.Join(b.TempDir(), "worker")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(b, err, "%s", out)
	return binary
}

// BenchmarkReceipts drains a queue of 100,000 receipts at 1000 a read: go test -run xxx -bench Receipts$ -benchtime 1x ./cmd/worker
func BenchmarkReceipts(b *testing.B) {
	const jobs = 100_000
	h := newHouse(b)
	h.config = h.receiptsConfig(freeAddress(b), "status_queue: gonets1, in_flight: 16", "recheck: 1s")
	require.NoError(b, h.watch.Unsubscribe())
	b.Setenv("GONETS_LOG_LEVEL", "info")
	p := h.process(build(b))
	h.awaitStreams("alone")
	for i := range jobs {
		_, err := h.js.PublishAsync("dispatch.jobs.normal.alone.shop", fmt.Appendf(nil, `{"id":"j%d","channel":"sms","to":"+7961%07d","text":"t"}`, i, i))
		require.NoError(b, err)
		if i%1000 == 999 {
			<-h.js.PublishAsyncComplete()
		}
	}
	begun := time.Now()
	for h.count("alone", job.Submitted) < jobs {
		time.Sleep(50 * time.Millisecond)
		require.Less(b, time.Since(begun), 2*time.Minute)
	}
	var ids []string
	_, err := natsq.ReadStatus(b.Context(), h.js, natsq.Layout{Prefix: "dispatch"}, natsq.Excerpt{States: []job.State{job.Submitted}}, func(events []dispatch.Event, _ uint64) error {
		for _, e := range events {
			ids = append(ids, e.ProviderID)
		}
		return nil
	})
	require.NoError(b, err)
	db := h.redis.Client()
	for waitingReceipts(b, db) < jobs { // the last packet is being tracked
		time.Sleep(10 * time.Millisecond)
	}
	h.reportIndexing(b, db, p.Process.Pid, jobs)
	before, submitted := cpu(b, p.Process.Pid)
	ours, _ := cpu(b, os.Getpid())
	theirs := redisCPU(b, db)
	start := time.Now()
	for _, id := range ids {
		h.prostor.Deliver(id, "delivered")
	}
	for h.count("alone", job.Delivered) < jobs {
		time.Sleep(10 * time.Millisecond)
		require.Less(b, time.Since(start), time.Minute)
	}
	took := time.Since(start)
	after, peak := cpu(b, p.Process.Pid)
	b.ReportMetric(jobs/took.Seconds(), "receipts/s")
	b.ReportMetric((after - before).Seconds(), "worker-cpu-s")
	oursAfter, _ := cpu(b, os.Getpid())
	b.ReportMetric((oursAfter - ours).Seconds(), "nats-and-provider-cpu-s")
	b.ReportMetric(redisCPU(b, db)-theirs, "redis-cpu-s")
	b.ReportMetric(submitted, "MiB-before")
	b.ReportMetric(peak, "MiB-peak")
	require.NoError(b, db.Close())
	require.NoError(b, p.Process.Signal(os.Interrupt))
	require.NoError(b, p.Wait())
}

// waitingReceipts is how many messages of the account wait for theirs.
func waitingReceipts(b *testing.B, db *redis.Client) (n int) {
	for _, key := range db.Keys(b.Context(), "dispatch:receipts:{prostor-main}:d[0-9]*").Val() {
		n += int(db.HLen(b.Context(), key).Val())
		if over, err := db.HGet(b.Context(), key, "o").Int(); err == nil {
			n -= over + 1 // with the field that tells it
		}
	}
	return n
}

// reportIndexing has the index made anew, and reports what that costs for each event.
func (h *house) reportIndexing(b *testing.B, db *redis.Client, pid, events int) {
	before, _ := cpu(b, pid)
	redisBefore := redisCPU(b, db)
	start := time.Now()
	const whole = "dispatch:receipts:{prostor-main}:whole"
	require.NoError(b, db.Del(b.Context(), whole).Err())
	for db.Get(b.Context(), whole).Val() != "3" {
		time.Sleep(10 * time.Millisecond)
		require.Less(b, time.Since(start), time.Minute)
	}
	after, _ := cpu(b, pid)
	b.ReportMetric((after-before).Seconds()*1e6/float64(events), "index-worker-cpu-us")
	b.ReportMetric((redisCPU(b, db)-redisBefore)*1e6/float64(events), "index-redis-cpu-us")
	b.ReportMetric(time.Since(start).Seconds(), "index-made-s")
}

// BenchmarkReceiptLag is how long it takes from a row in the queue to its event, at 100 a second with default settings:
// go test -run xxx -bench ReceiptLag -benchtime 1x ./cmd/worker
func BenchmarkReceiptLag(b *testing.B) {
	const jobs = 2000
	h := newHouse(b)
	h.config = h.receiptsConfig(freeAddress(b), "status_queue: gonets1", "recheck: 1s")
	b.Setenv("GONETS_LOG_LEVEL", "info")
	p := h.process(build(b))
	h.awaitStreams("alone")
	rows := map[string]time.Time{}
	var lags []time.Duration
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; len(lags) < jobs; {
		select {
		case <-tick.C:
			if sent < jobs {
				h.sms("alone", fmt.Sprint("j", sent), sent)
				sent++
			}
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(b, err)
			if e.State == job.Submitted {
				rows[e.Job] = time.Now()
				require.True(b, h.prostor.Deliver(e.ProviderID, "delivered"))
				continue
			}
			require.Equal(b, job.Delivered, e.State)
			lags = append(lags, time.Since(rows[e.Job]))
		}
	}
	slices.Sort(lags)
	b.ReportMetric(lags[jobs/2].Seconds()*1000, "ms-p50")
	b.ReportMetric(lags[jobs*99/100].Seconds()*1000, "ms-p99")
	b.ReportMetric(lags[jobs-1].Seconds()*1000, "ms-max")
	require.NoError(b, p.Process.Signal(os.Interrupt))
	require.NoError(b, p.Wait())
}
