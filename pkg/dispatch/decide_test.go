package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// Every outcome, under every circumstance that matters to it.
func TestDecide(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	next := &account{}
	base := facts{now: now, attempt: 1, retry: Retry{Attempts: 3, Initial: time.Second, Max: time.Minute}, pause: 30 * time.Second}
	with := func(change func(*facts)) facts { f := base; change(&f); return f }
	last := func(f *facts) { f.attempt = 3 }
	other := func(f *facts) { f.next = next }
	resend := func(f *facts) { f.resend = true }
	soon := func(f *facts) { f.expires = now.Add(time.Hour) } // the moment of the next attempt at the earliest
	type want struct {
		answer answer
		phase  Phase
		state  job.State
		burn   bool
		final  bool
	}
	cases := []struct {
		name    string
		outcome providers.Outcome
		facts   facts
		want    want
	}{
		{"submitted", providers.Submitted, base, want{ack, Concluded, job.Submitted, true, false}},
		{"submitted, no receipts", providers.Submitted, with(func(f *facts) { f.terminal = true }), want{ack, Concluded, job.Submitted, true, true}},
		{"rejected", providers.Rejected, with(other), want{ack, Concluded, job.Rejected, true, true}},
		{"closed destination", providers.ClosedDestination, base, want{ack, Concluded, job.Rejected, true, true}},
		{"closed destination, another account", providers.ClosedDestination, with(other), want{keepOn, Claimed, "", false, false}},
		{"no funds", providers.InsufficientFunds, base, want{giveBack, Claimed, job.Waiting, false, false}},
		{"no funds, another account", providers.InsufficientFunds, with(other), want{keepOn, Claimed, "", false, false}},
		{"no funds, may have been sent before", providers.InsufficientFunds, with(func(f *facts) { f.before = true }), want{giveBack, Sending, job.Waiting, false, false}},
		{"unauthorized", providers.Unauthorized, base, want{giveBack, Claimed, job.Waiting, false, false}},
		{"misconfigured", providers.Misconfigured, base, want{giveBack, Claimed, job.Waiting, false, false}},
		{"throttled", providers.Throttled, with(last), want{ack, Waiting, job.Retrying, false, false}},
		{"unavailable", providers.Unavailable, base, want{ack, Waiting, job.Retrying, true, false}},
		{"unavailable, another account", providers.Unavailable, with(other), want{keepOn, Claimed, "", false, false}},
		{"unavailable to the end", providers.Unavailable, with(last), want{ack, Dead, job.Failed, true, true}},
		{"unavailable, may have been sent before", providers.Unavailable, with(func(f *facts) { f.before = true }), want{ack, Dead, job.Unknown, true, true}},
		{"ambiguous, hold", providers.Ambiguous, with(other), want{ack, Dead, job.Unknown, true, true}},
		{"ambiguous, resend", providers.Ambiguous, with(resend), want{ack, Waiting, job.Retrying, true, false}},
		{"ambiguous to the end", providers.Ambiguous, with(func(f *facts) { resend(f); last(f) }), want{ack, Dead, job.Unknown, true, true}},
		{"unavailable, a probe", providers.Unavailable, with(func(f *facts) { f.probe = true; last(f) }), want{giveBack, Claimed, job.Waiting, false, false}},
		{"unavailable, a probe, may have been sent before", providers.Unavailable, with(func(f *facts) { f.probe, f.before = true, true }), want{giveBack, Sending, job.Waiting, false, false}},
		{"unavailable, a probe, another account", providers.Unavailable, with(func(f *facts) { f.probe = true; other(f) }), want{keepOn, Claimed, "", false, false}},
		{"ambiguous, a probe", providers.Ambiguous, with(func(f *facts) { f.probe = true }), want{ack, Dead, job.Unknown, true, true}},
		{"unavailable, too late then", providers.Unavailable, with(soon), want{ack, Concluded, job.Expired, false, true}},
		{"unavailable to the end, too late then", providers.Unavailable, with(func(f *facts) { soon(f); last(f) }), want{ack, Dead, job.Failed, true, true}},
		{"throttled, too late then", providers.Throttled, with(soon), want{ack, Concluded, job.Expired, false, true}},
		{"throttled, too late then, may have been sent before", providers.Throttled, with(func(f *facts) { soon(f); f.before = true }), want{ack, Dead, job.Unknown, true, true}},
		{"ambiguous, resend, too late then", providers.Ambiguous, with(func(f *facts) { soon(f); resend(f) }), want{ack, Dead, job.Unknown, true, true}},
		{"stalled", providers.Stalled, with(resend), want{ack, Dead, job.Unknown, true, true}},
		{"no such outcome", providers.Outcome(99), with(resend), want{ack, Dead, job.Unknown, true, true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := decide(providers.Result{Outcome: c.outcome, RetryAfter: time.Hour}, c.facts)
			require.Equal(t, c.want, want{s.answer, s.phase, s.state, s.burn, s.final})
			if s.phase == Waiting {
				require.False(t, s.due.Before(now.Add(time.Hour)), "Retry-After is respected")
			}
		})
	}
}

func TestMayResend(t *testing.T) {
	require.True(t, mayResend("", true))
	require.False(t, mayResend("", false))
	require.True(t, mayResend(Resend, false))
	require.False(t, mayResend(Hold, true))
}

// The wait before an attempt is anything up to its bound, and never more than the maximum.
func TestBackoff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Retry{Initial: time.Duration(rapid.IntRange(2, 5000).Draw(t, "initial")) * time.Millisecond}
		r.Max = r.Initial * time.Duration(rapid.IntRange(1, 1000).Draw(t, "max"))
		attempt := rapid.IntRange(2, 40).Draw(t, "attempt")
		d := backoffBefore(attempt, r)
		bound := r.Max
		if n := attempt - 2; n < 20 {
			bound = min(r.Max, r.Initial<<n)
		}
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, bound+time.Millisecond)
	})
	var most time.Duration
	for range 2000 {
		most = max(most, backoffBefore(2, Retry{Initial: time.Second, Max: time.Minute}))
	}
	require.Greater(t, most, 900*time.Millisecond, "the jitter is full")
}
