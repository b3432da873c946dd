package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// firm is a real worker in a process of its own, with all that it needs.
type firm struct {
	*natstest.Server
	js      jetstream.JetStream
	redis   *redistest.Server
	prostor *sim.Prostor
	mysmpp  *sim.MySMPPServer
}

// builds is where the programs are built, once for all tests.
var builds struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(builds.dir)
	os.Exit(code)
}

// program builds the programs where they aren't yet, and tells the path of one.
func program(t *testing.T, name string) string {
	t.Helper()
	builds.once.Do(func() {
		if builds.dir, builds.err = os.MkdirTemp("", "gonets-publisher"); builds.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", builds.dir+"/", "../worker", "../publisher").CombinedOutput()
		if err != nil {
			builds.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, builds.err)
	return filepath.Join(builds.dir, name)
}

func newFirm(t *testing.T) *firm {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs a worker")
	}
	binary := program(t, "worker")
	f := &firm{redis: redistest.Start(t), Server: natstest.Start(t), prostor: sim.NewProstor("shop", "hunter2"), mysmpp: sim.NewMySMPP(sim.MySMPP{Token: "hunter3"})}
	for _, s := range []*sim.Server{f.prostor.Server, f.mysmpp.Server} {
		require.NoError(t, s.Start("127.0.0.1:0"))
		t.Cleanup(s.Close)
	}
	_, f.js = f.Connect(t)
	config := filepath.Join(t.TempDir(), "gonets.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `nats: {url: %q, ack_wait: 4s}
redis: {url: "redis://%s/0"}
http: {listen: "127.0.0.1:0"}
accounts:
  prostor-main: {provider: prostor, url: "%s", login: shop, password: hunter2, sender: MyShop, recheck: 1s, timeout: 1s, breaker: {failures: 1000000}}
  mysmpp-main: {provider: mysmpp, url: "%s", token: hunter3, sender: MyShop, timeout: 1s, breaker: {failures: 1000000}}
routes:
  hold: {accounts: [prostor-main], retry: {attempts: 2, initial: 20ms, max: 50ms}}
  knows: {accounts: [mysmpp-main], retry: {attempts: 2, initial: 20ms, max: 50ms}}
`, f.URL(), f.redis.Addr, f.prostor.URL(), f.mysmpp.URL()), 0o600))
	log := newScreen()
	worker := exec.Command(binary, "run", "--config", config)
	worker.Stdout, worker.Stderr = log, log
	require.NoError(t, worker.Start())
	over := exited(worker)
	t.Cleanup(func() {
		_ = worker.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-over:
		case <-time.After(time.Minute):
			_ = worker.Process.Kill()
			<-over
		}
		if t.Failed() {
			t.Logf("the worker said:\n%s", log)
		}
	})
	require.Eventually(t, func() bool {
		for _, route := range []string{"hold", "knows"} {
			if _, err := f.js.StreamNameBySubject(t.Context(), "dispatch.jobs.normal."+route+".shop"); err != nil {
				return false
			}
		}
		_, err := f.js.Stream(t.Context(), "DISPATCH_DEAD")
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	return f
}

// exited is closed once a process is no more, however it ended.
func exited(process *exec.Cmd) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = process.Wait() // killed, as a rule
	}()
	return over
}

// send publishes a job.
func (f *firm) send(t *testing.T, route, id, to string, more ...string) {
	t.Helper()
	code, _, stderr := publisher(t, f.URL(), "", append([]string{"send", "--route", route, "--tenant", "shop", "--id", id, "--to", to, "--text", "Code 1234"}, more...)...)
	require.Equal(t, exitDone, code, stderr)
}

// life is the states of a job's events, in order.
func (f *firm) life(t *testing.T, id string) (states []string, sequences []int) {
	t.Helper()
	code, stdout, _ := publisher(t, f.URL(), "", "trace", id, "--tenant", "shop", "--output", "json")
	if code != exitDone {
		return nil, nil
	}
	var events []job.Event
	require.NoError(t, json.Unmarshal([]byte(stdout), &events))
	for _, e := range events {
		states, sequences = append(states, string(e.State)), append(sequences, e.Sequence)
	}
	return states, sequences
}

// becomes waits until a job's events are of these states. A letter is stored before its event.
func (f *firm) becomes(t *testing.T, id string, states ...string) {
	t.Helper()
	var now []string
	require.Eventually(t, func() bool {
		now, _ = f.life(t, id)
		return fmt.Sprint(now) == fmt.Sprint(states)
	}, time.Minute, 50*time.Millisecond, "%s: %v, last seen %v", id, states, &now)
}

// list is the letters that a list gives, by job.
func (f *firm) list(t *testing.T, filters ...string) map[string]letterView {
	t.Helper()
	code, stdout, stderr := publisher(t, f.URL(), "", append([]string{"dead", "list", "--output", "json"}, filters...)...)
	require.Equal(t, exitDone, code, stderr)
	var all []letterView
	require.NoError(t, json.Unmarshal([]byte(stdout), &all), stdout)
	by := map[string]letterView{}
	for _, v := range all {
		by[v.Job] = v
	}
	require.Len(t, by, len(all))
	return by
}

func (f *firm) dead(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, stdout, stderr := publisher(t, f.URL(), "", append([]string{"dead"}, args...)...)
	require.Equal(t, code, got, stderr)
	return stdout
}

// A job that failed is replayed, and goes on by the numbers of its events.
func TestReplayOfAFailedJob(t *testing.T) {
	f := newFirm(t)
	f.prostor.Break(sim.Refused, -1)
	f.send(t, "hold", "a", "+79612242243", "--metadata", "order=42")
	f.becomes(t, "a", "retrying", "failed")
	v := f.list(t)["a"]
	require.Equal(t, letterView{Letter: 1, At: v.At, Job: "a", Tenant: "shop", Route: "hold", Lane: job.Normal, State: job.Failed, Code: job.Unavailable,
		Account: "prostor-main", Attempts: 2, Message: v.Message, Publication: "DISPATCH_JOBS_NORMAL:1", Stored: v.Stored}, v)

	stdout := f.dead(t, exitDone, "replay", "--dry-run")
	require.Contains(t, stdout, "1 replayed, 0 expired, 0 unserved (dry run: nothing was changed)")
	require.Len(t, f.list(t), 1)

	stdout = f.dead(t, exitDone, "replay", "a", "--tenant", "shop")
	require.Regexp(t, `(?m)^replayed +1 +shop/a +hold +unavailable$`, stdout)
	f.becomes(t, "a", "retrying", "failed", "retrying", "failed")
	v = f.list(t)["a"]
	require.EqualValues(t, 2, v.Letter)
	require.Equal(t, 1, v.Replays)
	require.Equal(t, 2, v.Attempts, "anew")

	f.prostor.Break(sim.None, 0)
	f.dead(t, exitDone, "replay", "--code", "unavailable")
	f.becomes(t, "a", "retrying", "failed", "retrying", "failed", "submitted")
	_, sequences := f.life(t, "a")
	require.Equal(t, []int{1, 2, 3, 4, 5}, sequences)
	require.Empty(t, f.list(t))
	require.Equal(t, 1, f.prostor.Messages())
	require.Empty(t, f.prostor.Violations())

	stdout = f.dead(t, exitDone, "replay")
	require.Equal(t, "0 replayed, 0 expired, 0 unserved\n", stdout)
}

// A letter is older than the claim record of its job, which lives as long as ids are remembered: the events go on by their numbers all the same.
func TestReplayOfAnOldLetter(t *testing.T) {
	f := newFirm(t)
	f.prostor.Break(sim.Refused, -1)
	f.send(t, "hold", "a", "+79612242243")
	f.becomes(t, "a", "retrying", "failed")
	require.Eventually(t, func() bool { return f.waiting(t) == 0 }, time.Minute, 20*time.Millisecond)
	client := f.redis.Client()
	defer func() { require.NoError(t, client.Close()) }()
	hashes, err := client.Keys(t.Context(), "*:claim:*").Result()
	require.NoError(t, err)
	forgotten := int64(0)
	for _, hash := range hashes {
		n, err := client.HDel(t.Context(), hash, "shop:a").Result()
		require.NoError(t, err)
		forgotten += n
	}
	require.EqualValues(t, 1, forgotten)
	f.dead(t, exitDone, "replay")
	f.becomes(t, "a", "retrying", "failed", "retrying", "failed")
	f.prostor.Break(sim.None, 0)
	f.dead(t, exitDone, "replay")
	f.becomes(t, "a", "retrying", "failed", "retrying", "failed", "submitted")
	_, sequences := f.life(t, "a")
	require.Equal(t, []int{1, 2, 3, 4, 5}, sequences)
}

// An unknown job is sent again where its provider doesn't recognise repeats: the operator decided so. MySMPP recognises it.
func TestReplayOfAnUnknownJob(t *testing.T) {
	f := newFirm(t)
	f.prostor.Break(sim.Error500, 1)
	f.send(t, "hold", "p", "+79612242243")
	f.becomes(t, "p", "unknown")
	f.mysmpp.Break(sim.Error500, 2)
	f.send(t, "knows", "m", "+79612242244")
	f.becomes(t, "m", "retrying", "unknown")
	letters := f.list(t, "--code", "ambiguous")
	require.Len(t, letters, 2)
	for _, v := range letters {
		require.Equal(t, job.Unknown, v.State)
	}
	require.Equal(t, 1, f.prostor.Messages())
	require.Equal(t, 1, f.mysmpp.Messages())

	f.dead(t, exitDone, "replay", "--route", "hold")
	f.becomes(t, "p", "unknown", "submitted")
	require.Equal(t, 2, f.prostor.Messages(), "a second copy, knowingly")
	require.Len(t, f.list(t), 1)
	f.dead(t, exitDone, "replay", "--account", "mysmpp-main", "--rate", "50")
	f.becomes(t, "m", "retrying", "unknown", "submitted")
	require.Equal(t, 1, f.mysmpp.Messages(), "the provider recognised it")
	require.Empty(t, f.mysmpp.Repeats())
	require.Empty(t, f.list(t))
}

// Letters are replayed again and again, by operators that know nothing of each other and stop where they will: a recipient gets one message.
func TestReplayedOverAndOver(t *testing.T) {
	f := newFirm(t)
	f.prostor.Break(sim.Refused, -1)
	const jobs = 40
	for i := range jobs {
		f.send(t, "hold", fmt.Sprintf("j%02d", i), fmt.Sprintf("+7961000%04d", i))
	}
	require.Eventually(t, func() bool { return len(f.list(t)) == jobs }, time.Minute, 100*time.Millisecond)
	kept := (&house{f.Server, f.js}).stored(t, "DISPATCH_DEAD")
	f.prostor.Break(sim.None, 0)
	var operators []*session
	for range 3 {
		operators = append(operators, start(t.Context(), f.URL(), nil, "dead", "replay", "--route", "hold"))
	}
	for _, s := range operators {
		require.Equal(t, exitDone, s.wait(), s.stderr)
	}
	done := func() bool { return f.prostor.Messages() >= jobs && f.waiting(t) == 0 }
	require.Eventually(t, done, time.Minute, 50*time.Millisecond)

	// An operator was killed before the letters were deleted: they are still there.
	for _, m := range kept {
		m.Header.Del("Nats-Msg-Id")
		_, err := f.js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
		require.NoError(t, err)
	}
	// And the server has forgotten what it took before.
	f.Restart()
	require.Eventually(t, func() bool { return len(f.list(t)) == jobs }, time.Minute, 100*time.Millisecond)
	f.dead(t, exitDone, "replay")
	require.Eventually(t, func() bool { return f.waiting(t) == 0 }, time.Minute, 50*time.Millisecond)
	require.Empty(t, f.list(t))
	require.Equal(t, jobs, f.prostor.Messages())
	require.Empty(t, f.prostor.Repeats())
	code, stdout, stderr := publisher(t, f.URL(), "", "audit", "--since", "1h")
	require.Equal(t, exitDone, code, stderr+stdout)
	require.Contains(t, stdout, fmt.Sprintf("%d jobs since ", jobs))
}

// An operator's replay is killed again and again, wherever it is. Nothing is lost, and no recipient gets a second copy.
func TestKilledReplays(t *testing.T) {
	f := newFirm(t)
	f.prostor.Break(sim.Refused, -1)
	const jobs = 600
	var lines strings.Builder
	for i := range jobs {
		fmt.Fprintf(&lines, `{"id":"k%03d","to":"+7961000%04d","text":"x"}`+"\n", i, i)
	}
	code, _, stderr := publisher(t, f.URL(), lines.String(), "import", "-", "--route", "hold", "--tenant", "shop")
	require.Equal(t, exitDone, code, stderr)
	require.Eventually(t, func() bool { return len(f.list(t)) == jobs }, 2*time.Minute, 200*time.Millisecond)
	f.prostor.Break(sim.None, 0)
	nc, _ := f.Connect(t)
	given := make(chan *nats.Msg, 100*jobs)
	sub, err := nc.ChanSubscribe("dispatch.later.due.>", given)
	require.NoError(t, err)
	defer func() { require.NoError(t, sub.Unsubscribe()) }()
	require.NoError(t, nc.Flush())
	kills, seen := 0, 0
	for ; len(f.list(t)) > 0; kills++ {
		replay := exec.Command(program(t, "publisher"), "dead", "replay", "--nats", f.URL(), "--rate", "500")
		require.NoError(t, replay.Start())
		over := exited(replay)
		for until := seen + 1 + rand.IntN(150); seen < until; seen++ { // jobs are given back in fifties, before their letters go
			select {
			case <-given:
				continue
			case <-over:
			}
			break
		}
		_ = replay.Process.Kill() // it may have ended
		<-over
	}
	require.Eventually(t, func() bool { return f.prostor.Messages() >= jobs && f.waiting(t) == 0 }, 2*time.Minute, 50*time.Millisecond)
	require.Equal(t, jobs, f.prostor.Messages())
	require.Empty(t, f.prostor.Repeats())
	require.Empty(t, f.list(t))
	code, stdout, stderr := publisher(t, f.URL(), "", "audit", "--since", "1h", "--grace", "0s", "--output", "json")
	require.Equal(t, exitDone, code, stderr+stdout)
	t.Logf("%d kills, %d jobs were given back more than once", kills, seen+len(given)-jobs)
}

// waiting is how many jobs are in the job streams and LATER.
func (f *firm) waiting(t *testing.T) (n uint64) {
	t.Helper()
	for _, name := range strings.Fields("DISPATCH_JOBS_URGENT DISPATCH_JOBS_NORMAL DISPATCH_JOBS_BULK DISPATCH_LATER") {
		s, err := f.js.Stream(t.Context(), name)
		if err != nil {
			return 1 // ask again
		}
		n += s.CachedInfo().State.Msgs
	}
	return n
}
