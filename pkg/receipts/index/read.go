package index

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/pkg/receipts"
)

// Match implements [receipts.Index]. Most receipts come on the day their message was sent: it is looked for there first, by plain commands. The others a
// script looks for everywhere, and parks.
func (x *Redis) Match(ctx context.Context, account string, all []receipts.Receipt, keep time.Duration) ([]*receipts.Entry, error) {
	out := make([]*receipts.Entry, len(all))
	places := make([]int, 0, scriptKeys)
	now := time.Now()
	for from := 0; from < len(all); from += scriptKeys {
		to := min(from+scriptKeys, len(all))
		places = places[:0]
		if err := x.matchToday(ctx, account, all[from:to], now, out[from:to]); err != nil {
			return nil, fail(account, "match receipts", err)
		}
		for i := from; i < to; i++ {
			if out[i] == nil {
				places = append(places, i)
			}
		}
		if len(places) == 0 {
			continue
		}
		err := x.over(ctx, account, func(k known) error { return x.matchOrPark(ctx, account, all, places, now.Add(keep), k, out) })
		if err != nil {
			return nil, fail(account, "match receipts", err)
		}
	}
	return out, nil
}

// matchToday finds those by their surest name that were sent today.
func (x *Redis) matchToday(ctx context.Context, account string, some []receipts.Receipt, now time.Time, out []*receipts.Entry) error {
	names := make([]string, len(some))
	for i := range some {
		names[i] = some[i].Keys()[0]
	}
	pipe := x.client.Pipeline()
	state := pipe.Get(ctx, x.key(account, "whole"))
	found := pipe.HMGet(ctx, x.generation(account, generationOf(now)), names...)
	if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
		return err
	}
	if state.Val() != whole {
		return receipts.ErrUnfit
	}
	for i, v := range found.Val() {
		value, ok := v.(string)
		if !ok {
			continue
		}
		var err error
		if out[i], err = decode(account, names[i], value); err != nil {
			return err
		}
	}
	return nil
}

// matchOrPark finds the receipts at those places, or parks them.
func (x *Redis) matchOrPark(ctx context.Context, account string, all []receipts.Receipt, places []int, until time.Time, k known, out []*receipts.Entry) error {
	keys := append([]string{x.key(account, "whole"), x.key(account, "generations"), x.key(account, "forget"), x.key(account, "parked")}, k.keys...)
	args := append(make([]any, 0, 2+4*len(places)), k.list, until.UnixMilli())
	names := make([][]string, len(places))
	for p, i := range places {
		value, err := ranked(&all[i], until)
		if err != nil {
			return err
		}
		names[p] = all[i].Keys()
		args = append(args, len(names[p]), value)
		for k := range names[p] {
			args = append(args, &names[p][k])
		}
	}
	found, err := x.match.Run(ctx, x.client, keys, args...).Slice()
	if err != nil {
		return err
	}
	if len(found) != 2*len(places) {
		return errAnswer
	}
	for p, i := range places {
		which, _ := found[2*p].(int64)
		value, _ := found[2*p+1].(string)
		if which == 0 {
			continue
		}
		if int(which) > len(names[p]) {
			return errAnswer
		}
		if out[i], err = decode(account, names[p][which-1], value); err != nil {
			return err
		}
	}
	return nil
}

// dueMost is how many messages one call asks for at most.
const dueMost = 2000

// Due implements [receipts.Index]. A message that was forgotten is left out, and waits no more.
func (x *Redis) Due(ctx context.Context, account string, now time.Time, n int) ([]receipts.Entry, error) {
	var out []receipts.Entry
	for done := false; !done; { // until all that is due is unpacked
		err := x.over(ctx, account, func(k known) (err error) {
			out, done, err = x.dueSome(ctx, account, now, min(n, dueMost), k)
			return err
		})
		if err != nil {
			return nil, fail(account, "see what is due", err)
		}
	}
	return out, nil
}

func (x *Redis) dueSome(ctx context.Context, account string, now time.Time, n int, all known) (out []receipts.Entry, done bool, err error) {
	keys := append([]string{x.key(account, "whole"), x.key(account, "generations"), x.key(account, "due"), x.key(account, "forget"),
		x.key(account, "parked")}, all.keys...)
	args := []any{all.list, now.UnixMilli(), n}
	for _, number := range all.numbers {
		args = append(args, number)
	}
	found, err := x.due.Run(ctx, x.client, keys, args...).Slice()
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	var gone []any // what can't be read
	for row := found[1:]; len(row) >= 3; row = row[3:] {
		key, _ := row[0].(string)
		at, _ := row[1].(string)
		value, _ := row[2].(string)
		ms, err := strconv.ParseFloat(at, 64)
		if err != nil {
			return nil, false, errAnswer
		}
		e, err := decode(account, key, value)
		if err != nil {
			gone = append(gone, key)
			continue
		}
		e.Ask = time.UnixMilli(int64(ms)).UTC()
		out = append(out, *e)
	}
	if len(gone) > 0 {
		err = x.client.ZRem(ctx, x.key(account, "due"), gone...).Err()
	}
	return out, true, err
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
	if err := x.client.ZAddXX(ctx, x.key(account, "due"), members...).Err(); err != nil {
		return fail(account, "postpone questions", err)
	}
	return nil
}
