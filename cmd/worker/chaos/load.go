package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// publishers is how many jobs are being stored at once.
const publishers = 64

// load is the jobs of a trial. Job number i is j<i>, to the i-th phone, which no other job has: so the copies of a recipient are those of a job.
type load struct {
	routes []string // in turn
	stored atomic.Int64
	from   int // number of the first job
	n      int
	over   chan struct{}
	err    error // valid once over is closed
}

func jobID(i int) string { return "j" + strconv.Itoa(i) }

// phone is as the providers' ledgers write it: in digits.
func phone(i int) string { return fmt.Sprintf("7961%07d", i) }

// numberOf is the number of a job by its id; false: it isn't ours.
func numberOf(id string) (int, bool) {
	if len(id) < 2 || id[0] != 'j' {
		return 0, false
	}
	i, err := strconv.Atoi(id[1:])
	return i, err == nil
}

// publish stores n jobs, perSecond of them at most, in the background. Each is published, under the same Nats-Msg-Id, until its acknowledgement was seen.
func (w *town) publish(ctx context.Context, from, n, perSecond int, routes ...string) *load {
	l := &load{routes: routes, from: from, n: n, over: make(chan struct{})}
	numbers := make(chan int)
	var all sync.WaitGroup
	for range publishers {
		all.Go(func() {
			for i := range numbers {
				if w.store(ctx, i, routes[i%len(routes)], "") == nil {
					l.stored.Add(1)
				}
			}
		})
	}
	go func() {
		defer close(l.over)
		began := time.Now()
		for i := range n {
			due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			if wait := time.Until(due); wait > 0 {
				time.Sleep(wait)
			}
			numbers <- from + i
		}
		close(numbers)
		all.Wait()
		l.err = ctx.Err()
	}()
	return l
}

func message(i int, route, more string) *nats.Msg {
	return &nats.Msg{Subject: "dispatch.jobs.normal." + route + ".shop",
		Data: fmt.Appendf(nil, `{"id":%q,"channel":"sms","to":"+%s","text":"Your order is on its way"%s}`, jobID(i), phone(i), more)}
}

// publishOnce publishes a job without a message id, so that the server doesn't recognise it.
func (w *town) publishOnce(ctx context.Context, i int, route string) error {
	_, err := w.js.PublishMsg(ctx, message(i, route, ""))
	return err
}

// store publishes one job until it is acknowledged. more are further members of its JSON.
func (w *town) store(ctx context.Context, i int, route, more string) error {
	m := message(i, route, more)
	m.Header = nats.Header{"Nats-Msg-Id": {jobID(i)}}
	for {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := w.js.PublishMsg(try, m)
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// wait waits until all are stored.
func (l *load) wait(ctx context.Context) error {
	select {
	case <-l.over:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// going tells whether some aren't stored yet.
func (l *load) going() bool {
	select {
	case <-l.over:
		return false
	default:
		return true
	}
}
