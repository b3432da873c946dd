package receipts_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
	"github.com/gonets/gonets/pkg/receipts"
)

// settles has a worker settle all letters that are stored.
func (l *law) settles() {
	c := &crash{}
	ctx := c.life(context.Background())
	defer c.end()
	all := make([]int, len(l.streams.letters))
	for i := range all {
		all[i] = i
	}
	letters, over := l.streams.take(all, c)
	l.worker(c).Settle(ctx, letters)
	over()
}

func rowOf(n int) receipts.Receipt {
	return receipts.Receipt{ID: fmt.Sprint("P", n), State: providers.Delivered, Status: "delivered", Came: time.Now().UTC()}
}

func (l *law) keeps(rows ...receipts.Receipt) {
	c := &crash{}
	defer func() { c.end() }()
	require.NoError(l.t, l.worker(c).Keep(c.life(context.Background()), "main", rows))
}

// indexed is a law of which so many jobs are submitted and indexed.
func indexed(t *testing.T, jobs int) *law {
	client := redistest.Start(t).Client()
	t.Cleanup(func() { _ = client.Close() }) // a test's connection
	l := newLaw(t, client)
	for n := range jobs {
		l.sent = append(l.sent, l.submit(n))
	}
	require.NoError(t, l.streams.publish(l.sent))
	require.NoError(t, l.index(&crash{}))
	return l
}

// What isn't a letter is done with, and holds back nothing.
func TestALetterThatCannotBeRead(t *testing.T) {
	l := indexed(t, 1)
	for i, data := range []string{"", "x", "{}", `[{"state":1}]`, `[{"id":"A"}]`, `[{"id":"A","state":9}]`, `[]`} {
		require.NoError(t, l.streams.Put(t.Context(), []receipts.Letter{{Account: "main", ID: fmt.Sprint(i), Data: []byte(data)}}))
	}
	l.keeps(rowOf(0))
	l.settles()
	require.Empty(t, l.streams.letters)
	require.Len(t, l.streams.events, 2)
}

// A receipt whose job a worker is at comes again by itself, and the others of its letter are told.
func TestABusyJobHoldsBackNoOther(t *testing.T) {
	l := indexed(t, 2)
	require.NoError(t, l.client.FlushDB(t.Context()).Err()) // as if the last writes were forgotten
	fresh := newLaw(t, l.client)
	l.claims, l.prefix = fresh.claims, fresh.prefix
	require.NoError(t, l.index(&crash{}))
	held, err := l.claims.Claim(t.Context(), []dispatch.ClaimRequest{{Tenant: "shop", ID: "j0", Hash: "h", Publication: "J:0", Account: "main", Keep: time.Hour}})
	require.NoError(t, err)
	require.Equal(t, dispatch.Taken, held[0].Verdict)

	l.keeps(rowOf(0), rowOf(1))
	l.settles()
	require.Len(t, l.streams.letters, 1)
	require.NotContains(t, string(l.streams.letters[0].Data), "P1")
	require.Equal(t, "j1", l.streams.events[2].Job)
	l.settles()
	require.Len(t, l.streams.letters, 1, "it comes again")

	r := dispatch.Record{Phase: dispatch.Concluded, Attempts: 1, Sequence: 1, Hash: "h", Publication: "J:0", Account: "main", Last: &l.sent[0].Event}
	ok, err := l.claims.Record(t.Context(), []dispatch.Update{{Tenant: "shop", ID: "j0", Token: held[0].Token, Record: r, Keep: time.Hour}})
	require.NoError(t, err)
	require.True(t, ok[0])
	l.settles()
	require.Empty(t, l.streams.letters)
	require.Equal(t, job.Delivered, l.streams.events[3].State)
	require.Equal(t, 2, l.streams.events[3].Sequence)
}

// A submission whose receipt came before its record was forgotten goes on from what its event said.
func TestAReceiptOfAForgottenJob(t *testing.T) {
	l := indexed(t, 1)
	for _, key := range l.client.Keys(t.Context(), l.prefix+":claim:*").Val() {
		require.NoError(t, l.client.Del(t.Context(), key).Err())
	}
	undelivered := rowOf(0)
	undelivered.State = providers.Undelivered
	l.keeps(undelivered)
	l.settles()
	l.keeps(rowOf(0))
	l.settles()
	l.keeps(undelivered, rowOf(0))
	l.settles()
	require.Empty(t, l.streams.letters)
	require.Len(t, l.streams.events, 3)
	for i, state := range []job.State{job.Submitted, job.Undelivered, job.Delivered} {
		require.Equal(t, state, l.streams.events[i].State)
		require.Equal(t, i+1, l.streams.events[i].Sequence)
	}
}
