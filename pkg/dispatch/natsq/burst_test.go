package natsq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// publishSurely publishes until the server has said that it holds the message.
func (w *world) publishSurely(ctx context.Context, n int) {
	m := &nats.Msg{Subject: "dispatch.jobs.urgent.otp.shop", Data: []byte(fmt.Sprint(n)), Header: nats.Header{"Nats-Msg-Id": {fmt.Sprint(n)}}}
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, err := w.js.PublishMsg(try, m)
		cancel()
		if err == nil {
			return
		}
	}
}

// Two workers with little room and slow handles get many small bursts. While the server stands nothing may be lost between it and a handle: the ack
// wait is longer than the test, so that what is lost doesn't come again. What was on its way when a server stopped may come again only after the
// ack wait, which is short there.
func TestBursts(t *testing.T) {
	for _, c := range []struct {
		name     string
		restarts int
		ackWait  time.Duration
	}{{"steady", 0, 10 * time.Minute}, {"restarts", 3, 5 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			restarts := c.restarts
			l := layoutOf("otp")
			l.AckWait = c.ackWait
			w := newWorld(t, l)
			one, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{Messages: 1})
			two, _ := w.source(t, job.Urgent, "otp", natsq.SourceOptions{Messages: 7})
			const bursts = 120
			total := 0
			for i := range bursts {
				total += 1 + i%9
			}
			handled := make(chan struct{}, total) // a token for each message that was handled for the first time
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				next := 0
				for i := range bursts {
					for range 1 + i%9 {
						w.publishSurely(ctx, next)
						next++
					}
					if i%2 == 0 {
						continue // the next burst on its heels
					}
					select { // or after something was handled
					case <-handled:
					case <-ctx.Done():
						return
					}
				}
			}()
			seen := map[string]bool{}
			deadline := time.After(within)
			for len(seen) < total {
				var d dispatch.Delivery
				select {
				case d = <-one:
				case d = <-two:
				case <-deadline:
					require.FailNow(t, "messages were lost", "%d of %d handled", len(seen), total)
				}
				if restarts > 0 && len(seen) >= total/4*(4-restarts) {
					restarts--
					w.server.Restart()
				}
				if len(seen)%5 == 0 {
					time.Sleep(2 * time.Millisecond) // a slow handle; the pullers' rooms fill meanwhile
				}
				if !seen[string(d.Data)] {
					seen[string(d.Data)] = true
					handled <- struct{}{}
				}
				require.NoError(t, d.Handle.Ack())
			}
		})
	}
}
