package index

import (
	"cmp"
	"context"

	"github.com/redis/go-redis/v9"
)

// writeFirst writes messages that nearly always come for the first time, by plain commands: the script would take Redis half as long again. What stood
// is written once more then, by the script, unless this is later. Where a worker dies in between, or its connection breaks, a message waits though it was told:
// it is asked about once for nothing.
func (x *Redis) writeFirst(ctx context.Context, account string, s sheaf, m *memory) ([]string, error) {
	own, args := x.generation(account, s.generation), m.args
	n := (len(args) - head) / 2
	m.plain = append(m.plain[:0], "hmget", own)
	for i := range n {
		m.plain = append(m.plain, args[head+2*i])
	}
	m.plain = append(append(m.plain, "hset", own), args[head:]...)
	keys := []string{x.key(account, "newest"), x.key(account, "generations"), x.key(account, "due"), x.key(account, "parked"), own}
	noted := []any{args[2], args[3], args[4], args[6], args[7]}
	pipe := x.client.Pipeline()
	stood, added := redis.NewSliceCmd(ctx, m.plain[:2+n]...), redis.NewIntCmd(ctx, m.plain[2+n:]...)
	_, _ = pipe.Process(ctx, stood), pipe.Process(ctx, added) // each command tells
	note := x.note.EvalSha(ctx, pipe, keys, noted...)
	_, _ = pipe.Exec(ctx) // likewise
	if err := cmp.Or(stood.Err(), added.Err()); err != nil {
		return nil, err
	}
	if int(added.Val()) < n {
		if err := x.restore(ctx, account, s, args, stood.Val()); err != nil {
			return nil, err
		}
	}
	if redis.HasErrorPrefix(note.Err(), "NOSCRIPT") {
		note = x.note.Run(ctx, x.client, keys, noted...)
	}
	return note.StringSlice()
}

// restore writes again what stood, and what was written over it, each unless a later one stands.
func (x *Redis) restore(ctx context.Context, account string, s sheaf, args, stood []any) error {
	again := func(kind string) []any { return append(append([]any(nil), args[:4]...), "0", kind, "", 0) }
	over, waiting := again("t"), again("w")
	seen := map[string]bool{}
	for i, v := range stood {
		name := *args[head+2*i].(*string)
		text, _ := v.(string)
		if text == "" || seen[name] {
			continue
		}
		seen[name] = true
		if text[0] == waits {
			waiting = append(waiting, name, text)
		} else {
			over = append(over, name, text)
		}
	}
	if n := (len(over) - head) / 2; n > 0 { // they wait, as it stands now
		if err := x.client.HIncrBy(ctx, x.generation(account, s.generation), "o", -int64(n)).Err(); err != nil {
			return err
		}
	}
	for _, some := range [][]any{over, waiting, args} {
		if len(some) == head {
			continue
		}
		if _, err := x.writeSome(ctx, account, s, known{list: "own"}, some); err != nil {
			return err
		}
	}
	return nil
}
