package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// redisLog writes what the Redis client has to say as lines of ours. It tells of connections, never of keys or values.
type redisLog struct{ log *zap.Logger }

// Printf implements the client's interface for loggers.
func (r redisLog) Printf(_ context.Context, format string, args ...any) {
	r.log.Warn("redis", zap.String("client", fmt.Sprintf(format, args...)))
}

// logRedis lets the Redis client, which has one logger for a whole process, write to the log instead of to standard error.
func logRedis(log *zap.Logger) { redis.SetLogger(redisLog{log}) }
