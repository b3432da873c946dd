package natsq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Letter is a dead letter at its place in the DEAD stream.
type Letter struct {
	dispatch.DeadLetter
	Sequence uint64 // in the stream
}

// Replay gives the jobs of dead letters back to the workers, each in a new epoch, and then deletes the letters. It tells how many were deleted;
// with an error the others stay, and Replay may be called again with them.
//
// A job is stored in LATER before its letter goes, so it is never nowhere. What stops in between leaves a letter whose job is on its way: to
// replay that one again makes the same copy once more, of the same epoch. The server drops it for as long as LATER's duplicate window
// lasts, and then the claim record knows the epoch: the job isn't sent again. The same holds for two callers with the same letter. It holds
// as long as the record lives, which is dedupe.window after the job's end.
func Replay(ctx context.Context, js jetstream.JetStream, l Layout, o *Outlet, letters []Letter) (deleted int, err error) {
	held := make([]dispatch.Held, len(letters))
	now := time.Now()
	for i := range letters {
		held[i] = dispatch.Held{Delivery: letters[i].Delivery, JobID: letters[i].JobID, Due: now}
		held[i].Delivery.Epoch++
		held[i].Delivery.Hop = 0
	}
	if err := o.Hold(ctx, held); err != nil {
		return 0, err
	}
	return Discard(ctx, js, l, letters)
}

// deletions is how many deletions are under way at once: each is a request of its own.
const deletions = 16

// Discard deletes dead letters, and what they held with them, and tells how many it deleted. That one is gone already is no error.
func Discard(ctx context.Context, js jetstream.JetStream, l Layout, letters []Letter) (deleted int, err error) {
	stream, err := js.Stream(ctx, l.DeadStream())
	if err != nil {
		return 0, fmt.Errorf("look at stream %s: %w", l.DeadStream(), err)
	}
	gone := make([]bool, len(letters))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deletions)
	for i, letter := range letters {
		group.Go(func() error {
			if err := discard(ctx, stream, letter.Sequence); err != nil {
				return fmt.Errorf("delete dead letter %d: %w", letter.Sequence, err)
			}
			gone[i] = true
			return nil
		})
	}
	err = group.Wait()
	for _, g := range gone {
		if g {
			deleted++
		}
	}
	return deleted, err
}

func discard(ctx context.Context, stream jetstream.Stream, sequence uint64) error {
	err := stream.DeleteMsg(ctx, sequence)
	if err == nil {
		return nil
	}
	// The server has no code of its own for a message that isn't there.
	if _, look := stream.GetMsg(ctx, sequence); errors.Is(look, jetstream.ErrMsgNotFound) {
		return nil
	}
	return err
}

// Serves tells whether workers take what LATER gives back to a lane and route. A job of a route that is no longer configured would lie there
// until it is configured again.
func Serves(ctx context.Context, js jetstream.JetStream, l Layout, lane job.Lane, route string) (bool, error) {
	_, err := js.Consumer(ctx, l.LaterStream(), laterConsumer(lane, route))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at consumer %s of %s: %w", laterConsumer(lane, route), l.LaterStream(), err)
	}
	return true, nil
}
