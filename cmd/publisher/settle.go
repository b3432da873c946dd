package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// fatal is an error that ends the import.
type fatal struct{ error }

// settle waits for the acks of a batch and publishes again what wasn't stored, until all of it is stored or refused. Once ctx has ended it
// publishes nothing any more. What is then neither, it gives back.
func (i *importer) settle(ctx context.Context, batch []*posted) ([]*posted, error) {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		var left []*posted
		var last, end error
		for _, p := range batch {
			err := i.result(p)
			if err == nil {
				i.window.Release(p.weight)
				continue
			}
			left, last = append(left, p), err
			if why, ok := errors.AsType[fatal](err); ok {
				end = why.error
			}
		}
		if len(left) == 0 || end != nil || ctx.Err() != nil {
			return left, end
		}
		if len(left) < len(batch) {
			pause = firstPause // it moves
		}
		i.tell(last, i.say)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return left, nil
		}
		for _, p := range left {
			i.post(p)
		}
		batch = left
	}
}

// result waits for what became of a job. Nil: it is settled.
func (i *importer) result(p *posted) error {
	if p.err != nil {
		return i.refused(p, p.err)
	}
	if p.lost != nil {
		return i.unstored(p, p.lost)
	}
	select {
	case ack := <-p.ack.Ok():
		i.stored(p, ack)
		return nil
	case err := <-p.ack.Err():
		return i.unstored(p, err)
	case <-i.grace.Done():
		return i.grace.Err()
	}
}

// stored counts a job that a stream has. Where an earlier try of ours may have been stored and its ack lost, duplicate says nothing.
func (i *importer) stored(p *posted, ack *jetstream.PubAck) {
	i.recovered()
	if ack.Duplicate && p.tries == 1 {
		i.counts.duplicates.Add(1)
		return
	}
	i.counts.published.Add(1)
}

func (i *importer) unstored(p *posted, err error) error {
	switch faultOf(err) {
	case refused:
		return i.refused(p, err)
	case nobody:
		if i.lostFor(time.Now(), p.tries) {
			return fatal{noStream(i.to, i.prefix)}
		}
	}
	return err
}

func (i *importer) refused(p *posted, why error) error {
	i.counts.refused.Add(1)
	if err := i.refuse(p.line, why); err != nil {
		return fatal{fmt.Errorf("cannot report a refused line: %w", err)}
	}
	return nil
}

// trouble is what stands in the way of an import, as far as it goes beyond one job.
type trouble struct {
	worked bool      // a job was stored
	gone   time.Time // since when no stream responds; zero: it does
	kind   fault     // of what was told last
	told   time.Time
}

// The patience with a stream that doesn't respond: short where it never did, since then the route is wrong; longer where it did,
// since a cluster may be electing a leader. And how often a trouble that lasts is told.
const (
	triesAtFirst = 4
	awayAtMost   = 30 * time.Second
	tellEvery    = 30 * time.Second
)

func (t *trouble) recovered() { t.worked, t.gone = true, time.Time{} }

// lostFor tells whether to give up on a stream that doesn't respond to a job's try.
func (t *trouble) lostFor(now time.Time, tries int) bool {
	if !t.worked {
		return tries >= triesAtFirst
	}
	if t.gone.IsZero() {
		t.gone = now
	}
	return now.Sub(t.gone) > awayAtMost
}

// tell says what the import waits for, now and then.
func (t *trouble) tell(err error, say func(string, ...any)) {
	kind := faultOf(err)
	if !t.told.IsZero() && kind == t.kind && time.Since(t.told) < tellEvery {
		return
	}
	t.kind, t.told = kind, time.Now()
	switch kind {
	case full:
		say("the stream takes no more for now (%v): waiting for the workers", err)
	case nobody:
		say("the stream doesn't respond: trying again")
	default:
		say("NATS doesn't answer (%v): trying again", err)
	}
}
