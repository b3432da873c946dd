package index

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/pkg/receipts"
)

// Match implements [receipts.Index].
func (x *Redis) Match(ctx context.Context, account string, all []receipts.Receipt, keep time.Duration) ([]*receipts.Entry, error) {
	out := make([]*receipts.Entry, len(all))
	for from := 0; from < len(all); from += scriptKeys {
		some := all[from:min(from+scriptKeys, len(all))]
		if err := x.matchSome(ctx, account, some, keep, out[from:]); err != nil {
			return nil, fail(account, "match receipts", err)
		}
	}
	return out, nil
}

func (x *Redis) matchSome(ctx context.Context, account string, some []receipts.Receipt, keep time.Duration, out []*receipts.Entry) error {
	keys := append(make([]string, 0, 1+4*len(some)), x.key(account, "whole"))
	args := append(make([]any, 0, 1+2*len(some)), max(keep, time.Millisecond).Milliseconds())
	for i := range some {
		value, err := ranked(&some[i])
		if err != nil {
			return err
		}
		names := some[i].Keys()
		for _, name := range names {
			keys = append(keys, x.message(account, name), x.parked(account, name))
		}
		args = append(args, len(names), value)
	}
	found, err := x.match.Run(ctx, x.client, keys, args...).Slice()
	if err != nil {
		return err
	}
	for i := range some {
		if i >= len(found)/2 {
			return errAnswer
		}
		which, _ := found[2*i].(int64)
		value, _ := found[2*i+1].(string)
		names := some[i].Keys()
		if which == 0 {
			continue
		}
		if int(which) > len(names) {
			return errAnswer
		}
		e, err := decode(names[which-1], value)
		if err != nil {
			return err
		}
		out[i] = &e
	}
	return nil
}

// Due implements [receipts.Index]. A message that was forgotten is left out, and waits no more.
func (x *Redis) Due(ctx context.Context, account string, now time.Time, n int) ([]receipts.Entry, error) {
	fit, err := x.Whole(ctx, account)
	if err != nil {
		return nil, err
	}
	if !fit {
		return nil, fail(account, "see what is due", receipts.ErrUnfit)
	}
	ask := x.key(account, "ask")
	due, err := x.client.ZRangeByScoreWithScores(ctx, ask, &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: int64(n)}).Result()
	if err != nil {
		return nil, fail(account, "see what is due", err)
	}
	if len(due) == 0 {
		return nil, nil
	}
	keys := make([]string, len(due))
	for i, d := range due {
		keys[i] = x.message(account, d.Member.(string))
	}
	values, err := x.client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, fail(account, "see what is due", err)
	}
	out := make([]receipts.Entry, 0, len(due))
	var gone []any
	for i, d := range due {
		key := d.Member.(string)
		value, there := values[i].(string)
		e, err := decode(key, value)
		if !there || err != nil {
			gone = append(gone, key)
			continue
		}
		e.Ask = time.UnixMilli(int64(d.Score)).UTC()
		out = append(out, e)
	}
	if len(gone) > 0 {
		if err := x.client.ZRem(ctx, ask, gone...).Err(); err != nil {
			return nil, fail(account, "forget what is gone", err)
		}
	}
	return out, nil
}

// Postpone implements [receipts.Index].
func (x *Redis) Postpone(ctx context.Context, account string, entries []receipts.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	members := make([]redis.Z, len(entries))
	for i, e := range entries {
		members[i] = redis.Z{Score: float64(e.Ask.UnixMilli()), Member: e.Key}
	}
	if err := x.client.ZAddXX(ctx, x.key(account, "ask"), members...).Err(); err != nil {
		return fail(account, "postpone questions", err)
	}
	return nil
}
