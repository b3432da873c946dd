package natsq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// maxPending is how many publications of one worker may be unanswered at once. The server refuses when more than 100,000 wait for one
	// stream (max_buffered_msgs, 2.15), over all workers; it answers those with an error, and they are repeated.
	maxPending = 16384
	// answerWithin is how long the server may take to store a batch before what it hasn't answered for counts as failed.
	answerWithin = 10 * time.Second
)

// acker publishes batches and waits for the server's acknowledgements, which come to one subscription for all: the reply subject of a batch's
// messages names the batch. The server answers each message once, and which one an answer is of doesn't matter, since a batch is stored or
// is repeated as a whole; a subject of its own for each message would cost the server a look-up that nothing remembers. Unlike the client
// library's it keeps nothing for a single message, and learns of a lost connection at once.
type acker struct {
	nc      *nats.Conn
	inbox   string // with a dot at its end
	pending chan struct{}

	mu      sync.Mutex
	sub     *nats.Subscription // nil: not yet
	serial  uint64
	batches map[string]*batch // by the token in the reply subject
}

// batch is what was published together.
type batch struct {
	size   int
	left   int // answers to come
	failed int
	first  error         // of those that failed
	over   chan struct{} // closed with the last answer
}

func newAcker(nc *nats.Conn) *acker {
	return &acker{nc: nc, inbox: nc.NewInbox() + ".", pending: make(chan struct{}, maxPending), batches: map[string]*batch{}}
}

// open begins a batch of n messages.
func (a *acker) open(n int) (token string, b *batch, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sub == nil {
		if a.sub, err = a.nc.Subscribe(a.inbox+"*", a.take); err != nil {
			a.sub = nil
			return "", nil, err
		}
		// The answers are few bytes, and bounded by what is pending.
		if err := a.sub.SetPendingLimits(2*maxPending, -1); err != nil {
			return "", nil, err
		}
	}
	a.serial++
	token = strconv.FormatUint(a.serial, 36)
	b = &batch{size: n, left: n, over: make(chan struct{})}
	a.batches[token] = b
	return token, b, nil
}

// publish stores n messages, or returns how many it doesn't know to be stored, and why the first of them isn't. Each message is made when
// the one before it is written.
func (a *acker) publish(ctx context.Context, n int, message func(i int) (*nats.Msg, error)) (failed int, first error) {
	if n == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errors.New("the server didn't answer in time"))
	defer cancel()
	status := a.nc.StatusChanged(nats.CONNECTED, nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer a.nc.RemoveStatusListener(status)
	token, b, err := a.open(n)
	if err != nil {
		return n, err
	}
	reply := a.inbox + token
	for i := range n {
		m, err := message(i)
		if err != nil {
			a.unfit(b, err)
			continue
		}
		select {
		case a.pending <- struct{}{}:
		default: // a look at all three takes 50 ns more
			select {
			case a.pending <- struct{}{}:
			case <-status:
				return a.end(token, b, i, errLost)
			case <-ctx.Done():
				return a.end(token, b, i, context.Cause(ctx))
			}
		}
		m.Reply = reply
		if err := a.nc.PublishMsg(m); err != nil {
			return a.end(token, b, i+1, err)
		}
	}
	select {
	case <-b.over:
		return a.end(token, b, n, nil)
	case <-status:
		return a.end(token, b, n, errLost)
	case <-ctx.Done():
		return a.end(token, b, n, context.Cause(ctx))
	}
}

var errLost = errors.New("the connection was lost before the server answered")

// end ends a batch of which so many messages were begun; why is told of what wasn't answered.
func (a *acker) end(token string, b *batch, begun int, why error) (failed int, first error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.batches, token)
	for range begun - (b.size - b.left) {
		<-a.pending
	}
	if b.left == 0 {
		return b.failed, b.first
	}
	if b.first == nil {
		b.first = why
	}
	return b.failed + b.left, b.first
}

// take is an answer of the server's.
func (a *acker) take(m *nats.Msg) {
	err := refusal(m)
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.batches[m.Subject[len(a.inbox):]]
	if b == nil || b.left == 0 {
		return // of a batch that was given up
	}
	<-a.pending
	b.answer(err)
}

// unfit answers for a message that can't be made.
func (a *acker) unfit(b *batch, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.answer(err)
}

// answer notes what became of a message. The acker's mu is held.
func (b *batch) answer(err error) {
	if err != nil {
		b.failed++
		if b.first == nil {
			b.first = err
		}
	}
	if b.left--; b.left == 0 {
		close(b.over)
	}
}

// refusal is what an answer says against its message; nil: the server has stored it.
func refusal(m *nats.Msg) error {
	if len(m.Data) == 0 {
		if m.Header.Get("Status") == "503" {
			return errors.New("no stream takes it: are the streams provisioned?")
		}
		return errors.New("an empty answer")
	}
	if stored(m.Data) {
		return nil
	}
	var answer struct {
		Stream   string `json:"stream"`
		Sequence uint64 `json:"seq"`
		Error    *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("an answer that can't be read: %w", err)
	}
	if answer.Error != nil {
		return fmt.Errorf("the server refused it: %s (%d)", answer.Error.Description, answer.Error.Code)
	}
	if answer.Stream == "" || answer.Sequence == 0 {
		return errors.New("an answer that names no place in a stream")
	}
	return nil
}

// stored tells a good answer in the form in which the server writes nearly all of them, {"stream":"DISPATCH_STATUS","seq":42}, perhaps
// with "duplicate": true at its end. false: it takes a whole look.
func stored(answer []byte) bool {
	rest, ok := bytes.CutPrefix(answer, []byte(`{"stream":"`))
	name, rest, found := bytes.Cut(rest, []byte(`","seq":`))
	if !ok || !found || len(name) == 0 || len(rest) == 0 || rest[0] == '0' {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	end := bytes.TrimLeft(rest, "0123456789")
	if digits := len(rest) - len(end); digits == 0 || digits > 19 {
		return false
	}
	switch string(end) {
	case `}`, `,"duplicate":true}`, `,"duplicate": true}`:
		return true
	}
	return false
}
