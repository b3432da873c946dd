package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// loseRedis has so many records written, loses data in mid-load by lose, and tells how long it took until jobs were sent again. Then all that was sent before
// is published once more, under other message ids: it must be recognised.
func (w *town) loseRedis(ctx context.Context, lose func(context.Context) error) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	before := w.publish(ctx, 0, w.records, 1_000_000, "sms", "promo")
	if err := before.wait(ctx); err != nil {
		return err
	}
	if err := w.sentMore(ctx, w.records); err != nil {
		return err
	}
	load := w.publish(ctx, w.records, w.jobs, perSecond, "sms", "promo")
	if err := w.sentMore(ctx, w.records+w.jobs/4); err != nil {
		return err
	}
	if err := lose(ctx); err != nil {
		return err
	}
	// What was answered before is settled within a blink; then nothing is sent until the records are whole.
	time.Sleep(200 * time.Millisecond)
	took, err := w.pulse.next(ctx)
	if err != nil {
		return err
	}
	w.say("sending again %s after the loss, with %d records", (took + 200*time.Millisecond).Round(10*time.Millisecond), w.records+w.jobs/4)
	if err := load.wait(ctx); err != nil {
		return err
	}
	if err := w.sentMore(ctx, w.records+w.jobs); err != nil {
		return err
	}
	if err := w.republish(ctx); err != nil {
		return err
	}
	return w.settle(ctx, w.records+w.jobs, bounds{})
}

// republish publishes jobs once more, as other publications: some of those from long before the loss, and all from about it.
func (w *town) republish(ctx context.Context) error {
	for i := 0; i < w.records+w.jobs; i++ {
		if i < w.records && i%100 > 0 {
			continue
		}
		if err := w.publishOnce(ctx, i, []string{"sms", "promo"}[i%2]); err != nil {
			return err
		}
	}
	return nil
}

func flushRedis(ctx context.Context, w *town) error {
	return w.loseRedis(ctx, func(ctx context.Context) error { return w.db.FlushAll(ctx).Err() })
}

func emptyRedis(ctx context.Context, w *town) error {
	return w.loseRedis(ctx, func(ctx context.Context) error {
		w.redis.Kill()
		if err := os.RemoveAll(filepath.Join(w.redisDir(), "appendonlydir")); err != nil {
			return err
		}
		return w.startRedis(ctx)
	})
}

// forgetfulRedis comes back with a state that is a second old, as after a crash of its machine. A killed process alone forgets nothing: what it wrote is the
// kernel's.
func forgetfulRedis(ctx context.Context, w *town) error {
	return w.loseRedis(ctx, w.forgetASecond)
}

func (w *town) forgetASecond(ctx context.Context) error {
	live, saved := filepath.Join(w.redisDir(), "appendonlydir"), filepath.Join(w.dir, "saved")
	if err := os.RemoveAll(saved); err != nil {
		return err
	}
	if err := os.CopyFS(saved, os.DirFS(live)); err != nil {
		return err
	}
	time.Sleep(time.Second)
	w.redis.Kill()
	if err := os.RemoveAll(live); err != nil {
		return err
	}
	if err := os.CopyFS(live, os.DirFS(saved)); err != nil {
		return err
	}
	return w.startRedis(ctx)
}

// restartRedis forgets nothing, but nobody can tell.
func restartRedis(ctx context.Context, w *town) error {
	return w.loseRedis(ctx, func(ctx context.Context) error {
		w.redis.Kill()
		time.Sleep(ackWait)
		return w.startRedis(ctx)
	})
}

// slowRedis delays every answer, up to more than a command may take. Nothing is sent unguarded, no attempt is burnt; and where a command still gets
// its answer in time, jobs go on.
func slowRedis(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	load := w.publish(ctx, 0, w.jobs, perSecond, "sms", "promo")
	for _, delay := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond, 4 * time.Second} {
		w.pulse.mu.Lock()
		before := w.pulse.sent
		w.pulse.mu.Unlock()
		w.proxy.slow(delay)
		time.Sleep(6 * time.Second)
		w.proxy.slow(0)
		w.pulse.mu.Lock()
		sent := w.pulse.sent - before
		w.pulse.mu.Unlock()
		took, err := w.pulse.next(ctx)
		if err != nil {
			return err
		}
		w.say("answers delayed by %s: %d sent in 6 s; sending again %s after the end of it", delay, sent, took.Round(10*time.Millisecond))
	}
	if err := load.wait(ctx); err != nil {
		return err
	}
	return w.settle(ctx, w.jobs, bounds{attempt: 1})
}

// flapRedis cuts all connections again and again.
func flapRedis(ctx context.Context, w *town) error {
	if err := w.hire(ctx, crew); err != nil {
		return err
	}
	load := w.publish(ctx, 0, w.jobs, perSecond, "sms", "promo")
	cuts := 0
	for ; load.going(); cuts++ {
		time.Sleep(time.Duration(100+w.random.IntN(400)) * time.Millisecond)
		w.proxy.cut()
	}
	if err := load.wait(ctx); err != nil {
		return err
	}
	w.say("%d cuts", cuts)
	return w.settle(ctx, w.jobs, bounds{attempt: 1})
}
