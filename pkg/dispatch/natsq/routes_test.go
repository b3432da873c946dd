package natsq_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

func TestRemovedRoutes(t *testing.T) {
	w := newWorld(t, layoutOf("otp", "old", "full", "held"))
	w.publish(t, jobMsg("dispatch.jobs.normal.full.shop", `{}`))
	w.publish(t, &nats.Msg{Subject: "dispatch.later.at.bulk.held.shop.x", Data: []byte(`{}`), Header: nats.Header{
		"Nats-Schedule": {"@at 2099-01-01T00:00:00Z"}, "Nats-Schedule-Target": {"dispatch.later.due.bulk.held.shop"}}})

	l := w.layout
	l.Routes = []string{"otp"}
	for range 2 { // a repeat finds the same
		changes, err := natsq.Provision(t.Context(), w.js, l)
		require.NoError(t, err)
		require.Equal(t, 2, count(changes, natsq.Warning), "%v", changes)
		text := fmt.Sprint(changes)
		require.Contains(t, text, "warning route full in DISPATCH_JOBS_NORMAL")
		require.Contains(t, text, "warning route held, lane bulk, in DISPATCH_LATER")
	}
	names := func(stream string) (all []string) {
		s, err := w.js.Stream(t.Context(), stream)
		require.NoError(t, err)
		for n := range s.ConsumerNames(t.Context()).Name() {
			all = append(all, n)
		}
		return all
	}
	require.ElementsMatch(t, []string{"otp"}, names("DISPATCH_JOBS_URGENT"))
	require.ElementsMatch(t, []string{"otp", "full"}, names("DISPATCH_JOBS_NORMAL"))
	require.ElementsMatch(t, []string{"urgent-otp", "normal-otp", "bulk-otp", "bulk-held"}, names("DISPATCH_LATER"))

	_, err := w.js.Publish(t.Context(), "dispatch.jobs.urgent.old.shop", []byte(`{}`))
	require.ErrorIs(t, err, jetstream.ErrNoStreamResponse, "nobody serves it any more")
	_, err = w.js.Publish(t.Context(), "dispatch.jobs.normal.full.shop", []byte(`{}`))
	require.NoError(t, err)

	// Once they are done with, they go.
	s, err := w.js.Stream(t.Context(), "DISPATCH_JOBS_NORMAL")
	require.NoError(t, err)
	require.NoError(t, s.Purge(t.Context()))
	s, err = w.js.Stream(t.Context(), "DISPATCH_LATER")
	require.NoError(t, err)
	require.NoError(t, s.Purge(t.Context()))
	changes, err := natsq.Provision(t.Context(), w.js, l)
	require.NoError(t, err)
	require.Zero(t, count(changes, natsq.Warning), "%v", changes)
	require.ElementsMatch(t, []string{"otp"}, names("DISPATCH_JOBS_NORMAL"))
	require.ElementsMatch(t, []string{"urgent-otp", "normal-otp", "bulk-otp"}, names("DISPATCH_LATER"))
}

func TestJobsWithoutSubjectAreFound(t *testing.T) {
	w := newWorld(t, layoutOf("otp", "old"))
	w.publish(t, jobMsg("dispatch.jobs.urgent.old.shop", `{}`))
	require.NoError(t, w.js.DeleteConsumer(t.Context(), "DISPATCH_JOBS_URGENT", "old"))
	s, err := w.js.Stream(t.Context(), "DISPATCH_JOBS_URGENT")
	require.NoError(t, err)
	cfg := s.CachedInfo().Config
	cfg.Subjects = []string{"dispatch.jobs.urgent.otp.*"}
	_, err = w.js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)

	l := w.layout
	l.Routes = []string{"otp"}
	changes, err := natsq.Provision(t.Context(), w.js, l)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(changes), "warning route old in DISPATCH_JOBS_URGENT")
	_, err = w.js.Consumer(t.Context(), "DISPATCH_JOBS_URGENT", "old")
	require.NoError(t, err)
}

func TestNoRoutes(t *testing.T) {
	w := newWorld(t, layoutOf())
	_, err := w.js.Publish(t.Context(), "dispatch.jobs.urgent.otp.shop", []byte(`{}`))
	require.ErrorIs(t, err, jetstream.ErrNoStreamResponse)
	faults, err := natsq.Check(t.Context(), w.js, w.layout)
	require.NoError(t, err)
	require.Empty(t, faults)
	l := layoutOf("otp")
	_, err = natsq.Provision(t.Context(), w.js, l)
	require.NoError(t, err)
	w.publish(t, jobMsg("dispatch.jobs.urgent.otp.shop", `{}`))
	_, err = natsq.Provision(t.Context(), w.js, layoutOf())
	require.NoError(t, err)
	faults, err = natsq.Check(t.Context(), w.js, layoutOf())
	require.NoError(t, err)
	require.Empty(t, faults)
}
