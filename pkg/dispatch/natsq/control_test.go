package natsq_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// followControl stores an entry, and another one while it follows.
func followControl(t *testing.T, c *natsq.Control) {
	t.Helper()
	put := func(words string) {
		_, err := c.Change(t.Context(), "main", func([]byte) ([]byte, error) { return []byte(words), nil })
		require.NoError(t, err)
	}
	put("stood")
	ctx, cancel := context.WithCancel(t.Context())
	heard, standing, over := make(chan natsq.ControlEntry, 10), make(chan struct{}), make(chan error, 1)
	go func() {
		over <- c.Follow(ctx, func(e natsq.ControlEntry) { heard <- e }, func() { close(standing) })
	}()
	require.Equal(t, "stood", string(receive(t, heard).Data))
	receive(t, standing)
	put("came")
	e := receive(t, heard)
	require.Equal(t, "main", e.Account)
	require.Equal(t, "came", string(e.Data))
	cancel()
	require.ErrorIs(t, receive(t, over), context.Canceled)
}

// Changes at once are made one after the other; none is lost, a refused one changes nothing, and a deleted entry is as good as none.
func TestControl(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	c := natsq.NewControl(w.js, w.layout)
	followControl(t, c)
	kv, err := w.js.KeyValue(t.Context(), "DISPATCH_CONTROL")
	require.NoError(t, err)
	require.NoError(t, kv.Delete(t.Context(), "main"))

	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				_, err := c.Change(t.Context(), "main", func(old []byte) ([]byte, error) {
					n, _ := strconv.Atoi(string(old)) // none: 0
					return fmt.Append(nil, n+1), nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	no := errors.New("no")
	_, err = c.Change(t.Context(), "main", func([]byte) ([]byte, error) { return nil, no })
	require.ErrorIs(t, err, no)
	e, err := kv.Get(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, "40", string(e.Value()))

	require.NoError(t, w.js.DeleteKeyValue(t.Context(), "DISPATCH_CONTROL"))
	_, err = c.Change(t.Context(), "main", func([]byte) ([]byte, error) { return nil, nil })
	require.ErrorContains(t, err, "worker init creates it")
}
