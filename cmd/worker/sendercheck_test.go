package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/providers"
)

// listing is an account's list of senders, and how often it was asked for.
type listing struct {
	asked atomic.Int64
	delay time.Duration
	mu    sync.Mutex
	names []string
	err   error
}

func (l *listing) set(err error, names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names, l.err = names, err
}

func (l *listing) Senders(ctx context.Context) (out []providers.Sender, err error) {
	l.asked.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-time.After(l.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for _, n := range l.names {
		out = append(out, providers.Sender{Name: n, Status: "active", Usable: true})
	}
	return out, l.err
}

func newCheck(l *listing) *senderCheck {
	return &senderCheck{account: "a", asked: l, log: zap.NewNop()}
}

func TestSenderCheck(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"one that is known costs no question, and an unknown one at most one in a while": func(t *testing.T) {
			l := &listing{names: []string{"Shop"}}
			c := newCheck(l)
			for range 1000 {
				require.Empty(t, c.fault(t.Context(), "Shop"))
				require.Contains(t, c.fault(t.Context(), "Other"), `sender "Other" isn't in the account's list`)
				require.Empty(t, c.fault(t.Context(), ""))
			}
			require.EqualValues(t, 1, l.asked.Load())
			time.Sleep(time.Hour)
			require.Empty(t, c.fault(t.Context(), "Shop"))
			require.EqualValues(t, 1, l.asked.Load())
		},
		"one that was entered since is found before it is refused": func(t *testing.T) {
			l := &listing{names: []string{"Shop"}}
			c := newCheck(l)
			require.NotEmpty(t, c.fault(t.Context(), "Other"))
			l.set(nil, "Shop", "Other")
			time.Sleep(sendersFresh)
			require.Empty(t, c.fault(t.Context(), "Other"))
		},
		"nothing is refused without a fresh list": func(t *testing.T) {
			l := &listing{err: errors.New("no")}
			c := newCheck(l)
			require.Empty(t, c.fault(t.Context(), "Other"))
			l.set(nil, "Shop")
			time.Sleep(sendersFresh)
			require.NotEmpty(t, c.fault(t.Context(), "Other"))
			l.set(errors.New("no"))
			time.Sleep(time.Minute)
			require.Empty(t, c.fault(t.Context(), "Other"))
			require.Empty(t, c.fault(t.Context(), "Shop"))
		},
		"an answer that doesn't come holds nobody up for long, nor often": func(t *testing.T) {
			l := &listing{delay: time.Hour}
			c := newCheck(l)
			began := time.Now()
			for range 100 {
				require.Empty(t, c.fault(t.Context(), "Other"))
			}
			require.Equal(t, sendersPatience, time.Since(began))
		},
		"who stops waiting stops nobody else": func(t *testing.T) {
			ended, end := context.WithCancel(t.Context())
			end()
			require.NotEmpty(t, newCheck(&listing{delay: time.Second}).fault(ended, "Other"))
		},
		"the list is kept up to date, so that one that was withdrawn is refused": func(t *testing.T) {
			l := &listing{names: []string{"Shop"}}
			c := newCheck(l)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go c.watch(ctx)
			synctest.Wait()
			l.set(nil)
			time.Sleep(sendersEvery + time.Second)
			require.NotEmpty(t, c.fault(t.Context(), "Shop"))
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func TestManyUnknownSendersAtOnceAskOnce(t *testing.T) {
	l := &listing{names: []string{"Shop"}, delay: 20 * time.Millisecond}
	c := newCheck(l)
	var all sync.WaitGroup
	var refused atomic.Int64
	for range 50 {
		all.Go(func() {
			if c.fault(t.Context(), "Other") != "" {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, l.asked.Load())
	require.EqualValues(t, 50, refused.Load())
}
