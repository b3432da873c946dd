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
// Records lie in hashes, under <prefix>:claim:{<shard>}:…, in fields <tenant>:<id>. A hash is of all records that may be gone at the end of one term, half
// a window: a time to live and a key for each of them would cost Redis as much again. So a record lives for its keep and up to a term longer. What is to
// live for longer than a window lies in coarse terms of 16 fine ones, and beyond those in a hash without an end, until it is claimed again. The first worker
// that claims something in a new term unlinks the hashes that ended.
//
// A record is
//
//	<lease, ms, 13 digits><token;><phase><epoch> <hop> <attempts> <sequence> <due> |<account><told><last event><publication><provider's id><hash>
//
// Of a packet, eight of them share a page, in the same hash, and their fields point at it. What all records of a packet have in common stands first, so that a page has it but
// once: it needs half the bytes, each of which costs Redis twice, as it is sent and as Lua hashes it. As long as nobody touched one of a page's jobs, Record writes the page
// as a whole: a worker that takes one over, or a job that is recorded alone, leaves a mark, and the page's other jobs are recorded one by one from then
// on. What is written later of one of its jobs, as by a receipt, stands in the job's own field; the page stays as it is until all have left it. terms.lua, which stands before all scripts, has the details, and is all that knows them.
//
// A batch is one script call a shard, all in one round trip; a second one follows where jobs are to be taken over, or a page was touched. A single Redis has one
// shard, a cluster 64. The key <prefix>:guard:{<shard>} holds a random value as long as the records are whole, the length of the terms, and the run id of the
// server. Another [Config.Window] changes the terms with the next rebuilding; until then the old ones serve. The clock is the server's: it may be set back by
// less than a term.
package claim
