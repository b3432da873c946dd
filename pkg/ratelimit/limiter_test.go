package ratelimit

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// clock is the time of a test: it passes only when told.
type clock struct{ micros int64 }

func (c *clock) pass(d time.Duration) { c.micros += int64(d / time.Microsecond) }

// timed is a Redis limiter whose scripts read the test's clock in place of the server's.
type timed struct {
	*Redis
	clock *clock
}

func newTimed(client *redis.Client, prefix string, c *clock) *timed {
	r := NewRedis(client, prefix)
	on := func(source string) *redis.Script {
		return redis.NewScript(strings.NewReplacer(
			"redis.call('TIME')", "redis.call('MGET', 'clock:s', 'clock:us')",
			"math.ceil(ARGV[1] / 1000) + 1", "600000", // blocks and turns end by the test's clock, not by expiry
			"math.ceil((line[#line].at - now + lead) / 1000) + 1", "600000",
		).Replace(source))
	}
	r.reserve, r.refund, r.block, r.acquire = on(reserveLua), on(refundLua), on(blockLua), on(acquireLua)
	return &timed{Redis: r, clock: c}
}

func (t *timed) set(ctx context.Context) error {
	return t.client.MSet(ctx, "clock:s", strconv.FormatInt(t.clock.micros/1e6, 10), "clock:us", strconv.FormatInt(t.clock.micros%1e6, 10)).Err()
}

// grant is what a reservation let somebody use.
type grant struct {
	good   int64 // µs
	tokens int   // less what was given back
	limits []int
}

// lawful finds the window in which more tokens of a limit are good than burst + rate × window.
func lawful(t require.TestingT, l Limit, index int, grants []grant) {
	var mine []grant
	for _, g := range grants {
		if slices.Contains(g.limits, index) {
			mine = append(mine, g)
		}
	}
	slices.SortFunc(mine, func(a, b grant) int { return int(a.good - b.good) })
	for i := range mine {
		sum := 0
		for _, g := range mine[i:] {
			sum += g.tokens
			allowed := float64(l.Burst) + l.Rate*float64(g.good-mine[i].good)/1e6
			require.LessOrEqual(t, float64(sum), allowed+1e-6, "%s: %d tokens in %d µs", l.Key, sum, g.good-mine[i].good)
		}
	}
}

func limitsGen(t *rapid.T) []Limit {
	limits := make([]Limit, rapid.IntRange(1, 3).Draw(t, "limits"))
	for i := range limits {
		limits[i] = Limit{
			Key:   "limit" + strconv.Itoa(i),
			Rate:  rapid.SampledFrom([]float64{0.5, 1, 3, 7.7, 100, 333, 90000}).Draw(t, "rate"),
			Burst: rapid.SampledFrom([]int{1, 2, 10, 33}).Draw(t, "burst"),
		}
	}
	return limits
}

// property drives a Local and, where there is one, a Redis limiter through the same history: the law holds, and both answer alike.
func property(t *rapid.T, client *redis.Client) {
	ctx := context.Background()
	c := &clock{micros: 1_790_000_000_123_457}
	local := newLocal(func() int64 { return c.micros })
	var both *timed
	if client != nil {
		require.NoError(t, client.FlushDB(ctx).Err())
		both = newTimed(client, "t", c)
		require.NoError(t, both.set(ctx))
	}
	limits := limitsGen(t)
	var grants []grant
	blocked := make([]int64, len(limits))
	pick := func(t *rapid.T) (some []Limit, indexes []int, least int) {
		least = 1 << 30
		for i, l := range limits {
			if rapid.Bool().Draw(t, "with "+l.Key) {
				some, indexes, least = append(some, l), append(indexes, i), min(least, l.Burst)
			}
		}
		if len(some) == 0 {
			return limits[:1], []int{0}, limits[0].Burst
		}
		return some, indexes, least
	}
	t.Repeat(map[string]func(*rapid.T){
		"pass": func(t *rapid.T) {
			c.pass(time.Duration(rapid.SampledFrom([]int64{1, 7, 999, 10_007, 333_333, 1_000_000, 3_000_001, 20_000_000, 40_000_000}).Draw(t, "µs")) * time.Microsecond)
			if both != nil {
				require.NoError(t, both.set(ctx))
			}
		},
		"reserve": func(t *rapid.T) {
			some, indexes, least := pick(t)
			n := rapid.IntRange(1, least).Draw(t, "n")
			patience := time.Duration(rapid.SampledFrom([]int{0, 1, 1000, 500_000, 10_000_000}).Draw(t, "patience")) * time.Microsecond
			turn := Turn{Caller: rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "caller"), More: rapid.Bool().Draw(t, "more")}
			got, err := local.Reserve(ctx, some, n, patience, turn)
			require.NoError(t, err)
			if both != nil {
				same, err := both.Reserve(ctx, some, n, patience, turn)
				require.NoError(t, err)
				require.Equal(t, got, same)
			}
			if turn.Caller == "" || got.OK && !turn.More {
				require.Zero(t, got.Turn)
			}
			if !got.OK {
				require.Positive(t, got.Wait)
				if turn.Caller != "" {
					require.GreaterOrEqual(t, got.Turn, got.Wait, "a turn before there is anything")
				}
				return
			}
			require.LessOrEqual(t, got.Wait, patience)
			g := grant{good: c.micros + got.Wait.Microseconds(), tokens: n, limits: indexes}
			for _, i := range indexes {
				require.GreaterOrEqual(t, g.good, blocked[i], "good while blocked")
			}
			grants = append(grants, g)
		},
		"refund": func(t *rapid.T) {
			var fresh []int
			for i, g := range grants {
				if g.tokens > 0 && c.micros-g.good < window {
					fresh = append(fresh, i)
				}
			}
			if len(fresh) == 0 {
				t.Skip()
			}
			g := &grants[rapid.SampledFrom(fresh).Draw(t, "which")]
			n := rapid.IntRange(1, g.tokens).Draw(t, "n")
			g.tokens -= n
			var some []Limit
			for _, i := range g.limits {
				some = append(some, limits[i])
			}
			require.NoError(t, local.Refund(ctx, some, n))
			if both != nil {
				require.NoError(t, both.Refund(ctx, some, n))
			}
		},
		"block": func(t *rapid.T) {
			i := rapid.IntRange(0, len(limits)-1).Draw(t, "which")
			d := time.Duration(rapid.IntRange(0, 3_000_000).Draw(t, "µs")) * time.Microsecond
			require.NoError(t, local.Block(ctx, limits[i].Key, d))
			if both != nil {
				require.NoError(t, both.Block(ctx, limits[i].Key, d))
			}
			blocked[i] = max(blocked[i], c.micros+d.Microseconds())
		},
		"": func(t *rapid.T) {
			for i, l := range limits {
				lawful(t, l, i, grants)
			}
		},
	})
}

func TestTheLawHoldsLocally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { property(t, nil) })
}

func TestTheLawHoldsOnRedis(t *testing.T) {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	rapid.Check(t, func(t *rapid.T) { property(t, client) })
}
