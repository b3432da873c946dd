package natsq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"
)

// Pull requests: the server lets each lie for expires at most and gives a sign of life every heartbeat while it does.
const (
	expires   = 30 * time.Second
	heartbeat = 5 * time.Second
	drainWait = 2 * time.Second
)

// puller asks the server for the messages of one consumer and puts them into the queue. It never has more than size of them, those asked for,
// those in the queue and the one being handled together; so a handle that blocks holds back the server.
//
// It speaks the pull protocol by itself. The client library tells the server's own words from a job by the header Status and an empty
// body, and a producer can publish such a message: it would stop the subscription for good. Here a job is what came with a reply subject,
// which the server alone sets.
type puller struct {
	nc      *nats.Conn
	next    string // subject of pull requests
	size    int
	ackWait time.Duration
	queue   *queue
	keep    func() bool // nil: never
	failed  func(error)

	mu    sync.Mutex
	owned int      // in the queue or being handled
	open  *session // nil: none
}

// session is a subscription and the requests made on it.
type session struct {
	inbox  string
	asked  int // messages that the server may still send
	serial int // of the last request
	last   time.Time
	sound  bool       // the server said something good on it
	fault  chan error // has a token where it must be given up
}

// run keeps a session open until ctx ends. What it put into the queue is the caller's.
func (p *puller) run(ctx context.Context) {
	status := p.nc.StatusChanged(nats.CONNECTED)
	defer p.nc.RemoveStatusListener(status)
	pace := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		if !p.nc.IsConnected() {
			select {
			case <-ctx.Done():
			case <-status:
			case <-time.After(time.Second): // where the event was dropped
			}
			continue
		}
		sound, err := p.session(ctx, status)
		if ctx.Err() != nil {
			return
		}
		if sound {
			pace.Reset()
		}
		if err == nil {
			continue // a reconnect: ask again at once
		}
		p.failed(fmt.Errorf("pull %s: %w", p.next, err))
		select {
		case <-ctx.Done():
		case <-status:
		case <-time.After(pace.NextBackOff()):
		}
	}
}

// session pulls until ctx ends, the connection was renewed, or something is wrong. sound tells whether all was well at first.
func (p *puller) session(ctx context.Context, status <-chan nats.Status) (sound bool, err error) {
	s := &session{inbox: p.nc.NewInbox(), fault: make(chan error, 1)}
	sub, err := p.nc.Subscribe(s.inbox+".*", func(m *nats.Msg) { p.take(s, m) })
	if err != nil {
		return false, err
	}
	defer p.endSubscription(sub)
	p.mu.Lock()
	p.open = s
	err = p.ask()
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.open, sound = nil, s.sound
		p.mu.Unlock()
	}()
	if err != nil {
		return false, err
	}
	tick := time.NewTicker(min(heartbeat, p.ackWait/4))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case err := <-s.fault:
			return false, err
		case <-status:
			return false, nil
		case now := <-tick.C:
			p.giveBackOld(now)
			p.mu.Lock()
			silent := s.asked > 0 && now.Sub(s.last) > 2*heartbeat
			p.mu.Unlock()
			if silent && p.nc.IsConnected() {
				return false, errors.New("no sign of life from the server")
			}
		}
	}
}

// endSubscription ends it such that what is under way still comes in.
func (p *puller) endSubscription(sub *nats.Subscription) {
	over := make(chan struct{})
	sub.SetClosedHandler(func(string) { close(over) })
	if !p.nc.IsConnected() || sub.Drain() != nil {
		_ = sub.Unsubscribe() // fails only where it ended already
		return
	}
	select {
	case <-over:
	case <-time.After(drainWait): // the connection is lost or stuck
		_ = sub.Unsubscribe()
	}
}

// giveBackOld gives back what waits in the queue for so long that the server would soon deliver it again: to another worker, if one has room.
// Where it is to be kept, the server gets a sign of life instead.
func (p *puller) giveBackOld(now time.Time) {
	if p.keep != nil && p.keep() {
		for _, h := range p.queue.touch(now.Add(-p.ackWait/2), now) {
			_ = handle{p.nc, h.msg.Reply}.InProgress() // a lost one leads to a redelivery
		}
		return
	}
	for {
		h, ok := p.queue.shift(now.Add(-p.ackWait / 2))
		if !ok {
			return
		}
		_ = handle{p.nc, h.msg.Reply}.Nak(0) // a lost one comes again after the server's ack wait
		h.from.done()
	}
}

// done makes room for another message.
func (p *puller) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owned--
	if err := p.ask(); err != nil {
		p.open.fail(err)
	}
}

// take is what the server sent on a session: a message, or word about a request.
func (p *puller) take(s *session, m *nats.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.last = time.Now()
	if m.Reply != "" {
		s.sound = true
		s.asked = max(0, s.asked-1)
		p.owned++
		p.queue.push(held{m, p, s.last})
		return
	}
	words := m.Header.Get("Description")
	switch m.Header.Get("Status") {
	case "100": // sign of life
		s.sound = true
		return
	case "408": // the request expired
		s.sound = true
		left, err := strconv.Atoi(m.Header.Get("Nats-Pending-Messages"))
		if err != nil {
			s.fail(fmt.Errorf("request refused: %s", words))
			return
		}
		s.asked = max(0, s.asked-left)
	case "503":
		s.fail(errors.New("no such consumer"))
		return
	default:
		s.fail(fmt.Errorf("the server says: %s %s", m.Header.Get("Status"), words))
		return
	}
	if p.open == s {
		if err := p.ask(); err != nil {
			s.fail(err)
		}
	}
}

func (s *session) fail(err error) {
	select {
	case s.fault <- err:
	default:
	}
}

// ask requests as many messages as there is room for, once that is half of the whole. mu is held.
func (p *puller) ask() error {
	s := p.open
	if s == nil {
		return nil
	}
	room := p.size - s.asked - p.owned
	if room < max(1, p.size/2) {
		return nil
	}
	s.serial++
	body, err := json.Marshal(pullRequest{room, expires, heartbeat})
	if err != nil {
		return err
	}
	if err := p.nc.PublishRequest(p.next, s.inbox+"."+strconv.Itoa(s.serial), body); err != nil {
		return err
	}
	s.asked += room
	s.last = time.Now()
	return nil
}

type pullRequest struct {
	Batch     int           `json:"batch"`
	Expires   time.Duration `json:"expires"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
}

// nextSubject is where the messages of a consumer are asked for.
func nextSubject(apiPrefix, stream, consumer string) string {
	if apiPrefix == "" {
		apiPrefix = "$JS.API"
	}
	return strings.TrimSuffix(apiPrefix, ".") + ".CONSUMER.MSG.NEXT." + stream + "." + consumer
}
