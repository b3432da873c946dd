package natsq_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// buried stores dead letters and reads them back.
func (w *world) buried(t *testing.T, ids ...string) []natsq.Letter {
	t.Helper()
	var dead []dispatch.DeadLetter
	for _, id := range ids {
		d := held(id, 0, time.Time{}).Delivery
		d.Hop, d.Epoch, d.Sequence = 4, 1, 9
		d.Trace = job.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=b"}
		dead = append(dead, dispatch.DeadLetter{Delivery: d, JobID: id, Reason: job.Unavailable, Attempts: 5, At: time.Now()})
	}
	require.NoError(t, w.outlet(t).Bury(t.Context(), dead))
	s, err := w.js.Stream(t.Context(), "DISPATCH_DEAD")
	require.NoError(t, err)
	var letters []natsq.Letter
	for n := s.CachedInfo().State.FirstSeq; n <= s.CachedInfo().State.LastSeq; n++ {
		m, err := s.GetMsg(t.Context(), n)
		require.NoError(t, err)
		l, err := natsq.DecodeDead(m.Subject, m.Header, m.Data)
		require.NoError(t, err)
		letters = append(letters, natsq.Letter{DeadLetter: l, Sequence: n})
	}
	return letters
}

func TestReplay(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	letters := w.buried(t, "a", "b", "c")
	n, err := natsq.Replay(t.Context(), w.js, w.layout, w.outlet(t), letters[:2])
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.EqualValues(t, 1, w.stored(t, "DISPATCH_DEAD"))
	lane := letters[0].Delivery.Address.Lane
	out, _ := w.source(t, lane, "otp", natsq.SourceOptions{})
	for _, l := range letters[:2] {
		d := receive(t, out)
		require.Equal(t, 2, d.Epoch)
		require.Zero(t, d.Hop)
		require.Equal(t, 9, d.Sequence)
		require.Equal(t, l.Delivery.Data, d.Data)
		require.Equal(t, l.Delivery.Trace, d.Trace)
		require.Equal(t, l.Delivery.Publication, d.Publication)
		require.NoError(t, d.Handle.Ack())
	}
	w.empty(t, "DISPATCH_LATER")
}

// Two callers with the same letters, and one that stopped before its deletions: every job is stored once.
func TestReplayTwice(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	letters := w.buried(t, "a", "b", "c")
	var both sync.WaitGroup
	for range 2 {
		o := w.outlet(t)
		both.Go(func() {
			if _, err := natsq.Replay(t.Context(), w.js, w.layout, o, letters); err != nil {
				t.Errorf("replay: %v", err)
			}
		})
	}
	both.Wait()
	require.Zero(t, w.stored(t, "DISPATCH_DEAD"))
	require.EqualValues(t, 3, w.stored(t, "DISPATCH_LATER"))
}

// Where LATER doesn't take the jobs the letters stay.
func TestReplayThatIsNotStored(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	letters := w.buried(t, "a", "b")
	later, err := w.js.Stream(t.Context(), "DISPATCH_LATER")
	require.NoError(t, err)
	config := later.CachedInfo().Config
	require.NoError(t, w.js.DeleteStream(t.Context(), "DISPATCH_LATER"))
	n, err := natsq.Replay(t.Context(), w.js, w.layout, w.outlet(t), letters)
	require.ErrorContains(t, err, "2 of 2 held jobs not stored")
	require.Zero(t, n)
	require.EqualValues(t, 2, w.stored(t, "DISPATCH_DEAD"))
	_, err = w.js.CreateStream(t.Context(), config)
	require.NoError(t, err)
	n, err = natsq.Replay(t.Context(), w.js, w.layout, w.outlet(t), letters)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func TestDiscard(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	letters := w.buried(t, "a", "b", "c")
	for range 2 { // the second time they are gone
		n, err := natsq.Discard(t.Context(), w.js, w.layout, letters[1:])
		require.NoError(t, err)
		require.Equal(t, 2, n)
	}
	require.EqualValues(t, 1, w.stored(t, "DISPATCH_DEAD"))
	w.server.Stop()
	n, err := natsq.Discard(t.Context(), w.js, w.layout, letters[:1])
	require.Error(t, err)
	require.Zero(t, n)
}

func TestServes(t *testing.T) {
	w := newWorld(t, layoutOf("otp"))
	served, err := natsq.Serves(t.Context(), w.js, w.layout, job.Bulk, "otp")
	require.NoError(t, err)
	require.True(t, served)
	served, err = natsq.Serves(t.Context(), w.js, w.layout, job.Bulk, "gone")
	require.NoError(t, err)
	require.False(t, served)
	require.NoError(t, w.js.DeleteStream(t.Context(), "DISPATCH_LATER"))
	_, err = natsq.Serves(t.Context(), w.js, w.layout, job.Bulk, "otp")
	require.ErrorIs(t, err, jetstream.ErrStreamNotFound)
}
