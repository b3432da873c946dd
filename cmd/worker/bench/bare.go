package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
)

const theBareLoop = "bare loop"

// bareLoop does the least that still sends each job once where nothing goes wrong: it fetches, remembers the id, sends packets, publishes an
// event a job, which says the same route of all, and acks. It checks nothing, limits nothing, retries nothing, and stops at the first error: the price of everything else
// is what the worker is measured by.
type bareLoop struct {
	js     jetstream.JetStream
	redis  *redis.Client
	client *http.Client
	url    string
	slots  int
	failed chan error

	mu    sync.Mutex
	free  *sync.Cond
	batch []jetstream.Msg // gathered for the next packet
	busy  int             // packets under way
}

// runBare is the bare loop's process.
func runBare(args []string, out io.Writer) error {
	f := flag.NewFlagSet("bare", flag.ContinueOnError)
	natsURL := f.String("nats", "", "the server's URL")
	redisAddr := f.String("redis", "", "host:port")
	url := f.String("provider", "", "the provider's URL")
	slots := f.Int("in-flight", 16, "packets under way at once")
	routes := f.Int("routes", 1, "routes that it takes the jobs of, each with a consumer of its own")
	if err := f.Parse(args); err != nil {
		return err
	}
	nc, err := nats.Connect(*natsURL)
	if err != nil {
		return err
	}
	defer nc.Close()
	inHand := *slots * packet
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*inHand), jetstream.WithPublishAsyncTimeout(lab.StartWithin))
	if err != nil {
		return err
	}
	b := &bareLoop{
		js: js, url: *url + "/messages/v2/send.json", slots: *slots, failed: make(chan error, 1),
		redis:  redis.NewClient(&redis.Options{Addr: *redisAddr, MaxRetries: -1, PoolSize: *slots}),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *slots, DisableCompression: true}},
	}
	b.free = sync.NewCond(&b.mu)
	defer func() { _ = b.redis.Close() }() // nothing is lost with it
	each := max(inHand / *routes, 2*packet)
	for i := range *routes {
		consumer, err := js.Consumer(context.Background(), jobStream, routeName(i))
		if err != nil {
			return err
		}
		consuming, err := consumer.Consume(b.take, jetstream.PullMaxMessages(each), jetstream.PullThresholdMessages(each/2))
		if err != nil {
			return err
		}
		defer consuming.Stop()
	}
	fmt.Fprintln(out, "ready")
	stopped := make(chan struct{})
	go func() { defer close(stopped); lab.UntilStopped() }()
	select {
	case <-stopped:
		return nil
	case err := <-b.failed:
		return err
	}
}

// take gathers a job; it blocks while all packets are under way and the next one is full.
func (b *bareLoop) take(m jetstream.Msg) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.batch) == packet {
		b.free.Wait()
	}
	b.batch = append(b.batch, m)
	b.flush()
}

// flush sends what was gathered if it is full, or if nothing else is under way. mu is held.
func (b *bareLoop) flush() {
	if n := len(b.batch); b.busy == b.slots || n == 0 || n < packet && b.busy > 0 {
		return
	}
	batch := b.batch
	b.batch = make([]jetstream.Msg, 0, packet)
	b.busy++
	b.free.Signal()
	go func() {
		if err := b.carry(context.Background(), batch); err != nil {
			select {
			case b.failed <- err:
			default:
			}
			return // its slot stays taken: nothing goes on
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.busy--
		b.flush()
	}()
}

// carry takes one packet through everything.
func (b *bareLoop) carry(ctx context.Context, msgs []jetstream.Msg) error {
	fresh, err := b.claim(ctx, msgs)
	if err != nil {
		return err
	}
	reply, err := b.post(ctx, appendPacket(make([]byte, 0, 64+300*len(fresh)), fresh))
	if err != nil {
		return err
	}
	taken, err := readReply(reply, fresh)
	if err != nil {
		return err
	}
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	stored := make([]jetstream.PubAckFuture, len(fresh))
	for i, m := range fresh {
		if stored[i], err = b.js.PublishAsync(submitted, appendEvent(make([]byte, 0, 320), m.Data(), taken[i], at)); err != nil {
			return err
		}
	}
	for i, m := range fresh {
		select {
		case <-stored[i].Ok():
		case err := <-stored[i].Err():
			return err
		}
		if err := m.Ack(); err != nil {
			return err
		}
	}
	return nil
}

// claim remembers the ids for a day; those that were known are acked and left out.
func (b *bareLoop) claim(ctx context.Context, msgs []jetstream.Msg) ([]jetstream.Msg, error) {
	pipe := b.redis.Pipeline()
	answers := make([]*redis.BoolCmd, len(msgs))
	for i, m := range msgs {
		answers[i] = pipe.SetNX(ctx, prefix+":"+tenant+":"+string(field(m.Data(), "id")), "1", 24*time.Hour)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	fresh := msgs[:0]
	for i, m := range msgs {
		if answers[i].Val() {
			fresh = append(fresh, m)
		} else if err := m.Ack(); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// post sends a packet and returns the reply.
func (b *bareLoop) post(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read to its end
	reply, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return reply, err
}

// startBare runs the bare loop.
func (p *plan) startBare(ctx context.Context, w *world) (crew, error) {
	child, _, err := lab.StartSelf(ctx, p.self, p.profileOf("bare"), "bare", "-nats", w.natsURL, "-redis", w.redisAddr, "-provider", w.providerURL,
		"-in-flight", fmt.Sprint(w.scene.inFlight), "-routes", fmt.Sprint(w.scene.routes))
	if err != nil {
		return nil, err
	}
	return crew{child}, nil
}
