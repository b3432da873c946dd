package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// knownFor is how long a reading says something. Where there has been none for so long, the account is taken for one that tells nothing.
const knownFor = 15 * time.Minute

// balanceStore is the last readings in Redis, for all workers that share it and a prefix.
type balanceStore struct {
	client redis.UniversalClient
	prefix string
}

func (s balanceStore) key(account string) string { return "{" + s.prefix + ":balance}:" + account }

// look returns the last reading of the account, nil where there is none; and whether this worker is to ask for the next one: over all workers one is, once
// in each pace. For another reason it is asked for at once.
func (s balanceStore) look(ctx context.Context, account, reason string, pace time.Duration) (last *reading, ask bool, err error) {
	turn := s.key(account) + ":asked:" + reason
	pipe := s.client.Pipeline()
	stored, mine := pipe.Get(ctx, s.key(account)), pipe.SetNX(ctx, turn, 1, pace)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, false, fmt.Errorf("balance of account %s: %w", account, err)
	}
	text, err := stored.Bytes()
	if err == nil {
		var r reading
		if json.Unmarshal(text, &r) == nil { // what can't be read is as none: the next one replaces it
			last = &r
		}
	}
	return last, mine.Val(), nil
}

// save stores a reading.
func (s balanceStore) save(ctx context.Context, account string, r reading) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = s.client.Set(ctx, s.key(account), text, knownFor).Err()
	}
	if err != nil {
		return fmt.Errorf("balance of account %s: %w", account, err)
	}
	return nil
}
