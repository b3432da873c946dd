package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// idle is how long a scan waits for the next message before it asks whether there is one.
const idle = 5 * time.Second

// scan reads what the stream holds now for the filter, from its beginning, and returns the sequence to follow it from.
func scan(ctx context.Context, stream jetstream.Stream, filter string, each func(jetstream.Msg) error) (uint64, error) {
	info, err := stream.Info(ctx)
	if err != nil {
		return 0, unreadable(ctx, err)
	}
	last, err := stream.GetLastMsgForSubject(ctx, filter)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return info.State.LastSeq + 1, nil
	}
	if err != nil {
		return 0, unreadable(ctx, err)
	}
	f, err := follow(ctx, stream, filter, 1)
	if err != nil {
		return 0, err
	}
	defer f.close()
	for at := uint64(0); at < last.Sequence; {
		message, err := soon(ctx, f)
		if errors.Is(err, errIdle) {
			if left, err := holds(ctx, stream, filter, at+1); left && err == nil {
				continue
			} else if err != nil {
				return 0, err
			}
			break // the last messages vanished by their age while those before them were read
		}
		if err != nil {
			return 0, err
		}
		meta, err := message.Metadata()
		if err != nil {
			return 0, unreadable(ctx, err)
		}
		at = meta.Sequence.Stream
		if err := each(message); err != nil {
			return 0, err
		}
		if at > last.Sequence {
			return at + 1, nil
		}
	}
	return last.Sequence + 1, nil
}

var errIdle = errors.New("nothing came")

func soon(ctx context.Context, f *feed) (jetstream.Msg, error) {
	short, cancel := context.WithTimeoutCause(ctx, idle, errIdle)
	defer cancel()
	return f.next(short)
}

// holds tells whether the stream holds a message for the filter, from a sequence on.
func holds(ctx context.Context, stream jetstream.Stream, filter string, from uint64) (bool, error) {
	_, err := stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(filter))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, unreadable(ctx, err)
	}
	return true, nil
}

func unreadable(ctx context.Context, err error) error {
	return cause(ctx, fmt.Errorf("cannot read the status stream: %w", err))
}
