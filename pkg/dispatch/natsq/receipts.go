package natsq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/receipts"
)

// headerTTL is the time a message has to live.
const headerTTL = "Nats-TTL"

// receiptDurable is the consumer of all receipts that aren't parked.
const receiptDurable = "match"

// receiptWindow is how many letters a worker may have under way to it. Each has a thousand receipts at most, so half a MiB.
const receiptWindow = 16

// receiptSubject is where an account's receipts go, one token behind the root; a parked one has two, so that no consumer's filter covers it.
func receiptSubject(prefix, account string) string { return prefix + ".receipts." + account }
func parkedSubject(prefix, account string) string  { return prefix + ".receipts.parked." + account }

func (l Layout) receiptConsumer() jetstream.ConsumerConfig {
	return l.consumer(receiptDurable, receiptSubject(l.Prefix, "*"))
}

// Receipts is the stream of receipts: it implements [receipts.Store]. It is safe for concurrent use.
type Receipts struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	acks   *acker
	layout Layout
	failed func(error)
}

var _ receipts.Store = (*Receipts)(nil)

// NewReceipts returns the stream of receipts of a layout. failed is told of what goes wrong while Run goes on trying; it must not block. nil:
// nobody is.
func NewReceipts(js jetstream.JetStream, l Layout, failed func(error)) *Receipts {
	if failed == nil {
		failed = func(error) {}
	}
	return &Receipts{nc: js.Conn(), js: js, acks: newAcker(js.Conn()), layout: l, failed: failed}
}

// Put implements [receipts.Store]: letters are JSON on <prefix>.receipts.<account>.
func (r *Receipts) Put(ctx context.Context, letters []receipts.Letter) error {
	return publish(ctx, r.acks, letters, "letters of receipts", func(l *receipts.Letter) (*nats.Msg, error) {
		return &nats.Msg{Subject: receiptSubject(r.layout.Prefix, l.Account), Header: nats.Header{headerMsgID: {l.ID}}, Data: l.Data}, nil
	})
}

// Park implements [receipts.Store]: parked letters lie on <prefix>.receipts.parked.<account>, of which there is no consumer.
func (r *Receipts) Park(ctx context.Context, letters []receipts.Letter, keep time.Duration) error {
	ttl := strconv.FormatInt(int64(max(keep, time.Second)/time.Second), 10)
	return publish(ctx, r.acks, letters, "parked receipts", func(l *receipts.Letter) (*nats.Msg, error) {
		return &nats.Msg{Subject: parkedSubject(r.layout.Prefix, l.Account), Data: l.Data,
			Header: nats.Header{headerMsgID: {l.ID}, headerTTL: {ttl}}}, nil
	})
}

// Unpark implements [receipts.Store], one letter at a time: a letter is stored as a new one before the parked one is deleted.
func (r *Receipts) Unpark(ctx context.Context, account string) error {
	name := r.layout.ReceiptStream()
	stream, err := r.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", name, err)
	}
	last := stream.CachedInfo().State.LastSeq // what is parked from now on stays
	for next := uint64(1); ; {
		m, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(parkedSubject(r.layout.Prefix, account)))
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence > last {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stream %s from %d: %w", name, next, err)
		}
		letter := receipts.Letter{Account: account, ID: m.Header.Get(headerMsgID) + ":again", Data: m.Data}
		if err := r.Put(ctx, []receipts.Letter{letter}); err != nil {
			return err
		}
		if err := stream.DeleteMsg(ctx, m.Sequence); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("delete message %d of stream %s: %w", m.Sequence, name, err)
		}
		next = m.Sequence + 1
	}
}

// Run implements [receipts.Store]. It outlives the server, the connection and the consumer: where one is missing it asks for it again and
// again. It returns [nats.ErrConnectionClosed] where the connection was closed for good, else nil.
func (r *Receipts) Run(ctx context.Context, each func(receipts.Delivery)) error {
	q := newQueue()
	p := &puller{nc: r.nc, next: nextSubject(apiPrefix(r.js.Options()), r.layout.ReceiptStream(), receiptDurable), size: receiptWindow,
		ackWait: r.layout.AckWait, queue: q, failed: r.failed}
	return pullAll(ctx, r.nc, q, func(h held) {
		account := h.msg.Subject[strings.LastIndexByte(h.msg.Subject, '.')+1:]
		each(receipts.Delivery{Account: account, Data: h.msg.Data, Handle: handle{r.nc, h.msg.Reply}})
	}, p)
}
