package ratelimit

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed reserve.lua
var reserveLua string

//go:embed refund.lua
var refundLua string

//go:embed block.lua
var blockLua string

//go:embed acquire.lua
var acquireLua string

// Redis is a [Limiter] and [Slots] for all processes that share a Redis and a prefix. Each method is one round trip.
//
// The limits of one call must lie on one node of a cluster, and a limit is the same one in whatever call it stands; so all limits of a
// prefix lie on one node, under the hash tag {<prefix>:limit}. Keys that nobody uses vanish by themselves.
//
// The client must try each command once (MaxRetries -1), since a repeated try would take its tokens again, and heed deadlines
// (ContextTimeoutEnabled).
type Redis struct {
	client redis.UniversalClient
	prefix string
	id     string // of this instance, unique
	ids    atomic.Uint64

	reserve, refund, block, acquire *redis.Script
}

// NewRedis returns the limits and slots under a prefix. It doesn't connect yet.
func NewRedis(client redis.UniversalClient, prefix string) *Redis {
	return &Redis{
		client:  client,
		prefix:  prefix,
		id:      rand.Text(),
		reserve: redis.NewScript(reserveLua),
		refund:  redis.NewScript(refundLua),
		block:   redis.NewScript(blockLua),
		acquire: redis.NewScript(acquireLua),
	}
}

func (r *Redis) bucketKey(key string) string { return "{" + r.prefix + ":limit}:bucket:" + key }
func (r *Redis) blockKey(key string) string  { return "{" + r.prefix + ":limit}:block:" + key }
func (r *Redis) turnsKey(key string) string  { return "{" + r.prefix + ":limit}:turns:" + key }
func (r *Redis) slotsKey(key string) string  { return r.prefix + ":slots:{" + key + "}" }

// Reserve implements [Limiter].
func (r *Redis) Reserve(ctx context.Context, limits []Limit, n int, maxWait time.Duration, turn Turn) (Reservation, error) {
	if err := check(limits, n); err != nil {
		return Reservation{}, err
	}
	if err := turn.check(); err != nil {
		return Reservation{}, err
	}
	if len(limits) == 0 {
		return Reservation{OK: true}, nil
	}
	keys := make([]string, 3*len(limits))
	args := make([]any, 0, 4+2*len(limits))
	args = append(args, n, micros(maxWait), turn.Caller, turn.More)
	for i, l := range limits {
		keys[i], keys[len(limits)+i], keys[2*len(limits)+i] = r.bucketKey(l.Key), r.blockKey(l.Key), r.turnsKey(l.Key)
		args = append(args, exact(l.Rate), l.Burst)
	}
	answer, err := r.reserve.Run(ctx, r.client, keys, args...).Int64Slice()
	if err != nil {
		return Reservation{}, fmt.Errorf("ratelimit: reserve %d of %s: %w", n, names(limits), err)
	}
	if len(answer) != 4 {
		return Reservation{}, fmt.Errorf("ratelimit: reserve %d of %s: the script answered %d numbers, not 4", n, names(limits), len(answer))
	}
	return Reservation{
		OK:      answer[0] == 1,
		Wait:    time.Duration(answer[1]) * time.Microsecond,
		Blocked: answer[2] == 1,
		Turn:    time.Duration(answer[3]) * time.Microsecond,
	}, nil
}

// Refund implements [Limiter].
func (r *Redis) Refund(ctx context.Context, limits []Limit, n int) error {
	if err := check(limits, n); err != nil {
		return err
	}
	if len(limits) == 0 {
		return nil
	}
	keys := make([]string, len(limits))
	args := make([]any, 0, 1+len(limits))
	args = append(args, n)
	for i, l := range limits {
		keys[i] = r.bucketKey(l.Key)
		args = append(args, exact(l.Rate))
	}
	if err := r.refund.Run(ctx, r.client, keys, args...).Err(); err != nil {
		return fmt.Errorf("ratelimit: refund %d of %s: %w", n, names(limits), err)
	}
	return nil
}

// Block implements [Limiter].
func (r *Redis) Block(ctx context.Context, key string, d time.Duration) error {
	if err := r.block.Run(ctx, r.client, []string{r.blockKey(key)}, micros(d)).Err(); err != nil {
		return fmt.Errorf("ratelimit: block %s for %s: %w", key, d, err)
	}
	return nil
}

// Acquire implements [Slots].
func (r *Redis) Acquire(ctx context.Context, key string, most int, hold time.Duration) (Slot, bool, error) {
	if err := checkSlots(key, most, hold); err != nil {
		return Slot{}, false, err
	}
	slot := Slot{Key: key, ID: r.id + "." + strconv.FormatUint(r.ids.Add(1), 10)}
	taken, err := r.acquire.Run(ctx, r.client, []string{r.slotsKey(key)}, slot.ID, most, micros(hold)).Bool()
	if err != nil {
		return Slot{}, false, fmt.Errorf("ratelimit: acquire a slot of %s: %w", key, err)
	}
	if !taken {
		return Slot{}, false, nil
	}
	return slot, true, nil
}

// Release implements [Slots].
func (r *Redis) Release(ctx context.Context, slot Slot) error {
	// One command is a script already.
	if err := r.client.ZRem(ctx, r.slotsKey(slot.Key), slot.ID).Err(); err != nil {
		return fmt.Errorf("ratelimit: release a slot of %s: %w", slot.Key, err)
	}
	return nil
}

func checkSlots(key string, most int, hold time.Duration) error {
	if most < 1 || hold <= 0 {
		return fmt.Errorf("%w: slots of %s: %d slots for %s; at least one for some time are possible", ErrInvalid, key, most, hold)
	}
	return nil
}

// exact writes a number so that the same one is read back.
func exact(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func names(limits []Limit) []string {
	keys := make([]string, len(limits))
	for i, l := range limits {
		keys[i] = l.Key
	}
	return keys
}
