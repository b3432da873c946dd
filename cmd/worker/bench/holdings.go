package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// holdings are the bytes that the servers hold.
type holdings struct {
	jobs   int64 // in the streams of jobs, on disk
	events int64 // in the stream of events, on disk
	redis  int64 // in Redis's memory
}

// holdings asks the servers.
func (w *world) holdings(ctx context.Context) (h holdings, err error) {
	for _, name := range []string{jobStream, doneStream} {
		stream, err := w.js.Stream(ctx, name)
		if err != nil {
			return h, err
		}
		bytes := int64(stream.CachedInfo().State.Bytes)
		if name == doneStream {
			h.events = bytes
		} else {
			h.jobs = bytes
		}
	}
	db := redis.NewClient(&redis.Options{Addr: w.redisAddr})
	defer func() { _ = db.Close() }() // it only asked
	info, err := db.Info(ctx, "memory").Result()
	if err != nil {
		return h, fmt.Errorf("ask redis-server: %w", err)
	}
	for line := range strings.Lines(info) {
		if rest, ok := strings.CutPrefix(line, "used_memory:"); ok {
			h.redis, err = strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
		}
	}
	return h, err
}
