package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// A load is spread evenly, each of its jobs is one that the worker takes, and its events can be told from others.
func TestLoad(t *testing.T) {
	l := load{jobs: 60, first: 1000, lane: job.Urgent, owner: 1, tenants: 3, routes: 5}
	to := map[string]int{}
	for i := range l.jobs {
		m := l.message(i)
		to[m.Subject]++
		j, err := job.Decode(m.Data, "RU")
		require.NoError(t, err)
		n, ok := indexOf([]byte(j.ID))
		require.True(t, ok)
		require.Equal(t, 1000+i, n)
	}
	require.Len(t, to, 15)
	for subject, n := range to {
		require.Equal(t, 4, n, subject)
	}
	require.Contains(t, to, "dispatch.jobs.urgent.otp.tenant-0001")
	require.Equal(t, "dispatch.jobs.normal.otp.default", plain(1).message(0).Subject)
}

func TestIsCall(t *testing.T) {
	const key = "{dispatch:limit}"
	require.True(t, isCall(`+1700000000.123456 [0 127.0.0.1:4242] "evalsha" "ab12" "2" "{dispatch:limit}:bucket:a" "{dispatch:limit}:block:a" "200"`, key))
	require.False(t, isCall(`+1700000000.123456 [0 lua] "MGET" "{dispatch:limit}:bucket:a" "{dispatch:limit}:block:a"`, key))
	require.False(t, isCall(`+1700000000.123456 [0 127.0.0.1:4242] "get" "dispatch:{7}:default:ORDER1"`, key))
	require.False(t, isCall("+OK", key))
}
