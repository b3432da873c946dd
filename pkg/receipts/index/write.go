package index

import (
	"context"
	"strconv"
	"time"

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

func (x *Redis) putSome(ctx context.Context, account string, entries []receipts.Entry) ([]receipts.Receipt, error) {
	now := time.Now()
	newest := int64(0)
	n := len(entries)
	message, parked := x.message(account, ""), x.parked(account, "")
	keys := append(make([]string, 0, 2+2*n), x.key(account, "newest"), x.key(account, "ask"))
	args := append(make([]any, 0, 1+4*n), "")
	for i := range entries {
		e := &entries[i]
		if e.Event.State == job.Submitted {
			newest = max(newest, e.Sent.UnixMilli())
		}
		keys = append(keys, message+e.Key)
		args = append(args, encode(e), left(e.Until, now), e.Key, askAt(e))
	}
	for i := range entries {
		keys = append(keys, parked+entries[i].Key)
	}
	if newest > 0 {
		args[0] = newest
	}
	found, err := x.put.Run(ctx, x.client, keys, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	return unranked(found)
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
