package index

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/receipts"
)

// lately is how long ago a message was sent that is put for the first time, as a rule: when an index is made anew, much of what is read may stand.
const lately = time.Minute

// Put implements [receipts.Index].
func (x *Redis) Put(ctx context.Context, account string, entries []receipts.Entry) ([]receipts.Receipt, error) {
	var parked []receipts.Receipt
	err := sheaves(entries, func(s sheaf, some []receipts.Entry) error {
		m := x.borrow()
		defer x.giveBack(m)
		m.arguments(s, account, some)
		found, err := x.put(ctx, account, s, m, time.Since(some[0].Sent) < lately)
		if err != nil {
			return err
		}
		r, err := unranked(found)
		parked = append(parked, r...)
		return err
	})
	if err != nil {
		return nil, fail(account, "add to the index", err)
	}
	return parked, nil
}

// put writes what is in the memory. lately tells that none of it was put before, as a rule.
func (x *Redis) put(ctx context.Context, account string, s sheaf, m *memory, lately bool) (parked []string, err error) {
	switch {
	case s.certain && lately:
		return x.writeFirst(ctx, account, s, m)
	case s.certain:
		return x.writeSome(ctx, account, s, known{list: "own"}, m.args)
	}
	err = x.over(ctx, account, func(all known) (err error) {
		parked, err = x.writeSome(ctx, account, s, all, m.args)
		return err
	})
	return parked, err
}

// Settle implements [receipts.Index].
func (x *Redis) Settle(ctx context.Context, account string, entries []receipts.Entry) error {
	err := sheaves(entries, func(s sheaf, some []receipts.Entry) error {
		m := x.borrow()
		defer x.giveBack(m)
		m.arguments(s, account, some)
		m.args[0] = "s"
		return x.over(ctx, account, func(all known) error {
			_, err := x.writeSome(ctx, account, s, all, m.args)
			return err
		})
	})
	if err != nil {
		return fail(account, "note what was told", err)
	}
	return nil
}

// writeSome runs the script. It looks in all generations that are given, beside the entries' own.
func (x *Redis) writeSome(ctx context.Context, account string, s sheaf, all known, args []any) ([]string, error) {
	own := x.generation(account, s.generation)
	keys := append(make([]string, 0, 7+len(all.keys)), x.key(account, "whole"), x.key(account, "newest"), x.key(account, "generations"), x.key(account, "due"),
		x.key(account, "forget"), x.key(account, "parked"), own)
	for _, key := range all.keys {
		if key != own {
			keys = append(keys, key)
		}
	}
	args[1] = all.list
	return x.write.Run(ctx, x.client, keys, args...).StringSlice()
}

// Unpark implements [receipts.Index]. Nothing else is parked for a message once it is known.
func (x *Redis) Unpark(ctx context.Context, account string, parked []receipts.Receipt) error {
	var names []string
	for i := range parked {
		names = append(names, parked[i].Keys()...)
	}
	for some := range slices.Chunk(names, scriptKeys) {
		if err := x.client.HDel(ctx, x.key(account, "parked"), some...).Err(); err != nil {
			return fail(account, "forget parked receipts", err)
		}
	}
	return nil
}

// ranked is a receipt as it is parked until then: <rank><until, ms> <receipt>.
func ranked(r *receipts.Receipt, until time.Time) (string, error) {
	data, err := r.Encode()
	if err != nil {
		return "", err
	}
	return strconv.Itoa(r.Rank()) + strconv.FormatInt(until.UnixMilli(), 10) + " " + string(data), nil
}

func unranked(values []string) ([]receipts.Receipt, error) {
	var out []receipts.Receipt
	for _, v := range values {
		_, data, _ := strings.Cut(v, " ")
		r, err := receipts.Decode([]byte(data))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
