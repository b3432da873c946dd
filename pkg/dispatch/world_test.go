package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gonets/gonets/pkg/breaker"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

const (
	testAckWait = 60 * time.Second
	testLease   = 30 * time.Second
)

// world is everything around a worker, in memory: streams, claims, limiter, providers. It outlives the workers.
type world struct {
	mu      sync.Mutex
	changed chan struct{}

	messages []*message // job streams and LATER
	sequence int
	events   []Event
	ids      map[string]bool // of events
	dead     []DeadLetter
	records  map[string]*entry
	tokens   int
	deaths   map[string]int // by job, how often a worker was found to have left it in mid-request
	breakers *breaker.Local
	waits    []int // of those who ask for tokens, in turn
	asked    int
	policy   breaker.Policy

	accounts map[string]*fakeProvider
}

// message is one stored message.
type message struct {
	d         Delivery
	notBefore time.Time // due, or delayed, or in hand until then
	delivered int
	suspect   bool // delivered before the claims lost their data
	gone      bool
}

// entry is a claim record with its claim.
type entry struct {
	Record
	token   string
	lease   time.Time
	rebuilt bool // from events, and not claimed since
}

func newWorld() *world {
	return &world{breakers: breaker.NewLocal(), policy: breaker.Policy{Failures: 5, Open: 10 * time.Second}, changed: make(chan struct{}), ids: map[string]bool{}, records: map[string]*entry{}, deaths: map[string]int{}, accounts: map[string]*fakeProvider{}}
}

// tell wakes whoever waits for a change; w.mu is held.
func (w *world) tell() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// publish stores a job as a producer would.
func (w *world) publish(lane job.Lane, route, tenant, body string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sequence++
	pub := fmt.Sprintf("JOBS:%d", w.sequence)
	w.messages = append(w.messages, &message{d: Delivery{Address: job.Address{Lane: lane, Route: route, Tenant: tenant},
		Publication: pub, Data: []byte(body), Stored: time.Now()}})
	w.tell()
	return pub
}

// next returns a message of the lane and route to deliver now, or when to look again and what to wait for.
func (w *world) next(lane job.Lane, route string) (m *message, d Delivery, wake time.Duration, changed chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, wake := time.Now(), time.Hour
	var pending uint64
	for i, c := range w.messages {
		if c.gone || c.d.Address.Lane != lane || c.d.Address.Route != route {
			continue
		}
		if c.notBefore.After(now) {
			wake = min(wake, c.notBefore.Sub(now))
			continue
		}
		if m == nil {
			m = c
			m.d.Place = Place{Queue: "messages", Sequence: uint64(i + 1)}
		} else {
			pending++
		}
	}
	if m == nil {
		return nil, Delivery{}, wake, w.changed
	}
	m.delivered++
	m.notBefore = now.Add(testAckWait)
	d = m.d
	d.Pending, d.Redelivered = pending, m.delivered > 1
	return m, d, 0, nil
}

// worker is the world as one worker sees it, until it crashes.
type worker struct {
	*world
	crashed func() bool // consulted at every step outside; nil: never
}

var errCrashed = errors.New("crashed")

func (w worker) down() bool { return w.crashed != nil && w.crashed() }

type fakeSource struct {
	w     worker
	lane  job.Lane
	route string
}

func (s fakeSource) Run(ctx context.Context, handle func(Delivery)) error {
	for ctx.Err() == nil {
		m, d, wake, changed := s.w.next(s.lane, s.route)
		if m == nil {
			select {
			case <-ctx.Done():
			case <-changed:
			case <-time.After(wake):
			}
			continue
		}
		if s.w.down() {
			<-ctx.Done()
			return nil
		}
		d.Handle = fakeHandle{s.w, m}
		handle(d)
	}
	return nil
}

type fakeHandle struct {
	w worker
	m *message
}

func (h fakeHandle) do(change func()) error {
	if h.w.down() {
		return errCrashed
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	change()
	h.w.tell()
	return nil
}

func (h fakeHandle) Ack() error { return h.do(func() { h.m.gone = true }) }
func (h fakeHandle) Nak(d time.Duration) error {
	return h.do(func() { h.m.notBefore = time.Now().Add(d) })
}
func (h fakeHandle) InProgress() error {
	return h.do(func() { h.m.notBefore = time.Now().Add(testAckWait) })
}

func (w worker) Publish(_ context.Context, events []Event) error {
	for _, e := range events {
		if w.down() {
			return errCrashed
		}
		w.mu.Lock()
		if id := e.ID(); !w.ids[id] {
			w.ids[id] = true
			w.events = append(w.events, e)
			w.tell()
		}
		w.mu.Unlock()
	}
	return nil
}

func (w worker) Hold(_ context.Context, held []Held) error {
	for _, h := range held {
		if w.down() {
			return errCrashed
		}
		w.mu.Lock()
		d := h.Delivery
		d.Hop, d.Handle = h.Hop, nil
		same := func(m *message) bool { return m.d.Publication == d.Publication && m.d.Hop == d.Hop }
		if !slices.ContainsFunc(w.messages, same) {
			w.messages = append(w.messages, &message{d: d, notBefore: h.Due})
		}
		w.tell()
		w.mu.Unlock()
	}
	return nil
}

func (w worker) Bury(_ context.Context, dead []DeadLetter) error {
	for _, d := range dead {
		if w.down() {
			return errCrashed
		}
		w.mu.Lock()
		if !slices.ContainsFunc(w.dead, func(o DeadLetter) bool { return o.Delivery.Publication == d.Delivery.Publication }) {
			w.dead = append(w.dead, d)
		}
		w.mu.Unlock()
	}
	return nil
}

// Claim follows the claim states by the letter, for one process.
func (w worker) Claim(_ context.Context, reqs []ClaimRequest) ([]Claim, error) {
	if w.down() {
		return nil, errCrashed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	out := make([]Claim, len(reqs))
	for i, r := range reqs {
		e := w.records[r.Tenant+":"+r.ID]
		suspect := r.Redelivered.Sequence > 0 && w.messages[r.Redelivered.Sequence-1].suspect && (e == nil || e.rebuilt)
		if e == nil {
			e = &entry{}
			w.records[r.Tenant+":"+r.ID] = e
			v, found := Taken, Record{Hop: r.Hop}
			if suspect {
				v, found.Attempts = TakenAmbiguous, 1
				w.deaths[r.ID]++
			}
			out[i] = w.take(e, r, v, found, now)
			e.Record = Record{Phase: e.Phase, Account: e.Account, Hop: r.Hop, Attempts: found.Attempts, Hash: r.Hash, Publication: r.Publication, Epoch: r.Epoch}
			continue
		}
		found, live := e.Record, e.token != "" && now.Before(e.lease)
		c := Claim{Record: found}
		switch {
		case found.Publication != r.Publication && found.Hash != r.Hash:
			c.Verdict = Reused
		case found.Publication != r.Publication:
			c.Verdict = Duplicate
		case found.Phase == Concluded || found.Phase == Dead:
			c.Verdict = Settled
		case live:
			c.Verdict, c.Until = Busy, e.lease
		case found.Phase == Waiting && r.Hop < found.Hop:
			c.Verdict = Settled
		case r.Hop < found.Hop:
			c.Verdict = Stale
		case found.Phase == Sending || suspect:
			if e.token != "" || suspect {
				e.Attempts++
				w.deaths[r.ID]++
			}
			c = w.take(e, r, TakenAmbiguous, e.Record, now)
		default:
			c = w.take(e, r, Taken, found, now)
		}
		out[i] = c
	}
	return out, nil
}

func (w worker) take(e *entry, r ClaimRequest, v Verdict, found Record, now time.Time) Claim {
	w.tokens++
	e.token, e.lease, e.rebuilt = fmt.Sprint(w.tokens), now.Add(testLease), false
	switch {
	case r.Account != "":
		e.Phase, e.Account = Sending, r.Account
	case v != TakenAmbiguous:
		e.Phase = Claimed
	default:
		e.Phase = Sending
	}
	return Claim{Verdict: v, Token: e.token, Record: found}
}

// lose makes the claims lose everything, while no worker is there, and rebuilds what follows from the events.
func (w *world) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = map[string]*entry{}
	for _, m := range w.messages {
		m.suspect = m.delivered > 0
		j, err := job.Decode(m.d.Data, "RU")
		if key := m.d.Address.Tenant + ":" + j.ID; err == nil && m.suspect && !m.gone && w.records[key] == nil {
			w.records[key] = &entry{Record: Record{Phase: Claimed, Epoch: m.d.Epoch, Hop: m.d.Hop, Hash: j.Hash(), Publication: m.d.Publication}, rebuilt: true}
		}
	}
	for _, e := range w.events {
		if e.Sequence == 0 {
			continue
		}
		last := e.Event
		r := Record{Phase: Concluded, Epoch: e.Epoch, Hop: e.Hop, Attempts: e.Attempts, Sequence: e.Sequence, Hash: e.Hash, Publication: e.Publication,
			Account: e.Maybe, Due: e.Due, Told: e.Told, Last: &last, Published: true}
		switch {
		case e.State == job.Failed || e.State == job.Unknown:
			r.Phase = Dead
		case e.State == job.Scheduled || e.State == job.Retrying:
			r.Phase = Waiting
		case e.State == job.Waiting && e.Maybe != "":
			r.Phase = Sending
		case e.State == job.Waiting:
			r.Phase = Claimed
		}
		w.records[e.Tenant+":"+e.Job] = &entry{Record: r, rebuilt: true}
	}
}

func (w worker) Record(_ context.Context, updates []Update) ([]bool, error) {
	if w.down() {
		return nil, errCrashed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]bool, len(updates))
	for i, u := range updates {
		if e := w.records[u.Tenant+":"+u.ID]; e.token == u.Token {
			e.Record, e.token, out[i] = u.Record, "", true
			if u.Record.Last != nil {
				last := *u.Record.Last
				e.Last = &last
			}
		}
	}
	return out, nil
}

func (w worker) Confirm(_ context.Context, updates []Update) error {
	if w.down() {
		return errCrashed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range updates {
		if e := w.records[u.Tenant+":"+u.ID]; e.token == "" && e.Sequence == u.Record.Sequence && e.Phase == u.Record.Phase {
			e.Published = true
		}
	}
	return nil
}

// Reserve grants all at once, or what is planned: tokens that are good after some ms, or, below 0, none for so long.
func (w worker) Reserve(_ context.Context, _ string, _ int, _ time.Duration, turn Turn) (Tokens, error) {
	if w.down() {
		return Tokens{}, errCrashed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waits) == 0 {
		return Tokens{OK: true}, nil
	}
	ms := w.waits[w.asked%len(w.waits)]
	w.asked++
	t := Tokens{OK: ms >= 0, Wait: time.Duration(max(ms, -ms)) * time.Millisecond}
	if turn == Again || turn == Later && !t.OK {
		t.Turn = 2 * t.Wait
	}
	return t, nil
}
func (w worker) Refund(context.Context, string, int) error           { return nil }
func (w worker) Block(context.Context, string, time.Duration) error  { return nil }
func (w worker) Enter(context.Context, string) (func(), bool, error) { return func() {}, true, nil }
