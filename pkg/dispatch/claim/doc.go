// Package claim keeps what became of each job in Redis, for all workers together: it implements [dispatch.Claims].
//
// # What is promised
//
// At any time one worker at most holds a valid token of a job, also where a worker takes over a job that it claimed itself before. Only that worker's
// Record is written. A job with a concluded record is never taken again, but for a replay of a dead one. A worker whose records were
// lost learns it with its next call, as [dispatch.ErrClaimsLost], and can neither take nor record anything until they are rebuilt.
//
// # What is asked of Redis
//
// It must not evict keys (maxmemory-policy noeviction): a record that vanishes is a job that may be sent twice. It may forget what it
// acknowledged: a FLUSHALL takes the guard with it; a restart or a failover, which forgets up to a second's worth with appendfsync everysec, gives
// the server another run id, which each script compares with the one in the guard. So each of them counts as a loss, also where all came back.
// Where INFO is forbidden to the user, restarts go unnoticed, and appendfsync must be always.
//
// The client must try each command once (MaxRetries -1) and heed deadlines (ContextTimeoutEnabled).
//
// # How it is kept
//
// A record is one string under <prefix>:claim:{<shard>}:<tenant>:<id>:
//
//	<lease, ms, 13 digits><token;><phase><epoch> <hop> <attempts> <sequence> <due> <hash><publication><account><told><last event>
//
// A batch is one script call a shard, all in one round trip; a second one follows where jobs are to be taken over. A single Redis has one
// shard, a cluster 64. The key <prefix>:guard:{<shard>} holds a random value as long as the records are whole, and the run id of the server. The clock is the server's.
package claim
