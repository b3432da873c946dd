package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// blow is one thing that breaks, for a while or at once.
type blow struct {
	name   string
	strike func(context.Context, *town) error
}

func blows() []blow {
	pause := func(w *town) { time.Sleep(time.Duration(w.random.IntN(1500)) * time.Millisecond) }
	return []blow{
		{"kill a worker", func(ctx context.Context, w *town) error {
			// Not between a kill of nats-server that is followed by a loss of Redis and the moment when the records are whole: three failures at once
			// are no promise, see docs/reliability.md.
			if w.natsKilled {
				if _, err := w.pulse.next(ctx); err != nil {
					return err
				}
				w.natsKilled = false
			}
			return w.killOne(ctx)
		}},
		{"stop a worker", func(ctx context.Context, w *town) error { _, err := w.stopOne(ctx); return err }},
		{"kill nats-server", func(ctx context.Context, w *town) error {
			w.nats.Kill()
			w.natsKilled = true
			pause(w)
			return w.startNATS(ctx)
		}},
		{"kill redis-server", func(ctx context.Context, w *town) error {
			w.redis.Kill()
			pause(w)
			return w.startRedis(ctx)
		}},
		{"empty redis-server", func(ctx context.Context, w *town) error {
			w.redis.Kill()
			if err := os.RemoveAll(filepath.Join(w.redisDir(), "appendonlydir")); err != nil {
				return err
			}
			pause(w)
			return w.startRedis(ctx)
		}},
		{"kill nats-server and empty redis-server", func(ctx context.Context, w *town) error {
			w.nats.Kill()
			w.natsKilled = true
			w.redis.Kill()
			if err := os.RemoveAll(filepath.Join(w.redisDir(), "appendonlydir")); err != nil {
				return err
			}
			pause(w)
			if err := w.startRedis(ctx); err != nil {
				return err
			}
			pause(w)
			return w.startNATS(ctx)
		}},
		{"age redis-server", func(ctx context.Context, w *town) error { return w.forgetASecond(ctx) }},
		{"flush redis-server", func(ctx context.Context, w *town) error { return w.db.FlushAll(ctx).Err() }},
		{"slow redis-server", func(_ context.Context, w *town) error {
			w.proxy.slow(time.Duration(w.random.IntN(3000)) * time.Millisecond)
			pause(w)
			w.proxy.slow(0)
			return nil
		}},
		{"cut redis-server", func(_ context.Context, w *town) error { w.proxy.cut(); return nil }},
		{"break prostor", func(_ context.Context, w *town) error { return w.breakAny(w.prostor.Server) }},
		{"break mysmpp", func(_ context.Context, w *town) error { return w.breakAny(w.mysmpp) }},
		{"break the frail one", func(_ context.Context, w *town) error { return w.breakAny(w.frail.Server) }},
	}
}

// breakAny has a provider fail for a few requests in any of its ways; one that refused connections may listen again.
func (w *town) breakAny(s *sim.Server) error {
	faults := sim.Faults()
	w.breakOne(s, faults[w.random.IntN(len(faults))])
	time.Sleep(500 * time.Millisecond)
	if w.random.IntN(2) == 0 {
		s.Break(sim.None, 0)
	}
	return nil
}

// breakAll breaks everything for the time given, one blow after the other, some of them at once, and heals it at the end.
func breakAll(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	n := int(w.duration.Seconds() * perSecond / 2)
	load := w.publish(ctx, 0, n, perSecond/2, "sms", "promo", "otp")
	count := map[string]int{}
	all := blows()
	var deck []int // each of them comes before any comes again
	for deadline := time.Now().Add(w.duration); time.Now().Before(deadline); {
		if len(deck) == 0 {
			deck = w.random.Perm(len(all))
		}
		b := all[deck[0]]
		deck = deck[1:]
		count[b.name]++
		w.note(b.name)
		if err := b.strike(ctx, w); err != nil {
			return err
		}
		time.Sleep(time.Duration(w.random.IntN(1000)) * time.Millisecond)
	}
	w.heal()
	for _, b := range all {
		w.say("%3d × %s", count[b.name], b.name)
	}
	if err := load.wait(ctx); err != nil {
		return err
	}
	return w.settle(ctx, n, bounds{unknown: n})
}
