package dispatch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// asked is one call of a limiter.
type asked struct {
	at   time.Duration // since the start
	n    int           // tokens; less than 0: refunded
	turn Turn
}

// scripted is a limiter that notes what it is asked, and answers all alike.
type scripted struct {
	worker
	from   time.Time
	answer Tokens
	calls  *[]asked
}

func (s scripted) Reserve(_ context.Context, _ string, n int, _ time.Duration, turn Turn) (Tokens, error) {
	s.note(n, turn)
	t := s.answer
	if turn != Again {
		t.Turn = 0
	}
	return t, nil
}

func (s scripted) Refund(_ context.Context, _ string, n int) error {
	s.note(-n, NoTurn)
	return nil
}

func (s scripted) note(n int, turn Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.calls = append(*s.calls, asked{time.Since(s.from), n, turn})
}

// limitedBy runs a worker with packets of 10 under a limiter with the answer; claims take a time.
func limitedBy(t *testing.T, w *world, answer Tokens, claims time.Duration) (calls *[]asked, stop func() error) {
	cfg := testConfig(w, "a")
	cfg.Accounts[0].Rate, cfg.Accounts[0].Burst, cfg.Accounts[0].Batch = 1000, 10, 10
	slow := &slowClaims{Claims: worker{world: w}}
	slow.delay.Store(int64(claims))
	s := scripted{worker{world: w}, time.Now(), answer, &[]asked{}}
	ports := worker{world: w}.ports()
	ports.Claims, ports.Limiter = slow, s
	return s.calls, startWith(t, cfg, ports)
}

// While a worker has a backlog it asks once for each packet, at its turn. Urgent jobs ask at once, and the turn stays.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range 25 {
			w.publish(job.Normal, "otp", "shop", sms(fmt.Sprint("j", i)))
		}
		calls, stop := limitedBy(t, w, Tokens{OK: true, Turn: 100 * time.Millisecond}, 0)
		time.Sleep(130 * time.Millisecond)
		w.publish(job.Urgent, "otp", "shop", sms("urgent"))
		time.Sleep(time.Second)
		w.publish(job.Normal, "otp", "shop", sms("late"))
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, []asked{
			{0, 10, Again}, {100 * time.Millisecond, 10, Again}, {130 * time.Millisecond, 1, NoTurn}, {200 * time.Millisecond, 5, Later},
			{1130 * time.Millisecond, 1, Later},
		}, *calls)
	})
}

// Jobs are claimed while their tokens become good, and sent right then. Tokens that became old over the claims are changed for others; a worker that is told
// to stop meanwhile sends what it claimed.
func TestClaimsWhileTokensBecomeGood(t *testing.T) {
	for name, c := range map[string]struct {
		lane   job.Lane
		claims time.Duration
		lasts  time.Duration // until the worker is told to stop
		sent   time.Duration
		calls  []asked
	}{
		"in time":                {job.Normal, 3 * time.Millisecond, time.Second, 8 * time.Millisecond, []asked{{0, 1, Later}}},
		"stopped while claiming": {job.Normal, 3 * time.Millisecond, time.Millisecond, 8 * time.Millisecond, []asked{{0, 1, Later}}},
		"stopped while waiting":  {job.Normal, 3 * time.Millisecond, 5 * time.Millisecond, 8 * time.Millisecond, []asked{{0, 1, Later}}},
		"a few urgent ones":      {job.Urgent, 30 * time.Millisecond, time.Second, 30 * time.Millisecond, []asked{{0, 1, NoTurn}}},
		"a bit late":             {job.Normal, 15 * time.Millisecond, time.Second, 15 * time.Millisecond, []asked{{0, 1, Later}}},
		"too late": {job.Normal, 30 * time.Millisecond, time.Second, 38 * time.Millisecond,
			[]asked{{0, 1, Later}, {30 * time.Millisecond, -1, NoTurn}, {30 * time.Millisecond, 1, NoTurn}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				begun := time.Now()
				w.publish(c.lane, "otp", "shop", sms("j"))
				calls, stop := limitedBy(t, w, Tokens{OK: true, Wait: 8 * time.Millisecond}, c.claims)
				time.Sleep(c.lasts)
				require.NoError(t, stop())
				require.Equal(t, c.calls, *calls)
				require.Equal(t, job.Submitted, w.last("j").State)
				require.Equal(t, c.sent, w.at("j").Sub(begun))
			})
		})
	}
}
