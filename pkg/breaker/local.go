package breaker

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Local is [Breakers] for one process, in memory. It behaves as [Redis] does, by the process's own clock.
type Local struct {
	mu       sync.Mutex
	machines map[string]machine
	tickets  int
}

// NewLocal returns breakers that are all closed.
func NewLocal() *Local { return &Local{machines: map[string]machine{}} }

// Look implements [Breakers].
func (l *Local) Look(ctx context.Context, keys []string) ([]State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	states := make([]State, len(keys))
	for i, key := range keys {
		states[i] = l.machines[key].state(now, now)
	}
	return states, ctx.Err()
}

// Report implements [Breakers].
func (l *Local) Report(ctx context.Context, key string, p Policy, r Report) (State, error) {
	return l.change(ctx, key, func(m machine, now time.Time) machine { return m.report(now, p, r) })
}

// Probe implements [Breakers].
func (l *Local) Probe(ctx context.Context, key string, hold time.Duration) (s State, ticket string, err error) {
	s, err = l.change(ctx, key, func(m machine, now time.Time) machine {
		l.tickets++
		m, ok := m.probe(now, strconv.Itoa(l.tickets), hold)
		if ok {
			ticket = m.Ticket
		}
		return m
	})
	return s, ticket, err
}

func (l *Local) change(ctx context.Context, key string, to func(machine, time.Time) machine) (State, error) {
	if err := ctx.Err(); err != nil {
		return State{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	m := to(l.machines[key], now)
	l.machines[key] = m
	return m.state(now, now), nil
}
