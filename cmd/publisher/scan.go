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

// errEnough ends a scan early, without a fault.
var errEnough = errors.New("enough was read")

// scan reads the messages of the span up to a sequence that newest told, and returns the one to go on from. An error of each ends it.
func scan(ctx context.Context, stream jetstream.Stream, s span, last uint64, each func(jetstream.Msg, *jetstream.MsgMetadata) error) (next uint64, err error) {
	if last == 0 || last < s.from {
		return s.from, nil
	}
	f, err := follow(ctx, stream, s)
	if err != nil {
		return 0, err
	}
	defer f.close()
	for at := uint64(0); at < last; {
		message, err := soon(ctx, f)
		if errors.Is(err, errIdle) {
			if left, err := newest(ctx, stream, s); left > at && err == nil {
				continue
			} else if err != nil {
				return 0, err
			}
			break // the last messages vanished while those before them were read
		}
		if err != nil {
			return 0, err
		}
		meta, err := message.Metadata()
		if err != nil {
			return 0, unreadable(ctx, stream, err)
		}
		at = meta.Sequence.Stream
		if at > last {
			return at, nil
		}
		if err := each(message, meta); errors.Is(err, errEnough) {
			return at + 1, nil
		} else if err != nil {
			return 0, err
		}
	}
	return last + 1, nil
}

var errIdle = errors.New("nothing came")

func soon(ctx context.Context, f *feed) (jetstream.Msg, error) {
	short, cancel := context.WithTimeoutCause(ctx, idle, errIdle)
	defer cancel()
	return f.next(short)
}

// newest is the sequence of the last message of the span; 0: it holds none.
func newest(ctx context.Context, stream jetstream.Stream, s span) (uint64, error) {
	last, err := stream.GetLastMsgForSubject(ctx, s.filter)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, unreadable(ctx, stream, err)
	}
	if last.Sequence < s.from || last.Time.Before(s.since) {
		return 0, nil
	}
	return last.Sequence, nil
}

func unreadable(ctx context.Context, stream jetstream.Stream, err error) error {
	return cause(ctx, fmt.Errorf("cannot read stream %s: %w", stream.CachedInfo().Config.Name, err))
}
