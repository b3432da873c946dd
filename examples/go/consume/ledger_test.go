package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

func TestLedger(t *testing.T) {
	l := newLedger()
	for _, c := range []struct {
		e     job.Event
		id    string
		isNew bool
	}{
		{job.Event{Tenant: "a", Job: "1", Sequence: 1}, "x", true},
		{job.Event{Tenant: "a", Job: "1", Sequence: 1}, "x", false},
		{job.Event{Tenant: "a", Job: "1", Sequence: 3}, "z", true},
		{job.Event{Tenant: "a", Job: "1", Sequence: 2}, "y", false}, // late
		{job.Event{Tenant: "b", Job: "1", Sequence: 1}, "v", true},
		{job.Event{Tenant: "a", Job: "1"}, "p", true}, // about a publication
		{job.Event{Tenant: "a", Job: "1"}, "p", false},
		{job.Event{Tenant: "a", Job: "1"}, "q", true},
	} {
		require.Equal(t, c.isNew, l.isNew(&c.e, c.id), "%+v", c)
	}
}
