package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// A worker notices by itself that the records can't be asked, or aren't whole: then they are rebuilt, also where no call of its own meets the loss.
func TestGuardWatches(t *testing.T) {
	rebuilt := make(chan struct{})
	g, stop := newGuard(&lossy{}, func(context.Context) error { close(rebuilt); return nil }, func(error) {}, zap.NewNop())
	defer stop()
	type answer struct {
		whole bool
		err   error
	}
	asked, answers := make(chan struct{}), make(chan answer)
	unwatch := beside(func(ctx context.Context) {
		g.watch(ctx, func(ctx context.Context) (bool, error) {
			select {
			case asked <- struct{}{}:
				a := <-answers
				return a.whole, a.err
			case <-ctx.Done():
				return false, ctx.Err()
			}
		})
	})
	defer unwatch()
	for _, step := range []struct {
		away bool // as the look before has left it
		then answer
	}{{false, answer{whole: true}}, {false, answer{err: errors.New("no connection")}}, {true, answer{}}, {true, answer{whole: true}}, {false, answer{whole: true}}} {
		<-asked
		require.Equal(t, step.away, g.away.Load())
		answers <- step.then
	}
	<-rebuilt
}
