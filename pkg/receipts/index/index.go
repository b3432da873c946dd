// Package index keeps what waits for a receipt in Redis, for all workers together: it implements [receipts.Index] and [receipts.Leases].
//
// All keys of an account share one hash tag, so that in a cluster they lie on one node; each script declares every key.
//
//	<prefix>:receipts:{<account>}:whole        3, or another value while the index is being made
//	<prefix>:receipts:{<account>}:newest       when the newest message was submitted, in ms
//	<prefix>:receipts:{<account>}:generations  the numbers of the generations, by when they are forgotten, in ms
//	<prefix>:receipts:{<account>}:d<number>    a generation, the messages of one day (UTC): by their keys, which are i<provider's id> or
//	                                           c<our own id>, and under o how many of them wait no more
//	<prefix>:receipts:{<account>}:due          packets, and messages, by when to ask about them, in ms
//	<prefix>:receipts:{<account>}:forget       packets of delivered messages, and of parked receipts, by when to forget them, in ms
//	<prefix>:receipts:{<account>}:parked       the best receipts of messages that aren't known yet, behind rank and end
//	<prefix>:lease:{<name>}                    who is the only one at something
//
// A message stands in the generation of the day it was sent. A delivered one shrinks to a few bytes, and is forgotten in its time; what is left of a
// generation goes at once, when the last of its messages is to be forgotten. Which generations there are the caller of a script must know, to declare them;
// the script refuses where there are others by now. Whatever the clocks of workers say, none is missed.
//
// The messages of a packet are noted together, as the names in it. Only those that still wait when the packet is due are noted one by one.
//
// Redis must not evict keys (maxmemory-policy noeviction). Where it lost its data the key whole is gone, and Match, Due and Settle answer
// [receipts.ErrUnfit] until the index is made anew.
package index

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/pkg/receipts"
)

//go:embed find.lua
var findLua string

//go:embed write.lua
var writeLua string

//go:embed note.lua
var noteLua string

//go:embed match.lua
var matchLua string

//go:embed due.lua
var dueLua string

//go:embed finish.lua
var finishLua string

//go:embed lease.lua
var leaseLua string

// scriptKeys is how many messages one script call is about at most, so that other clients of the server don't wait for long.
const scriptKeys = 500

// Redis is the index. It is safe for concurrent use.
type Redis struct {
	client redis.UniversalClient
	prefix string
	worker string

	write, note, match, due, finish, holder *redis.Script

	memories sync.Pool // of *memory
}

var (
	_ receipts.Index  = (*Redis)(nil)
	_ receipts.Leases = (*Redis)(nil)
)

// New returns the index under a prefix. worker names this process among all that run and ever ran. It doesn't connect yet.
func New(client redis.UniversalClient, prefix, worker string) *Redis {
	return &Redis{client: client, prefix: prefix, worker: worker, write: redis.NewScript(findLua + writeLua), note: redis.NewScript(findLua + noteLua),
		match: redis.NewScript(findLua + matchLua), due: redis.NewScript(findLua + dueLua), finish: redis.NewScript(finishLua), holder: redis.NewScript(leaseLua)}
}

func (x *Redis) key(account, what string) string {
	return x.prefix + ":receipts:{" + account + "}:" + what
}

// fail makes an error of a call's, which is [receipts.ErrUnfit] where a script says so.
func fail(account, what string, err error) error {
	if redis.HasErrorPrefix(err, "RECEIPTSUNFIT") {
		err = fmt.Errorf("%w (%w)", receipts.ErrUnfit, err)
	}
	return fmt.Errorf("receipts of account %s: %s: %w", account, what, err)
}

// Whole implements [receipts.Index].
func (x *Redis) Whole(ctx context.Context, account string) (bool, error) {
	state, err := x.client.Get(ctx, x.key(account, "whole")).Result()
	if err != nil && err != redis.Nil {
		return false, fail(account, "see whether the index is whole", err)
	}
	return state == whole, nil
}

// whole is the state of a whole index of this layout; that of one that is being made is a ticket.
const whole = "3"

// Begin implements [receipts.Index].
func (x *Redis) Begin(ctx context.Context, account string) (ticket string, err error) {
	ticket = rand.Text()
	if err := x.client.Set(ctx, x.key(account, "whole"), ticket, 0).Err(); err != nil {
		return "", fail(account, "begin the index", err)
	}
	return ticket, nil
}

// End implements [receipts.Index].
func (x *Redis) End(ctx context.Context, account, ticket string) error {
	if err := x.finish.Run(ctx, x.client, []string{x.key(account, "whole")}, ticket).Err(); err != nil {
		return fail(account, "end the index", err)
	}
	return nil
}

// Forget makes an index count as lost.
func (x *Redis) Forget(ctx context.Context, account string) error {
	if err := x.client.Del(ctx, x.key(account, "whole")).Err(); err != nil {
		return fail(account, "have the index made anew", err)
	}
	return nil
}

// Look implements [receipts.Index].
func (x *Redis) Look(ctx context.Context, account string) (waiting int, newest time.Time, err error) {
	known, err := x.generations(ctx, account)
	if err != nil {
		return 0, newest, fail(account, "look what waits", err)
	}
	pipe := x.client.Pipeline()
	at := pipe.Get(ctx, x.key(account, "newest"))
	fields, over := make([]*redis.IntCmd, len(known.keys)), make([]*redis.StringCmd, len(known.keys))
	for i, key := range known.keys {
		fields[i], over[i] = pipe.HLen(ctx, key), pipe.HGet(ctx, key, "o")
	}
	if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
		return 0, newest, fail(account, "look what waits", err)
	}
	if ms, err := at.Int64(); err == nil {
		newest = time.UnixMilli(ms)
	}
	for i := range known.keys {
		waiting += int(fields[i].Val())
		if n, err := over[i].Int(); err == nil {
			waiting -= n + 1 // with the field that tells it
		}
	}
	return waiting, newest, nil
}

// Hold implements [receipts.Leases].
func (x *Redis) Hold(ctx context.Context, name string, d time.Duration) (bool, error) {
	return x.lease(ctx, name, max(d, time.Millisecond).Milliseconds())
}

// Release implements [receipts.Leases].
func (x *Redis) Release(ctx context.Context, name string) error {
	_, err := x.lease(ctx, name, 0)
	return err
}

func (x *Redis) lease(ctx context.Context, name string, ms int64) (bool, error) {
	held, err := x.holder.Run(ctx, x.client, []string{x.prefix + ":lease:{" + name + "}"}, x.worker, ms).Int()
	if err != nil {
		return false, fmt.Errorf("lease %s: %w", name, err)
	}
	return held == 1, nil
}
