package receipts_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/receipts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is what inlets stand between: a provider and a store, whose doings come out of channels.
type bench struct {
	receipts.Index
	mu      sync.Mutex
	queue   [][]providers.Receipt // what reads give; then nothing
	refusal *providers.Refusal    // what every question is answered with; nil: the receipts of those asked about
	panics  bool
	storing error // why nothing is stored
	waiting int
	newest  time.Time
	due     []receipts.Entry

	reads     chan struct{}
	asks      chan []providers.Sent
	stored    chan receipts.Letter
	refused   chan struct{} // a try to store that failed
	postponed chan []receipts.Entry
}

func newBench() *bench {
	return &bench{reads: make(chan struct{}, 1000), asks: make(chan []providers.Sent, 1000), stored: make(chan receipts.Letter, 1000),
		refused: make(chan struct{}, 1000), postponed: make(chan []receipts.Entry, 1000)}
}

func (b *bench) ReadReceipts(context.Context, int) ([]providers.Receipt, int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads <- struct{}{}
	if b.panics {
		b.panics = false
		panic("a fault of the client")
	}
	if len(b.queue) == 0 {
		return nil, 0, nil
	}
	rows := b.queue[0]
	b.queue = b.queue[1:]
	return rows, 0, nil
}

func (b *bench) AskReceipts(_ context.Context, sent []providers.Sent) ([]providers.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asks <- sent
	if b.refusal != nil {
		return nil, b.refusal
	}
	var out []providers.Receipt
	for i, s := range sent {
		out = append(out, providers.Receipt{ID: s.ID, State: []providers.ReceiptState{providers.Delivered, providers.Pending}[i%2]})
	}
	return out, nil
}

func (b *bench) HookReceipts(body []byte) ([]providers.Receipt, []byte, error) {
	if string(body) != "A" {
		return nil, nil, errors.New("not a post")
	}
	return []providers.Receipt{{ID: "A", State: providers.Delivered}}, []byte("echo"), nil
}

func (b *bench) Put(_ context.Context, letters []receipts.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.storing != nil {
		b.refused <- struct{}{}
		return b.storing
	}
	for _, l := range letters {
		b.stored <- l
	}
	return nil
}

func (b *bench) Look(context.Context, string) (int, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting, b.newest, nil
}

func (b *bench) Due(_ context.Context, _ string, _ time.Time, n int) ([]receipts.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := b.due[:min(n, len(b.due))]
	return append([]receipts.Entry(nil), due...), nil
}

func (b *bench) Postpone(_ context.Context, _ string, entries []receipts.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due = b.due[len(entries):]
	b.postponed <- entries
	return nil
}

func (b *bench) Hold(context.Context, string, time.Duration) (bool, error) { return true, nil }
func (b *bench) Release(context.Context, string) error                     { return nil }

type benchStore struct{ *bench }

func (benchStore) Park(context.Context, []receipts.Letter, time.Duration) error { return nil }
func (benchStore) Unpark(context.Context, string) error                         { return nil }
func (benchStore) Run(ctx context.Context, _ func(receipts.Delivery)) error     { <-ctx.Done(); return nil }

type benchIndex struct{ *bench }

func (b benchIndex) Put(context.Context, string, []receipts.Entry) ([]receipts.Receipt, error) {
	return nil, nil
}
func (benchIndex) Whole(context.Context, string) (bool, error) { return true, nil }

// silence is a history in which nothing happened.
type silence struct{}

func (silence) Read(context.Context, time.Time, []job.State, func([]dispatch.Event) error) error {
	return nil
}

// run makes a service of the bench work until stop is called. drain is how long it may take then.
func (b *bench) run(t *testing.T, drain time.Duration, change func(*receipts.Account)) (s *receipts.Service, stop func(), log *observer.ObservedLogs) {
	a := receipts.Account{Name: "main", MaxRead: 2, MaxAsk: 2, Timeout: 10 * time.Second, Every: time.Millisecond, Idle: 2 * time.Millisecond, AskAfter: time.Hour, GiveUp: 2 * time.Hour}
	change(&a)
	core, log := observer.New(zap.DebugLevel)
	s = receipts.New(receipts.Config{Accounts: []receipts.Account{a}, Drain: drain},
		receipts.Ports{Index: benchIndex{b}, Leases: b, History: silence{}, Store: benchStore{b}}, zap.New(core))
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); require.NoError(t, receive(t, over)) }) }
	t.Cleanup(stop)
	return s, stop, log
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func delivered(ids ...string) (rows []providers.Receipt) {
	for _, id := range ids {
		rows = append(rows, providers.Receipt{ID: id, State: providers.Delivered, Status: "delivered to +7 961 224 22 43"})
	}
	return rows
}

// What was read is stored, however long that takes, before anything more is read; also where the worker is told to stop meanwhile. No phone is in it.
func TestWhatWasReadIsStoredFirst(t *testing.T) {
	b := newBench()
	b.queue = [][]providers.Receipt{delivered("A", "B"), append(delivered("C"), providers.Receipt{ID: "D"})}
	b.storing = errors.New("no stream")
	_, stop, _ := b.run(t, time.Minute, func(a *receipts.Account) { a.Queue = b })
	for range 3 {
		receive(t, b.refused)
	}
	require.Len(t, b.reads, 1)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	receive(t, b.refused)
	b.mu.Lock()
	b.storing = nil
	b.mu.Unlock()
	l := receive(t, b.stored)
	require.Equal(t, "main", l.Account)
	require.Contains(t, string(l.Data), `"id":"A"`)
	require.Contains(t, string(l.Data), `"id":"B"`)
	require.NotContains(t, string(l.Data), "961 2")
	require.Contains(t, string(l.Data), `"delivered to ***"`)
	receive(t, stopped)
	require.Len(t, b.reads, 1, "nothing was read after the stop")
}

// Where the drain budget ends first, it is said how many are lost.
func TestWhatCannotBeStoredIsTold(t *testing.T) {
	b := newBench()
	b.queue = [][]providers.Receipt{delivered("A", "B")}
	b.storing = errors.New("no stream")
	_, stop, log := b.run(t, time.Millisecond, func(a *receipts.Account) { a.Queue = b })
	receive(t, b.refused)
	stop()
	require.Len(t, log.FilterMessageSnippet("receipts were lost").All(), 1)
}

// Full replies follow each other at once; a panic of the provider's client stops nobody.
func TestReading(t *testing.T) {
	b := newBench()
	b.panics = true
	b.queue = [][]providers.Receipt{delivered("A", "B"), delivered("C", "D"), delivered("E")}
	_, stop, log := b.run(t, time.Minute, func(a *receipts.Account) { a.Queue = b })
	for _, ids := range []string{"AB", "CD", "E"} {
		l := receive(t, b.stored)
		for _, id := range ids {
			require.Contains(t, string(l.Data), fmt.Sprintf(`"id":"%c"`, id))
		}
	}
	for range 10 {
		receive(t, b.reads)
	}
	stop()
	require.Len(t, log.FilterMessageSnippet("can't be read").All(), 1)
}

// At rest the queue is left alone, until a message was submitted.
func TestReadingAtRest(t *testing.T) {
	b := newBench()
	_, _, _ = b.run(t, time.Minute, func(a *receipts.Account) { a.Queue, a.Idle = b, time.Hour })
	receive(t, b.reads)
	b.mu.Lock()
	require.Empty(t, b.reads)
	b.waiting, b.newest = 1, time.Now()
	b.mu.Unlock()
	receive(t, b.reads)
	receive(t, b.reads)
}

func waits(id string, age time.Duration) receipts.Entry {
	e := receipts.Entry{Key: receipts.ByID(id), Sent: time.Now().Add(-age), Event: &dispatch.Event{}}
	e.Event.Tenant, e.Event.Job, e.Event.Hash, e.Event.ProviderID = "shop", id, "h", id
	return e
}

// Messages are asked about so many at a time, in a slot of the account, and put off; those without hope are given up.
func TestAsking(t *testing.T) {
	b := newBench()
	b.due = []receipts.Entry{waits("A", time.Hour), waits("B", time.Hour), waits("C", time.Hour), waits("old", 3*time.Hour)}
	slots := make(chan string, 100)
	_, stop, _ := b.run(t, time.Minute, func(a *receipts.Account) {
		a.Asker = b
		a.Enter = func(context.Context) (func(), bool, error) {
			slots <- "enter"
			return func() { slots <- "leave" }, true, nil
		}
	})
	require.Equal(t, []providers.Sent{{ID: "A", Key: job.KeyOf("shop", "A", "h")}, {ID: "B", Key: job.KeyOf("shop", "B", "h")}}, receive(t, b.asks))
	require.Contains(t, string(receive(t, b.stored).Data), `"id":"A"`)
	for _, e := range receive(t, b.postponed) {
		require.True(t, e.Ask.After(time.Now().Add(20*time.Minute)))
		require.False(t, e.Ask.After(e.Sent.Add(2*time.Hour)))
	}
	l := receive(t, b.stored)
	require.Contains(t, string(l.Data), `"id":"old","state":3`)
	require.Equal(t, "C", receive(t, b.asks)[0].ID)
	stop()
	for len(slots) > 0 {
		require.Equal(t, "enter", <-slots)
		require.Equal(t, "leave", <-slots)
	}
}

// A provider that doesn't answer is asked about the same messages again; one that answers with nonsense about others first.
func TestAskingARefusingProvider(t *testing.T) {
	for _, outcome := range []providers.Outcome{providers.Unavailable, providers.Misconfigured} {
		b := newBench()
		b.due = []receipts.Entry{waits("A", time.Hour), waits("B", time.Hour), waits("C", time.Hour)}
		b.refusal = &providers.Refusal{Outcome: outcome, Message: "no"}
		_, stop, _ := b.run(t, time.Minute, func(a *receipts.Account) { a.Asker = b })
		receive(t, b.asks)
		again := receive(t, b.asks)[0].ID
		if outcome == providers.Unavailable {
			require.Equal(t, "A", again)
			require.Empty(t, b.postponed)
		} else {
			require.Equal(t, "C", again)
		}
		stop()
	}
}

// A post is answered once it is stored.
func TestHook(t *testing.T) {
	b := newBench()
	s, _, _ := b.run(t, time.Minute, func(a *receipts.Account) { a.Hook = b })
	answer, err := s.Hook(t.Context(), "main", []byte("A"))
	require.NoError(t, err)
	require.Equal(t, "echo", string(answer))
	require.Contains(t, string(receive(t, b.stored).Data), `"id":"A"`)
	var theirs *receipts.NotTheirs
	_, err = s.Hook(t.Context(), "main", []byte("B"))
	require.ErrorAs(t, err, &theirs)
	_, err = s.Hook(t.Context(), "other", []byte("A"))
	require.ErrorAs(t, err, &theirs)
	b.mu.Lock()
	b.storing = errors.New("no stream")
	b.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-b.refused; cancel() }()
	_, err = s.Hook(ctx, "main", []byte("A"))
	require.Error(t, err)
	require.NotErrorAs(t, err, &theirs)
}
