package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/providers"
)

// What the Redis client says of its connections is in the log, in the log's form.
func TestRedisClientWritesToTheLog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	out := &buffer{}
	log, err := newLogger(config.Log{Level: "info", Format: "json"}, out)
	require.NoError(t, err)
	logRedis(log)
	client, err := openRedis(config.Redis{URLs: []providers.Secret{providers.Secret("redis://:hunter2@" + nobody)}})
	require.NoError(t, err)
	require.Error(t, client.Ping(t.Context()).Err())
	require.NoError(t, client.Close())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines {
		require.True(t, json.Valid([]byte(line)), line)
	}
	require.Contains(t, lines[0], `"msg":"redis","client":`)
	require.NotContains(t, out.String(), "hunter2")
}
