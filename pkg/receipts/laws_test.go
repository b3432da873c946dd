package receipts_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/claim"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
	"github.com/gonets/gonets/pkg/receipts/index"
)

// drawer is a test, of rapid where something is to be drawn.
type drawer interface {
	require.TestingT
	Helper()
}

// law is a run of workers, of which any may die at any call, over one account.
type law struct {
	t       drawer
	client  *redis.Client
	prefix  string
	streams *streams
	claims  *claim.Store
	sent    []dispatch.Event // the jobs' events of submission, also those that aren't published yet
	out     int              // how many are published and tracked
	told    map[string]int   // of each job the best rank of a receipt that was stored
}

func newLaw(t drawer, client *redis.Client) *law {
	l := &law{t: t, client: client, prefix: rand.Text()[:8], streams: newStreams(), told: map[string]int{}}
	var err error
	l.claims, err = claim.New(client, claim.Config{Prefix: l.prefix, Worker: "w", Lease: time.Hour, Window: 72 * time.Hour})
	require.NoError(t, err)
	_, err = l.claims.Ensure(context.Background())
	require.NoError(t, err)
	require.NoError(t, l.claims.Rearm(context.Background(), nil))
	return l
}

func testAccount() receipts.Account {
	return receipts.Account{Name: "main", ClientID: providers.Base32ID, Timeout: time.Second, Every: time.Second, Idle: time.Second, AskAfter: time.Hour, GiveUp: 72 * time.Hour}
}

// worker is a worker that lives as long as c lets it.
func (l *law) worker(c *crash) *receipts.Service {
	x := index.New(l.client, l.prefix, "w")
	m := mortal{Index: x, Store: l.streams, Records: l.claims, streams: l.streams, crash: c}
	return receipts.New(receipts.Config{Accounts: []receipts.Account{testAccount()}}, receipts.Ports{
		Index: mortalIndex{m}, Leases: x, History: l.streams, Store: mortalStore{m}, Records: mortalOthers{m}, Publisher: mortalOthers{m},
	}, zap.NewNop())
}

// crash draws when a worker dies. Its context is over then, so that it repeats nothing.
func (l *law) crash() *crash {
	return &crash{at: rapid.IntRange(0, 9).Draw(l.t.(*rapid.T), "dies at"), after: rapid.Bool().Draw(l.t.(*rapid.T), "after the call")}
}

func (l *law) submit(n int) dispatch.Event {
	e := dispatch.Event{Hash: "h", Publication: fmt.Sprint("J:", n), Event: job.Event{Job: fmt.Sprint("j", n), Tenant: "shop", Route: "otp", Lane: job.Normal, Channel: job.SMS,
		State: job.Submitted, Sequence: 1, At: time.Now().UTC().Truncate(time.Millisecond), Attempt: 1, Account: "main", Provider: "prostor", ProviderID: fmt.Sprint("P", n)}}
	if n%3 == 2 { // it may have been sent, and we have no id of it
		e.State, e.Final, e.ProviderID, e.Error = job.Unknown, true, "", &job.Reason{Code: job.Ambiguous}
	}
	claims, err := l.claims.Claim(context.Background(), []dispatch.ClaimRequest{{Tenant: "shop", ID: e.Job, Hash: e.Hash, Publication: e.Publication, Account: "main", Keep: time.Hour}})
	require.NoError(l.t, err)
	phase := dispatch.Concluded
	if e.State == job.Unknown {
		phase = dispatch.Dead
	}
	last := e.Event
	held, err := l.claims.Record(context.Background(), []dispatch.Update{{Tenant: "shop", ID: e.Job, Token: claims[0].Token, Keep: time.Hour,
		Record: dispatch.Record{Phase: phase, Attempts: 1, Sequence: 1, Hash: e.Hash, Publication: e.Publication, Account: "main", Last: &last}}})
	require.NoError(l.t, err)
	require.True(l.t, held[0])
	return e
}

// row is a receipt of the n-th job, as its provider would tell it: before or after the job's own event.
func (l *law) row(n int) receipts.Receipt {
	state := rapid.SampledFrom([]providers.ReceiptState{providers.Delivered, providers.Undelivered, providers.Untold}).Draw(l.t.(*rapid.T), "state")
	r := receipts.Receipt{ID: fmt.Sprint("P", n), State: state, Status: state.String(), Came: time.Now().UTC()}
	if n%3 == 2 || rapid.Bool().Draw(l.t.(*rapid.T), "with our id") {
		r.ClientID = providers.Base32ID(job.KeyOf("shop", fmt.Sprint("j", n), "h"))
	}
	return r
}

// Whatever the order in which jobs are submitted and receipts come, however often, and whenever workers die or Redis forgets the index: each job ends as
// the best of its receipts says, tells of each step once, in order and without a gap, and nothing is left over.
func TestNoReceiptIsLostAndNoEventComesTwice(t *testing.T) {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { _ = client.Close() }) // a test's connection
	rapid.Check(t, func(t *rapid.T) {
		l := newLaw(t, client)
		jobs := rapid.IntRange(1, 6).Draw(t, "jobs")
		for n := range jobs {
			l.sent = append(l.sent, l.submit(n))
		}
		t.Repeat(map[string]func(*rapid.T){
			"submit": func(t *rapid.T) {
				if l.out == jobs {
					t.Skip("all are submitted")
				}
				l.t = t
				l.submitted(l.crash())
			},
			"index": func(t *rapid.T) {
				l.t = t
				_ = l.index(l.crash()) // it may die
			},
			"receipts": func(t *rapid.T) {
				l.t = t
				var rows []receipts.Receipt
				for range rapid.IntRange(1, 4).Draw(t, "rows") {
					n := rapid.IntRange(0, jobs-1).Draw(t, "job")
					r := l.row(n)
					rows = append(rows, r)
					l.told[l.sent[n].Job] = max(l.told[l.sent[n].Job], r.Rank())
				}
				c := &crash{}
				require.NoError(t, l.worker(c).Keep(c.life(t.Context()), "main", rows))
				c.end()
			},
			"match": func(t *rapid.T) {
				l.t = t
				l.match(l.crash())
			},
			"Redis forgets the index": func(t *rapid.T) {
				for _, key := range client.Keys(t.Context(), l.prefix+":receipts:*").Val() {
					require.NoError(t, client.Del(t.Context(), key).Err())
				}
			},
			"": func(t *rapid.T) { l.check(t) },
		})
		l.t = t
		for l.out < jobs {
			l.submitted(&crash{})
		}
		for range 5 { // a receipt that was parked takes a second round
			require.NoError(t, l.index(&crash{}))
			for len(l.streams.letters) > 0 {
				l.match(&crash{})
			}
		}
		l.check(t)
		l.ended(t)
	})
}

// submitted publishes a job's event and tracks it, as often as it takes: a worker that dies in between leaves the job to another.
func (l *law) submitted(c *crash) {
	require.NoError(l.t, l.streams.publish(l.sent[l.out:l.out+1]))
	ctx := c.life(context.Background())
	defer c.end()
	if l.worker(c).Track(ctx, l.sent[l.out:l.out+1]) == nil {
		l.out++
	}
}

// index has the index made where it was lost.
func (l *law) index(c *crash) error {
	ctx := c.life(context.Background())
	defer c.end()
	return l.worker(c).MakeLost(ctx)
}

// match settles some of the letters.
func (l *law) match(c *crash) {
	if len(l.streams.letters) == 0 {
		return
	}
	which := rapid.SliceOfN(rapid.IntRange(0, len(l.streams.letters)-1), 1, 5).Draw(l.t.(*rapid.T), "letters")
	ctx := c.life(context.Background())
	defer c.end()
	letters, over := l.streams.take(which, c)
	l.worker(c).Settle(ctx, letters)
	over()
}

// check holds at any time.
func (l *law) check(t *rapid.T) {
	require.Empty(t, l.streams.clashes)
	sequence := map[string]int{}
	state := map[string]job.State{}
	for _, e := range l.streams.events {
		require.Equal(t, sequence[e.Job]+1, e.Sequence, e.Job)
		if e.Sequence > 1 {
			require.True(t, receipts.Forward(state[e.Job], e.State), "%s: %s after %s", e.Job, e.State, state[e.Job])
			require.True(t, e.Final)
		}
		sequence[e.Job], state[e.Job] = e.Sequence, e.State
	}
}

// ended holds once all is settled.
func (l *law) ended(t *rapid.T) {
	last := map[string]job.State{}
	for _, e := range l.streams.events {
		last[e.Job] = e.State
	}
	for _, e := range l.sent {
		want := map[int]job.State{0: e.State, 1: job.Unknown, 2: job.Undelivered, 3: job.Delivered}[l.told[e.Job]]
		require.Equal(t, want, last[e.Job], e.Job)
	}
}
