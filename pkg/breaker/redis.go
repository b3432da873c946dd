package breaker

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed look.lua
var lookLua string

//go:embed swap.lua
var swapLua string

// Redis is [Breakers] for all processes that share a Redis and a prefix. What a finding means is decided here, and stored where nobody stored
// something else meanwhile; so there is one machine, and not another one in Lua.
//
// The keys of a prefix lie on one node of a cluster, under the hash tag {<prefix>:breaker}, and vanish an hour after they were last of use. A Redis
// that loses them has closed every breaker: the failures are counted anew.
type Redis struct {
	client     redis.UniversalClient
	prefix     string
	look, swap *redis.Script
}

// NewRedis returns the breakers under a prefix. It doesn't connect yet.
func NewRedis(client redis.UniversalClient, prefix string) *Redis {
	return &Redis{client: client, prefix: prefix, look: redis.NewScript(lookLua), swap: redis.NewScript(swapLua)}
}

// Look implements [Breakers].
func (r *Redis) Look(ctx context.Context, keys []string) ([]State, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	now, stored, err := r.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	states := make([]State, len(keys))
	for i := range keys {
		states[i] = decode(stored[i]).state(now, at)
	}
	return states, nil
}

// Report implements [Breakers].
func (r *Redis) Report(ctx context.Context, key string, p Policy, rep Report) (State, error) {
	s, _, err := r.change(ctx, key, func(m machine, now time.Time) machine { return m.report(now, p, rep) })
	return s, err
}

// Probe implements [Breakers].
func (r *Redis) Probe(ctx context.Context, key string, hold time.Duration) (State, string, error) {
	ticket := rand.Text()
	s, m, err := r.change(ctx, key, func(m machine, now time.Time) machine {
		m, _ = m.probe(now, ticket, hold)
		return m
	})
	if err != nil || m.Ticket != ticket {
		return s, "", err
	}
	return s, ticket, nil
}

// change reads the key's machine and stores what becomes of it, until nobody else stored something in between.
func (r *Redis) change(ctx context.Context, key string, to func(machine, time.Time) machine) (State, machine, error) {
	for {
		now, stored, err := r.read(ctx, []string{key})
		if err != nil {
			return State{}, machine{}, err
		}
		at := time.Now()
		next := to(decode(stored[0]), now)
		encoded, err := json.Marshal(next)
		if err != nil {
			return State{}, machine{}, fmt.Errorf("breaker: write the state of %s: %w", key, err)
		}
		if string(encoded) == stored[0] {
			return next.state(now, at), next, nil
		}
		done, err := r.swap.Run(ctx, r.client, []string{r.key(key)}, stored[0], encoded, next.life(now).Milliseconds()).Bool()
		if err != nil {
			return State{}, machine{}, fmt.Errorf("breaker: store the state of %s: %w", key, err)
		}
		if done {
			return next.state(now, at), next, nil
		}
	}
}

// read returns the server's time and what is stored of each key; empty: nothing is.
func (r *Redis) read(ctx context.Context, keys []string) (now time.Time, stored []string, err error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = r.key(key)
	}
	answer, err := r.look.Run(ctx, r.client, names).Slice()
	if err == nil {
		now, stored, err = parse(answer, len(keys))
	}
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("breaker: read the states: %w", err)
	}
	return now, stored, nil
}

func (r *Redis) key(key string) string { return "{" + r.prefix + ":breaker}:" + key }

var errAnswer = errors.New("the script answered something else than the time and a state for each key")

func parse(answer []any, n int) (now time.Time, stored []string, err error) {
	if len(answer) != 3 {
		return now, nil, errAnswer
	}
	seconds, err1 := strconv.ParseInt(fmt.Sprint(answer[0]), 10, 64)
	micros, err2 := strconv.ParseInt(fmt.Sprint(answer[1]), 10, 64)
	values, ok := answer[2].([]any)
	if err1 != nil || err2 != nil || !ok || len(values) != n {
		return now, nil, errAnswer
	}
	stored = make([]string, n)
	for i, v := range values {
		stored[i], _ = v.(string) // nil: nothing
	}
	return time.UnixMicro(seconds*1_000_000 + micros).UTC(), stored, nil
}

// decode reads a stored machine. One that can't be read is as none: the next report replaces it.
func decode(stored string) machine {
	var m machine
	if stored == "" || json.Unmarshal([]byte(stored), &m) != nil {
		return machine{}
	}
	return m
}
