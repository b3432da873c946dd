package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// shaky is what a worker has in Redis, where calls fail or take long, by chance or for as long as it is down.
type shaky struct {
	worker
	away    *atomic.Bool  // nothing answers
	fails   int           // of 100 calls
	least   time.Duration // that a call takes
	delay   time.Duration // the same, at most
	granted *atomic.Int64 // tokens
}

var errNoAnswer = errors.New("i/o timeout")

// fate waits, and tells whether the call fails before anything came of it.
func (s shaky) fate(ctx context.Context) error {
	d := 2 * time.Second // a read timeout
	if !s.away.Load() {
		d = s.least + time.Duration(rand.Int64N(int64(s.delay-s.least)+1))
	}
	if err := sleep(ctx, d); err != nil {
		return err
	}
	if s.away.Load() || rand.IntN(100) < s.fails {
		return errNoAnswer
	}
	return nil
}

func (s shaky) Claim(ctx context.Context, reqs []ClaimRequest) ([]Claim, error) {
	if err := s.fate(ctx); err != nil {
		return nil, err
	}
	return s.worker.Claim(ctx, reqs)
}

func (s shaky) Record(ctx context.Context, updates []Update) ([]bool, error) {
	if err := s.fate(ctx); err != nil {
		return nil, err
	}
	return s.worker.Record(ctx, updates)
}

func (s shaky) Confirm(ctx context.Context, updates []Update) error {
	if err := s.fate(ctx); err != nil {
		return err
	}
	return s.worker.Confirm(ctx, updates)
}

func (s shaky) Reserve(ctx context.Context, account string, n int, maxWait time.Duration, turn Turn) (Tokens, error) {
	if err := s.fate(ctx); err != nil {
		return Tokens{}, err
	}
	s.granted.Add(int64(n))
	return Tokens{OK: true}, nil
}

func (s shaky) Refund(ctx context.Context, _ string, n int) error {
	s.granted.Add(-int64(n)) // lost or not, they are not to be used
	return s.fate(ctx)
}

func (s shaky) Enter(ctx context.Context, account string) (func(), bool, error) {
	if err := s.fate(ctx); err != nil {
		return nil, false, err
	}
	return func() {}, true, nil
}

func (s shaky) States(ctx context.Context, accounts []string) ([]AccountState, error) {
	if err := s.fate(ctx); err != nil {
		return nil, err
	}
	return s.worker.States(ctx, accounts)
}

func (s shaky) Report(ctx context.Context, account string, r AccountReport) (AccountState, error) {
	if err := s.fate(ctx); err != nil {
		return AccountState{}, err
	}
	return s.worker.Report(ctx, account, r)
}

func (s shaky) Probe(ctx context.Context, account string, hold time.Duration) (AccountState, string, error) {
	if err := s.fate(ctx); err != nil {
		return AccountState{}, "", err
	}
	return s.worker.Probe(ctx, account, hold)
}

// watched is a provider that sees to it that all it gets is claimed, and has its tokens.
type watched struct {
	*fakeProvider
	w       *world
	granted *atomic.Int64
	ids     map[[32]byte]string // by key
	wrong   atomic.Pointer[string]
}

func (p *watched) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	p.w.mu.Lock()
	for _, m := range msgs {
		e := p.w.records["shop:"+p.ids[m.Key]]
		if e == nil || e.Phase != Sending || e.token == "" || !time.Now().Before(e.lease) {
			wrong := "sent without a claim: " + p.ids[m.Key]
			p.wrong.Store(&wrong)
		}
	}
	p.w.mu.Unlock()
	if p.granted.Add(-int64(len(msgs))) < 0 {
		wrong := "sent without tokens"
		p.wrong.Store(&wrong)
	}
	return p.fakeProvider.Send(ctx, msgs)
}

// With a Redis that is slow, or fails, or isn't there, nothing is sent without a claim and tokens, no more jobs are in hand than ever, and all are sent when it
// is back: once each, in their first attempt.
func TestShakyRedis(t *testing.T) {
	const jobs = 2000
	for _, c := range []struct {
		name  string
		fails int
		least time.Duration
		delay time.Duration
		outs  []time.Duration // when it goes, and comes back, in turn
	}{
		{"far away", 0, 400 * time.Millisecond, 500 * time.Millisecond, nil},
		{"slow", 0, 0, 3 * time.Second, nil},
		{"failing", 40, 0, 20 * time.Millisecond, nil},
		{"away", 0, 0, time.Millisecond, []time.Duration{50 * time.Millisecond, 10 * time.Minute}},
		{"flapping", 10, 0, 100 * time.Millisecond, []time.Duration{100 * time.Millisecond, 3 * time.Second, 200 * time.Millisecond, 5 * time.Second, 300 * time.Millisecond, 40 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.accounts["a"] = &fakeProvider{delay: 20 * time.Millisecond}
				cfg := testConfig(w, "a")
				s := shaky{worker{world: w}, &atomic.Bool{}, c.fails, c.least, c.delay, &atomic.Int64{}}
				p := &watched{fakeProvider: w.accounts["a"], w: w, granted: s.granted, ids: map[[32]byte]string{}}
				cfg.Accounts[0].Provider, cfg.Accounts[0].Rate, cfg.Accounts[0].Burst, cfg.Accounts[0].Bounded = p, 1e6, 1000, true
				for i := range jobs {
					id := fmt.Sprint("j", i)
					j, err := job.Decode([]byte(sms(id)), "RU")
					require.NoError(t, err)
					p.ids[j.Key("shop")] = id
					w.publish(job.Normal, "otp", "shop", sms(id))
				}
				begun := time.Now()
				stop := startWith(t, cfg, Ports{Sources: s.sources, Claims: s, Limiter: s, Health: s, Outlet: s})
				for _, d := range c.outs {
					time.Sleep(d)
					if s.away.Swap(!s.away.Load()) {
						require.LessOrEqual(t, w.inHand(), (4+2+2+1)*200+1, "slots, settling, lane, shelf and door")
					}
				}
				for end := time.Now().Add(6 * time.Hour); w.left() > 0 && time.Now().Before(end); {
					time.Sleep(time.Second)
				}
				t.Logf("%d jobs in %s", jobs, time.Since(begun))
				require.NoError(t, stop())
				require.Nil(t, p.wrong.Load())
				require.Zero(t, w.left())
				for i := range jobs {
					id := fmt.Sprint("j", i)
					require.Equal(t, []job.State{job.Submitted}, w.states(id))
					require.Equal(t, 1, w.last(id).Attempt)
				}
				for _, n := range w.accounts["a"].copies {
					require.Equal(t, 1, n)
				}
			})
		})
	}
}

// inHand is how many messages were handed to a worker and not answered for.
func (w *world) inHand() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if !m.gone && m.notBefore.After(time.Now().Add(testAckWait/4)) {
			n++
		}
	}
	return n
}

// sluggish answers the first claim when most of its lease may be over.
type sluggish struct {
	worker
	calls *atomic.Int64
}

func (s sluggish) Claim(ctx context.Context, reqs []ClaimRequest) ([]Claim, error) {
	if s.calls.Add(1) == 1 {
		time.Sleep(testLease)
	}
	return s.worker.Claim(ctx, reqs)
}

// A packet whose claims took so long that its request would have no time before the lease ends isn't sent, limited or not; its jobs go in the next one.
func TestNoTimeLeftForTheRequest(t *testing.T) {
	for _, rate := range []float64{0, 1000} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.accounts["a"] = &fakeProvider{delay: 20 * time.Millisecond}
			cfg := testConfig(w, "a")
			cfg.Accounts[0].Rate, cfg.Accounts[0].Burst = rate, 1000
			s := sluggish{worker{world: w}, &atomic.Int64{}}
			w.publish(job.Normal, "otp", "shop", sms("j"))
			stop := startWith(t, cfg, Ports{Sources: s.sources, Claims: s, Limiter: s, Health: s, Outlet: s})
			time.Sleep(2 * time.Minute)
			require.NoError(t, stop())
			require.Equal(t, []job.State{job.Submitted}, w.states("j"))
			require.Equal(t, 1, w.last("j").Attempt)
			require.Len(t, w.accounts["a"].packets, 1)
			require.Zero(t, w.left())
		})
	}
}
