package receipts_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

// crash is a worker's death at one of its calls: before or after it took effect. Nothing that the worker does then has an effect.
type crash struct {
	at    int // which call; 0: it lives
	after bool
	calls int
	dead  bool
	end   context.CancelFunc // of what it does
}

// life is the context of what a worker does until it dies.
func (c *crash) life(ctx context.Context) context.Context {
	ctx, c.end = context.WithCancel(ctx)
	return ctx
}

func (c *crash) die() error {
	c.dead = true
	c.end()
	return errDead
}

var errDead = errors.New("the worker is dead")

// do makes a call, unless the worker is dead before it.
func do[T any](c *crash, call func() (T, error)) (v T, err error) {
	c.calls++
	if c.dead || c.calls == c.at && !c.after {
		return v, c.die()
	}
	v, err = call()
	if c.calls == c.at {
		return v, c.die()
	}
	return v, err
}

func doIt(c *crash, call func() error) error {
	_, err := do(c, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// mortal are the ports of a worker that may die.
type mortal struct {
	receipts.Index
	receipts.Store
	receipts.Records
	streams *streams
	crash   *crash
}

type mortalIndex struct{ mortal }
type mortalStore struct{ mortal }
type mortalOthers struct{ mortal }

func (m mortalIndex) Begin(ctx context.Context, a string) (string, error) {
	return do(m.crash, func() (string, error) { return m.Index.Begin(ctx, a) })
}

func (m mortalIndex) End(ctx context.Context, a, ticket string) error {
	return doIt(m.crash, func() error { return m.Index.End(ctx, a, ticket) })
}

func (m mortalIndex) Put(ctx context.Context, a string, e []receipts.Entry) ([]receipts.Receipt, error) {
	return do(m.crash, func() ([]receipts.Receipt, error) { return m.Index.Put(ctx, a, e) })
}

func (m mortalIndex) Unpark(ctx context.Context, a string, r []receipts.Receipt) error {
	return doIt(m.crash, func() error { return m.Index.Unpark(ctx, a, r) })
}

func (m mortalIndex) Match(ctx context.Context, a string, r []receipts.Receipt, keep time.Duration) ([]*receipts.Entry, error) {
	return do(m.crash, func() ([]*receipts.Entry, error) { return m.Index.Match(ctx, a, r, keep) })
}

func (m mortalIndex) Settle(ctx context.Context, a string, e []receipts.Entry) error {
	return doIt(m.crash, func() error { return m.Index.Settle(ctx, a, e) })
}

func (m mortalStore) Put(ctx context.Context, l []receipts.Letter) error {
	return doIt(m.crash, func() error { return m.Store.Put(ctx, l) })
}

func (m mortalStore) Park(ctx context.Context, l []receipts.Letter, keep time.Duration) error {
	return doIt(m.crash, func() error { return m.Store.Park(ctx, l, keep) })
}

func (m mortalStore) Unpark(ctx context.Context, a string) error {
	return doIt(m.crash, func() error { return m.Store.Unpark(ctx, a) })
}

func (m mortalOthers) Advance(ctx context.Context, s []receipts.Step) ([]receipts.Advance, error) {
	return do(m.crash, func() ([]receipts.Advance, error) { return m.Records.Advance(ctx, s) })
}

func (m mortalOthers) Publish(_ context.Context, events []dispatch.Event) error {
	return doIt(m.crash, func() error { return m.streams.publish(events) })
}

// streams are the streams of the server, in memory: of events and of receipts.
type streams struct {
	mu      sync.Mutex
	events  []dispatch.Event
	ids     map[string]dispatch.Event
	clashes []string // events of one id with another state
	letters []receipts.Letter
	parked  []receipts.Letter
	seen    map[string]bool
}

func newStreams() *streams {
	return &streams{ids: map[string]dispatch.Event{}, seen: map[string]bool{}}
}

func (s *streams) publish(events []dispatch.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if before, there := s.ids[e.ID()]; there {
			if before.State != e.State || before.At != e.At {
				s.clashes = append(s.clashes, e.Job+": "+string(before.State)+" and "+string(e.State))
			}
			continue
		}
		s.ids[e.ID()] = e
		s.events = append(s.events, e)
	}
	return nil
}

func (s *streams) Read(_ context.Context, _ time.Time, states []job.State, each func([]dispatch.Event) error) error {
	for _, e := range s.events {
		if slices.Contains(states, e.State) {
			if err := each([]dispatch.Event{e}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *streams) Put(_ context.Context, letters []receipts.Letter) error {
	for _, l := range letters {
		if !s.seen[l.ID] {
			s.seen[l.ID] = true
			s.letters = append(s.letters, l)
		}
	}
	return nil
}

func (s *streams) Park(_ context.Context, letters []receipts.Letter, _ time.Duration) error {
	s.parked = append(s.parked, letters...)
	return nil
}

func (s *streams) Unpark(_ context.Context, account string) error {
	for _, l := range s.parked {
		if l.Account == account {
			s.letters = append(s.letters, l)
		}
	}
	s.parked = slices.DeleteFunc(s.parked, func(l receipts.Letter) bool { return l.Account == account })
	return nil
}

func (s *streams) Run(context.Context, func(receipts.Delivery)) error { return nil }

// take hands letters out; those that aren't acknowledged are there again once the worker is done, or dead.
func (s *streams) take(which []int, c *crash) (out []receipts.Delivery, over func()) {
	acked := map[string]bool{}
	taken := map[string]receipts.Letter{}
	for _, i := range which {
		l := s.letters[i]
		if _, again := taken[l.ID]; again {
			continue
		}
		taken[l.ID] = l
		out = append(out, receipts.Delivery{Account: l.Account, Data: l.Data, Handle: ackHandle{l.ID, acked, c}})
	}
	return out, func() {
		s.letters = slices.DeleteFunc(s.letters, func(l receipts.Letter) bool { return acked[l.ID] })
	}
}

type ackHandle struct {
	id    string
	acked map[string]bool
	crash *crash
}

func (h ackHandle) Ack() error {
	return doIt(h.crash, func() error { h.acked[h.id] = true; return nil })
}
func (ackHandle) Nak(time.Duration) error { return nil }
func (ackHandle) InProgress() error       { return nil }
