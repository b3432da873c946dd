package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// fallible is a provider as one worker reaches it: when the worker crashes, its requests end there, or with nobody to hear the answer.
type fallible struct {
	*fakeProvider
	down func() bool
}

func (p fallible) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	lost := providers.All(len(msgs), providers.Result{Code: providers.CodeAmbiguous})
	if p.down() {
		return lost
	}
	rs := p.fakeProvider.Send(ctx, msgs)
	if p.down() {
		return lost
	}
	return rs
}

// plan is what befalls the workers in one run of the law test.
type plan struct {
	dedupes  bool
	policy   OnUnknown
	accounts int
	batch    int
	inFlight int
	arrivals []int  // of every second job in turn, in ms after the start; the others are there before
	workers  int    // at a time, but for those that crash
	failures int    // in a row that open a breaker
	expiries []int  // of every third job in turn, in ms
	outcomes []int  // drawn for each message that reaches the provider, in turn
	crashes  []int  // each worker in turn stops dead after so many steps outside
	waits    []int  // for tokens, see world; empty: there is no limit
	saves    []bool // whether each worker sends no bulk through the first account, until a minute has passed for the last ones
	barred   []bool // whether an account hasn't the sender, of each question in turn
	losses   []bool // whether the claims lose their data after each crash, and then after each stop
	stops    []int  // each worker that doesn't crash is stopped after so many milliseconds; the last one never
}

func drawPlan(t *rapid.T) plan {
	return plan{
		dedupes:  rapid.Bool().Draw(t, "dedupes"),
		policy:   rapid.SampledFrom([]OnUnknown{"", Hold, Resend}).Draw(t, "policy"),
		accounts: rapid.IntRange(1, 2).Draw(t, "accounts"),
		batch:    rapid.SampledFrom([]int{1, 3, 5, 200}).Draw(t, "batch"),
		inFlight: rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "inFlight"),
		arrivals: rapid.SliceOfN(rapid.SampledFrom([]int{0, 10, 30, 250, 2000}), 5, 5).Draw(t, "arrivals"),
		workers:  rapid.IntRange(1, 3).Draw(t, "workers"),
		failures: rapid.IntRange(1, 4).Draw(t, "failures"),
		expiries: rapid.SliceOfN(rapid.SampledFrom([]int{1, 30, 1000, 40_000}), 4, 4).Draw(t, "expiries"),
		outcomes: rapid.SliceOfN(rapid.IntRange(0, 12), 1, 100).Draw(t, "outcomes"),
		crashes:  rapid.SliceOfN(rapid.IntRange(0, 120), 0, 4).Draw(t, "crashes"),
		stops:    rapid.SliceOfN(rapid.IntRange(0, 400), 0, 2).Draw(t, "stops"),
		waits:    rapid.SliceOfN(rapid.IntRange(-40, 40), 0, 5).Filter(grantsSome).Draw(t, "waits"),
		saves:    rapid.SliceOfN(rapid.Bool(), 3, 3).Draw(t, "saves"),
		barred:   rapid.SliceOfN(rapid.SampledFrom([]bool{false, false, false, true}), 7, 7).Draw(t, "barred"),
		losses:   rapid.SliceOfN(rapid.Bool(), 6, 6).Draw(t, "losses"),
	}
}

// grantsSome tells whether there are tokens at all.
func grantsSome(waits []int) bool { return len(waits) == 0 || slices.Max(waits) >= 0 }

// outcome turns a number into a result and whether the recipient got the message. Most are successes.
func outcome(n int) (providers.Result, bool) {
	switch n {
	case 0:
		return providers.Result{Outcome: providers.Unavailable, Code: providers.CodeUnavailable}, false
	case 1:
		return providers.Result{Code: providers.CodeAmbiguous}, true
	case 2:
		return providers.Result{Code: providers.CodeAmbiguous}, false
	case 3:
		return providers.Result{Outcome: providers.Rejected, Code: providers.InvalidSender}, false
	case 4:
		return providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, RetryAfter: time.Second}, false
	case 5:
		return providers.Result{Outcome: providers.InsufficientFunds, Code: providers.CodeInsufficientFunds}, false
	case 6:
		return providers.Result{Outcome: providers.ClosedDestination, Code: providers.CodeClosedDestination}, false
	case 7:
		return providers.Result{Outcome: providers.Stalled, Code: providers.CodeAmbiguous}, true
	}
	if n == 8 {
		return providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, RetryAfter: time.Minute}, false
	}
	return providers.Result{Outcome: providers.Submitted}, true
}

const lawJobs = 40

// live runs the plan and returns the world it left behind.
func live(t *testing.T, p plan) *world {
	w := newWorld()
	w.policy.Failures = p.failures
	w.waits = p.waits
	var drawn atomic.Int64
	for _, name := range []string{"a", "b"}[:p.accounts] {
		w.accounts[name] = &fakeProvider{dedupes: p.dedupes, delay: 20 * time.Millisecond,
			answer: func(providers.Message) (providers.Result, bool) {
				if i := int(drawn.Add(1)) - 1; i < len(p.outcomes) {
					return outcome(p.outcomes[i])
				}
				return providers.Result{Outcome: providers.Submitted}, true
			}}
	}
	cfg := testConfig(w, []string{"a", "b"}[:p.accounts]...)
	cfg.Routes[0].OnUnknown = p.policy
	for i := range cfg.Accounts {
		cfg.Accounts[i].Batch, cfg.Accounts[i].InFlight = p.batch, p.inFlight
	}
	if len(p.waits) > 0 {
		for i := range cfg.Accounts {
			cfg.Accounts[i].Rate, cfg.Accounts[i].Burst = 1000, 200
		}
	}
	var questions atomic.Int64
	for i := range cfg.Accounts {
		cfg.Accounts[i].SenderFault = func(context.Context, string) string {
			if p.barred[int(questions.Add(1))%len(p.barred)] {
				return "it isn't in the list"
			}
			return ""
		}
	}
	for i := range lawJobs {
		body := sms(fmt.Sprint("j", i))
		if i%3 == 0 {
			at := time.Now().Add(time.Duration(p.expiries[i/3%len(p.expiries)]) * time.Millisecond)
			body = strings.Replace(body, "{", fmt.Sprintf(`{"expires_at":%q,`, at.UTC().Format(time.RFC3339Nano)), 1)
		}
		time.AfterFunc(time.Duration(i%2*p.arrivals[i/2%len(p.arrivals)])*time.Millisecond, func() {
			w.publish(job.Lanes()[i/3%3], "otp", "shop", body)
		})
	}
	synctest.Wait()
	w.publish(job.Bulk, "otp", "shop", sms("j0")) // a second publication of a spent id
	losses := p.losses
	ended := func() {
		if losses[0] {
			w.lose()
		}
		losses = losses[1:]
	}
	for _, steps := range p.crashes {
		var left atomic.Int64
		left.Store(int64(steps))
		down := func() bool { return left.Add(-1) < 0 }
		one := cfg
		one.Drain = time.Millisecond
		one.Accounts = append([]Account(nil), cfg.Accounts...)
		for i := range one.Accounts {
			one.Accounts[i].Provider = fallible{w.accounts[one.Accounts[i].Name], down}
		}
		stop := start(t, one, worker{w, down})
		time.Sleep(200 * time.Millisecond)
		_ = stop() // it has crashed, or is cut off by its budget
		ended()
	}
	several := func() (stop, spend func()) {
		var stops []func() error
		var all []*Pipeline
		for i := range p.workers {
			one, stop := launch(t, cfg, worker{world: w}.ports())
			all, stops = append(all, one), append(stops, stop)
			if p.saves[i] {
				one.SaveFunds("a", "little is left")
			}
		}
		spend = func() {
			for _, one := range all {
				one.SaveFunds("a", "")
			}
		}
		stop = func() {
			for _, stop := range stops {
				require.NoError(t, stop())
			}
		}
		return stop, spend
	}
	for _, ms := range p.stops {
		stop, _ := several()
		time.Sleep(time.Duration(ms) * time.Millisecond)
		stop()
		ended()
	}
	stop, spend := several()
	time.Sleep(time.Minute)
	spend()
	for end := time.Now().Add(6 * time.Hour); w.left() > 0 && time.Now().Before(end); {
		time.Sleep(time.Minute)
	}
	stop()
	return w
}

// breach checks the laws on what is left; empty: none is broken.
func breach(w *world, p plan) string {
	if n := w.left(); n > 0 {
		return fmt.Sprintf("%d messages are still stored", n)
	}
	copies, burns := map[[32]byte]int{}, map[[32]byte]int{}
	for _, a := range w.accounts {
		for k, n := range a.copies {
			copies[k] += n
		}
		for k, n := range a.burns {
			burns[k] += n
		}
		if a.late > 0 {
			return fmt.Sprintf("%d messages were sent after expires_at", a.late)
		}
	}
	for i := range lawJobs {
		id := fmt.Sprint("j", i)
		j, err := job.Decode([]byte(sms(id)), "RU")
		if err != nil {
			return err.Error()
		}
		got := copies[j.Key("shop")]
		var last Event
		next, ends := 1, 0
		refused := false
		for _, e := range w.events {
			refused = refused || e.Job == id && e.Sequence == 0 && e.State == job.Rejected
			if e.Job != id || e.Sequence == 0 {
				continue
			}
			if e.Sequence != next {
				return fmt.Sprintf("%s: event %d where %d was due", id, e.Sequence, next)
			}
			next++
			if e.State == job.Submitted || e.Final {
				ends++
			}
			if most := 1 + burns[j.Key("shop")] + w.deaths[id]; e.Attempt > most {
				return fmt.Sprintf("%s: attempt %d of at most %d: something else than a failure was counted", id, e.Attempt, most)
			}
			last = e
		}
		risky := p.policy == Resend
		switch {
		case refused && next == 1 && got == 0: // its id is free
		case ends != 1:
			return fmt.Sprintf("%s: %d endings", id, ends)
		case got > 1 && !risky:
			return fmt.Sprintf("%s: %d copies", id, got)
		case got == 0 && last.State == job.Submitted:
			return fmt.Sprintf("%s: submitted, but nobody got it", id)
		case got > 0 && !risky && last.State != job.Submitted && last.State != job.Unknown && !p.dedupes:
			return fmt.Sprintf("%s: %s, but somebody got it", id, last.State)
		case (last.State == job.Failed || last.State == job.Unknown) && !w.buried(id),
			// Where the records are lost between a dead letter and its event, the job may end otherwise; its replay then does nothing.
			w.buried(id) && last.State != job.Failed && last.State != job.Unknown && !slices.Contains(p.losses, true):
			return fmt.Sprintf("%s: %s, dead letter %v", id, last.State, w.buried(id))
		}
	}
	return ""
}

func (w *world) buried(id string) bool {
	for _, d := range w.dead {
		if d.JobID == id {
			return true
		}
	}
	return false
}

// Nothing is lost, and nothing that was seen as accepted is sent twice, whatever outcomes, crashes and stops befall the workers.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var broken string
		synctest.Test(t, func(t *testing.T) { broken = breach(live(t, p), p) })
		if broken != "" {
			rt.Fatalf("%s", broken)
		}
	})
}
