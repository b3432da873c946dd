package dispatch

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

func TestOutlasts(t *testing.T) {
	for name, c := range map[string]struct {
		own, urgent int
		rate        float64
		burst       int
		left        time.Duration
		want        bool
	}{
		"nothing before it":                      {0, 0, 1, 1, time.Millisecond, false},
		"nothing of its lane before it":          {0, 100_000, 1, 1, time.Second, false}, // the next of its share may be it
		"just in time":                           {110, 0, 10, 10, 10 * time.Second, false},
		"just too late":                          {111, 0, 10, 10, 10 * time.Second, true},
		"all in one burst":                       {100, 0, 1, 100, time.Millisecond, false},
		"more urgent ones count":                 {100, 1000, 10, 1, 60 * time.Second, true},
		"but for the share they leave":           {10, 100_000, 10, 1, 18 * time.Second, false},
		"and that of many is used up":            {20, 100_000, 10, 1, 18 * time.Second, true},
		"fractions of a message a second":        {2, 0, 0.1, 1, 9 * time.Second, true},
		"fractions of a message a second, later": {2, 0, 0.1, 1, 11 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, outlasts(c.own, c.urgent, c.rate, c.burst, c.left)) })
	}
}

// until is a job that expires after d.
func until(id string, d time.Duration) string {
	return strings.Replace(sms(id), "{", fmt.Sprintf(`{"expires_at":%q,`, time.Now().Add(d).UTC().Format(time.RFC3339Nano)), 1)
}

// paced is a limiter that grants one token a second, ahead of all asking.
type paced struct {
	worker
	next *atomic.Int64 // when the next is good, in ns since the start
	from time.Time
}

func (p paced) Reserve(_ context.Context, _ string, n int, maxWait time.Duration, turn Turn) (Tokens, error) {
	good := max(p.next.Load(), int64(time.Since(p.from)))
	if wait := time.Duration(good) - time.Since(p.from); wait > maxWait {
		return Tokens{Wait: wait - maxWait, Turn: wait - maxWait}, nil
	}
	p.next.Store(good + int64(n)*int64(time.Second))
	return Tokens{OK: true, Wait: time.Duration(good) - time.Since(p.from)}, nil
}

// A job that can't be sent in time by the rate of its account and what goes before it expires at once, and says why. The others aren't late.
func TestExpiredEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a")
		cfg.Accounts[0].Batch, cfg.Accounts[0].Rate, cfg.Accounts[0].Burst = 10, 1, 10
		for i := range 300 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		pace := paced{worker{world: w}, &atomic.Int64{}, time.Now()}
		stop := startWith(t, cfg, Ports{Sources: pace.sources, Claims: pace, Limiter: pace, Health: pace, Outlet: pace})
		time.Sleep(time.Second)
		w.publish(job.Urgent, "otp", "shop", until("urgent", time.Minute))
		time.Sleep(time.Second)
		for i := range 15 {
			w.publish(job.Bulk, "otp", "shop", sms(fmt.Sprint("b", i)))
		}
		time.Sleep(time.Second)
		published := time.Now()
		w.publish(job.Bulk, "otp", "shop", until("late", time.Minute))
		time.Sleep(2 * time.Second)
		e := w.last("late")
		require.Equal(t, job.Expired, e.State)
		require.True(t, e.Final)
		require.Less(t, e.At.Sub(published), time.Second)
		require.Equal(t, job.CodeExpired, e.Error.Code)
		require.Contains(t, e.Error.Message, "expires_at can't be met")
		require.Contains(t, e.Error.Message, "1 a second")
		time.Sleep(10 * time.Minute)
		require.NoError(t, stop())
		require.Zero(t, w.left())
		require.Zero(t, w.accounts["a"].late)
		require.Equal(t, job.Submitted, w.last("urgent").State)
		for i := range 300 {
			require.Equal(t, job.Submitted, w.last(fmt.Sprint("j", i)).State)
		}
	})
}

// A job whose next attempt would come too late expires at once, unless it may have been sent: then nobody knows.
func TestRetryThatComesTooLate(t *testing.T) {
	for name, c := range map[string]struct {
		result providers.Result
		policy OnUnknown
		state  job.State
		code   job.Code
	}{
		"unavailable": {refused, "", job.Expired, job.CodeExpired},
		"throttled":   {slow, "", job.Expired, job.CodeExpired},
		"ambiguous":   {silence, Resend, job.Unknown, job.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				r := c.result
				r.RetryAfter = time.Minute
				newMoody(w, "a", r)
				cfg := testConfig(w, "a")
				cfg.Routes[0].OnUnknown = c.policy
				stop := start(t, cfg, worker{world: w})
				begun := time.Now()
				w.publish(job.Normal, "otp", "shop", until("j", 30*time.Second))
				w.publish(job.Normal, "otp", "shop", until("k", time.Hour))
				time.Sleep(10 * time.Second)
				require.Equal(t, []job.State{c.state}, w.states("j"))
				e := w.last("j")
				require.Less(t, e.At.Sub(begun), time.Second)
				require.Equal(t, c.code, e.Error.Code)
				require.Contains(t, e.Error.Message, r.Message)
				require.Equal(t, []job.State{job.Retrying}, w.states("k"))
				require.False(t, w.last("k").RetryAt.Before(begun.Add(time.Minute).Truncate(time.Millisecond)))
				require.NoError(t, stop())
			})
		})
	}
}

// What is between a job's admission and its request may take long: it is looked at again right before it.
func TestExpiresJustBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a")
		cfg.Accounts[0].Bounded = true
		late := lateSlots{worker{world: w}, time.Now().Add(time.Minute)}
		stop := startWith(t, cfg, Ports{Sources: late.sources, Claims: late, Limiter: late, Health: late, Outlet: late})
		w.publish(job.Normal, "otp", "shop", until("j", 30*time.Second))
		w.publish(job.Normal, "otp", "shop", until("k", time.Hour))
		time.Sleep(2 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []job.State{job.Expired}, w.states("j"))
		require.Equal(t, []job.State{job.Submitted}, w.states("k"))
		require.Zero(t, w.accounts["a"].late)
	})
}

// lateSlots has no request slot until some time.
type lateSlots struct {
	worker
	at time.Time
}

func (l lateSlots) Enter(context.Context, string) (func(), bool, error) {
	return func() {}, !time.Now().Before(l.at), nil
}

// What can be met by a limit that was raised since doesn't expire early.
func TestExpiryByTheLimitInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a")
		cfg.Accounts[0].Batch, cfg.Accounts[0].Rate, cfg.Accounts[0].Burst = 10, 1, 10
		cfg.Accounts[0].Limit = func() (float64, int) { return 1000, 10 }
		for i := range 300 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		pace := paced{worker{world: w}, &atomic.Int64{}, time.Now()}
		stop := startWith(t, cfg, Ports{Sources: pace.sources, Claims: pace, Limiter: pace, Health: pace, Outlet: pace})
		time.Sleep(time.Second)
		for i := range 15 {
			w.publish(job.Bulk, "otp", "shop", sms(fmt.Sprint("b", i)))
		}
		time.Sleep(time.Second)
		w.publish(job.Bulk, "otp", "shop", until("late", time.Minute)) // by a rate of 1 it would expire at once
		time.Sleep(10 * time.Second)
		require.Empty(t, w.states("late"))
		time.Sleep(10 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, "expires_at passed before it was sent", w.last("late").Error.Message)
	})
}
