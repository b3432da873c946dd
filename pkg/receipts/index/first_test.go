package index

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/receipts"
)

// Of what was sent lately, too, an earlier event changes nothing, in whatever order, and whether the later one is waited for or not.
func TestEarlierEventsOfLately(t *testing.T) {
	onAll(t, func(t *testing.T, x *Redis) {
		made(t, x)
		first, later := entry("iA", job.Submitted, 1), entry("iA", job.Unknown, 3)
		stands := func(waiting int) {
			t.Helper()
			require.Equal(t, 3, x.find(t, "A")[0].Event.Sequence)
			x.requireWaiting(t, waiting)
		}
		x.mustPut(t, later, first)
		stands(1)
		x.mustPut(t, first)
		stands(1)
		x.mustPut(t, first, entry("iB", job.Submitted, 1), first)
		stands(2)
		require.Equal(t, []string{"iA", "iB"}, x.dueAt(t, at().Add(3*hour)))

		require.NoError(t, x.Settle(t.Context(), "main", []receipts.Entry{tell(later, job.Delivered), tell(entry("iB", job.Submitted, 1), job.Undelivered)}))
		x.requireWaiting(t, 0)
		x.mustPut(t, first, entry("iB", job.Submitted, 1), entry("iC", job.Submitted, 1))
		x.requireWaiting(t, 1)
		found := x.find(t, "A", "B")
		require.Equal(t, job.Delivered, found[0].Event.State)
		require.Equal(t, job.Undelivered, found[1].Event.State)
		require.Equal(t, []string{"iC"}, x.dueAt(t, at().Add(3*hour)))
	})
}
