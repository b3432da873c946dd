package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
)

// checkRedis asks the server, or each master of the cluster, for its version, and whether it can be trusted with the records.
func checkRedis(ctx context.Context, cfg config.Redis) []finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := openRedis(cfg)
	if err != nil {
		return []finding{{What: "redis", Words: err.Error()}}
	}
	defer client.Close() //nolint:errcheck // nothing is under way
	began := time.Now()
	if err := client.Ping(ctx).Err(); err != nil {
		return []finding{{What: "redis", Words: err.Error()}}
	}
	words := fmt.Sprintf("answers within %s", time.Since(began).Round(time.Millisecond))
	var worst []finding
	err = eachMaster(ctx, client, func(ctx context.Context, node *redis.Client) {
		s := settingsOf(ctx, node)
		if s.version != "" {
			words = "version " + s.version
		}
		worst = worse(worst, s.findings())
	})
	if err != nil {
		return []finding{{What: "redis", Words: err.Error()}}
	}
	return append([]finding{{What: "redis", OK: true, Words: words}}, worst...)
}

// warnOfRedis tells the log what checkRedis would call a fault.
func warnOfRedis(ctx context.Context, client redis.UniversalClient, log *zap.Logger) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := eachMaster(ctx, client, func(ctx context.Context, node *redis.Client) {
		for _, f := range settingsOf(ctx, node).findings() {
			if !f.OK {
				log.Warn(f.What, zap.String("words", f.Words))
			}
		}
	})
	if err != nil {
		log.Warn("redis: its settings can't be read", zap.Error(err))
	}
}

// eachMaster calls each, one call at a time, for the server, or for every master of the cluster.
func eachMaster(ctx context.Context, client redis.UniversalClient, each func(context.Context, *redis.Client)) error {
	switch c := client.(type) {
	case *redis.ClusterClient:
		var one sync.Mutex
		return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			one.Lock()
			defer one.Unlock()
			each(ctx, node)
			return nil
		})
	case *redis.Client:
		each(ctx, c)
	}
	return nil
}

// redisSettings are what a node tells of itself; empty: it doesn't.
type redisSettings struct{ version, run, policy, appendOnly, fsync string }

// settingsOf asks a node. Either command may be forbidden to us.
func settingsOf(ctx context.Context, node *redis.Client) redisSettings {
	info, _ := node.Info(ctx).Result() // what isn't told is empty
	s := redisSettings{version: infoOf(info, "redis_version"), run: infoOf(info, "run_id"), policy: infoOf(info, "maxmemory_policy")}
	if enabled := infoOf(info, "aof_enabled"); enabled != "" {
		s.appendOnly = map[string]string{"0": "no", "1": "yes"}[enabled]
	}
	for _, c := range []struct {
		name string
		to   *string
	}{{"maxmemory-policy", &s.policy}, {"appendonly", &s.appendOnly}, {"appendfsync", &s.fsync}} {
		if *c.to == "" {
			told, _ := node.ConfigGet(ctx, c.name).Result() // likewise
			*c.to = told[c.name]
		}
	}
	return s
}

func infoOf(info, field string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// findings say what the settings mean.
func (s redisSettings) findings() []finding {
	eviction := finding{What: "redis eviction", OK: true, Words: "maxmemory-policy is " + s.policy}
	switch s.policy {
	case "noeviction":
	case "":
		eviction.Words = "maxmemory-policy isn't told to us; see that it is noeviction"
	default:
		eviction.OK = false
		eviction.Words += ": records may be evicted, and their jobs sent twice; set it to noeviction"
	}
	restart := finding{What: "redis restart", OK: true}
	switch {
	case s.appendOnly == "yes" && s.fsync == "always":
		restart.Words = "appendfsync is always: nothing is forgotten"
	case s.run == "":
		restart.OK = s.appendOnly == "" || s.fsync == "" && s.appendOnly != "no" // what isn't told is no fault
		restart.Words = "INFO is forbidden to us, so a restart isn't noticed: allow it, or see that appendonly is yes and appendfsync always; else what was sent in the last second may be sent again"
	case s.appendOnly == "no":
		restart.Words = "appendonly is no: a restart forgets all records, and they are rebuilt from the status stream"
	default:
		restart.Words = "a restart or failover may forget a second; it is noticed, and what is missing is rebuilt from the status stream"
	}
	return []finding{eviction, restart}
}

// worse are the findings of all nodes so far: a fault stands.
func worse(a, b []finding) []finding {
	if a == nil {
		return b
	}
	for i := range a {
		if !b[i].OK {
			a[i] = b[i]
		}
	}
	return a
}
