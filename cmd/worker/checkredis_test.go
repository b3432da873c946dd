package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

// What real servers tell of themselves, and what it means.
func TestCheckRedis(t *testing.T) {
	for name, c := range map[string]struct {
		args              []string
		user              string
		eviction, restart string // words to be found; a ! in front: it is a fault
	}{
		"nothing kept": {nil, "", "is noeviction", "forgets all records"},
		"usual":        {[]string{"--appendonly", "yes"}, "", "is noeviction", "may forget a second"},
		"always":       {[]string{"--appendonly", "yes", "--appendfsync", "always"}, "", "is noeviction", "nothing is forgotten"},
		"a cache":      {[]string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}, "", "!may be evicted", "forgets all records"},
		"no INFO":      {[]string{"--appendonly", "yes", "--user", "limited", "on", "nopass", "~*", "&*", "+@all", "-info"}, "limited:any@", "is noeviction", "!isn't noticed"},
		"no CONFIG":    {[]string{"--appendonly", "yes", "--user", "limited", "on", "nopass", "~*", "&*", "+@all", "-config"}, "limited:any@", "is noeviction", "may forget a second"},
		"neither": {[]string{"--user", "limited", "on", "nopass", "~*", "&*", "+@all", "-config", "-info"}, "limited:any@", "isn't told",
			"isn't noticed"},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, c.args...)
			findings := checkRedis(t.Context(), config.Redis{URLs: []providers.Secret{providers.Secret("redis://" + c.user + server.Addr + "/0")}})
			require.Len(t, findings, 3)
			require.True(t, findings[0].OK, findings[0].Words)
			for i, want := range []string{c.eviction, c.restart} {
				words, fault := strings.CutPrefix(want, "!")
				require.Contains(t, findings[i+1].Words, words)
				require.Equal(t, !fault, findings[i+1].OK, findings[i+1].Words)
			}
		})
	}
	cluster := redistest.StartCluster(t)
	findings := checkRedis(t.Context(), config.Redis{URLs: []providers.Secret{providers.Secret("redis://" + cluster.Addr), providers.Secret("redis://" + cluster.Addr)}})
	require.Len(t, findings, 3, "%+v", findings)
}
