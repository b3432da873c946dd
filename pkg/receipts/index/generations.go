package index

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// generation is how long one lasts.
	generation = 24 * time.Hour
	// endStep is what the end of a generation is rounded up to, so that it is seldom put off.
	endStep = time.Hour
	// deleteAfter is how long after its end Redis deletes a generation by itself, should no worker be there to do it: at once, and so slowly where it is large.
	deleteAfter = 24 * time.Hour
	// listTries is how often generations are listed at most: a new one comes once a day.
	listTries = 10
)

// generationOf is the number of the generation of what was sent then. It is of the event alone: a repeat finds what stands.
func generationOf(sent time.Time) int64 { return sent.UnixMilli() / generation.Milliseconds() }

func (x *Redis) generation(account string, number int64) string {
	return x.key(account, "d"+strconv.FormatInt(number, 10))
}

// known are the generations that there are.
type known struct {
	list    string // as the scripts compare it
	numbers []int64
	keys    []string // the newest first, as the numbers
}

func (x *Redis) generations(ctx context.Context, account string) (known, error) {
	members, err := x.client.ZRange(ctx, x.key(account, "generations"), 0, -1).Result()
	if err != nil {
		return known{}, err
	}
	var k known
	for i, m := range members {
		n, err := strconv.ParseInt(m, 10, 64)
		if err != nil {
			return known{}, err
		}
		if i > 0 {
			k.list += " "
		}
		k.list += m
		k.numbers = append(k.numbers, n)
	}
	slices.SortFunc(k.numbers, func(a, b int64) int { return cmp.Compare(b, a) })
	for _, n := range k.numbers {
		k.keys = append(k.keys, x.generation(account, n))
	}
	return k, nil
}

// over runs a script over all generations, again where there are new ones by then.
func (x *Redis) over(ctx context.Context, account string, run func(known) error) error {
	var err error
	for range listTries {
		var k known
		if k, err = x.generations(ctx, account); err != nil {
			return err
		}
		if err = run(k); !redis.HasErrorPrefix(err, "RECEIPTSAGAIN") {
			return err
		}
	}
	return err
}
