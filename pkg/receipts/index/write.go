package index

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

// Put implements [receipts.Index].
func (x *Redis) Put(ctx context.Context, account string, entries []receipts.Entry) ([]receipts.Receipt, error) {
	var parked []receipts.Receipt
	for len(entries) > 0 {
		some := entries[:min(scriptKeys, len(entries))]
		entries = entries[len(some):]
		found, err := x.putSome(ctx, account, some)
		if err != nil {
			return nil, fail(account, "add to the index", err)
		}
		parked = append(parked, found...)
	}
	return parked, nil
}

// putSome adds entries as new ones, by plain commands in one round trip: in a script each costs the server half as much again. Of what was there
// already, as after an answer that was lost, a script then finds out which is later. No step needs to be one with another: an entry stands before
// receipts that are parked for it are looked for, and Match parks none for an entry that stands. At worst a message that was told of is asked about once more.
func (x *Redis) putSome(ctx context.Context, account string, entries []receipts.Entry) ([]receipts.Receipt, error) {
	now := time.Now()
	newest := int64(0)
	message, parked := x.message(account, ""), x.parked(account, "")
	texts, ask := make([]string, len(entries)), x.key(account, "ask")
	written := make([]*redis.BoolCmd, len(entries))
	names := make([]string, len(entries))
	var waiting []redis.Z
	pipe := x.client.Pipeline()
	for i := range entries {
		e := &entries[i]
		if e.Event.State == job.Submitted {
			newest = max(newest, e.Sent.UnixMilli())
		}
		texts[i], names[i] = encode(e), parked+e.Key
		written[i] = pipe.SetNX(ctx, message+e.Key, texts[i], time.Duration(left(e.Until, now))*time.Millisecond)
		if !e.Ask.IsZero() {
			waiting = append(waiting, redis.Z{Score: float64(e.Ask.UnixMilli()), Member: e.Key})
		}
	}
	if len(waiting) > 0 {
		pipe.ZAddNX(ctx, ask, waiting...)
	}
	if newest > 0 {
		x.newest.Eval(ctx, pipe, []string{x.key(account, "newest")}, newest)
	}
	found := pipe.MGet(ctx, names...)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	var keys []string
	var args []any
	for i := range entries {
		if e := &entries[i]; !written[i].Val() {
			keys = append(keys, message+e.Key)
			args = append(args, texts[i], left(e.Until, now), e.Key, askAt(e))
		}
	}
	if len(keys) > 0 {
		if err := x.put.Run(ctx, x.client, append([]string{ask}, keys...), args...).Err(); err != nil {
			return nil, err
		}
	}
	var values []string
	for _, v := range found.Val() {
		if text, ok := v.(string); ok {
			values = append(values, text)
		}
	}
	return unranked(values)
}

// Unpark implements [receipts.Index]. Nothing else is parked for a message once it is known.
func (x *Redis) Unpark(ctx context.Context, account string, parked []receipts.Receipt) error {
	var keys []string
	for i := range parked {
		for _, k := range parked[i].Keys() {
			keys = append(keys, x.parked(account, k))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if err := x.client.Del(ctx, keys...).Err(); err != nil {
		return fail(account, "forget parked receipts", err)
	}
	return nil
}

// Settle implements [receipts.Index].
func (x *Redis) Settle(ctx context.Context, account string, entries []receipts.Entry) error {
	now := time.Now()
	for len(entries) > 0 {
		some := entries[:min(scriptKeys, len(entries))]
		entries = entries[len(some):]
		keys := append(make([]string, 0, 2+len(some)), x.key(account, "whole"), x.key(account, "ask"))
		args := make([]any, 0, 6*len(some))
		for i := range some {
			e := &some[i]
			keys = append(keys, x.message(account, e.Key))
			args = append(args, e.Event.Epoch, e.Event.Sequence, encode(e), left(e.Until, now), e.Key, askAt(e))
		}
		if err := x.settle.Run(ctx, x.client, keys, args...).Err(); err != nil {
			return fail(account, "note what was told", err)
		}
	}
	return nil
}

// left is how long an entry lives from now on, in ms.
func left(until, now time.Time) int64 { return max(until.Sub(now).Milliseconds(), 1) }

// askAt is when to ask about a message, in ms; "" where it waits no more.
func askAt(e *receipts.Entry) string {
	if e.Ask.IsZero() {
		return ""
	}
	return strconv.FormatInt(e.Ask.UnixMilli(), 10)
}

// ranked is a receipt as it is parked.
func ranked(r *receipts.Receipt) (string, error) {
	data, err := r.Encode()
	if err != nil {
		return "", err
	}
	return strconv.Itoa(r.Rank()) + string(data), nil
}

func unranked(values []string) ([]receipts.Receipt, error) {
	var out []receipts.Receipt
	for _, v := range values {
		r, err := receipts.Decode([]byte(v[1:]))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
