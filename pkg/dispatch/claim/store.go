package claim

import (
	"fmt"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/pkg/dispatch"
)

// clusterShards is how many parts the records have in a cluster, each on one node.
const clusterShards = 64

// Config is what a Store works with.
type Config struct {
	Prefix string        // of all keys
	Worker string        // names this process; unique over all that run and ever ran, [A-Za-z0-9_.-]{1,128}
	Lease  time.Duration // how long a claim is this worker's, from 1 ms
	Window time.Duration // how long most records are to live, from 1 ms. It counts for who finds no records; the others go by what that one chose
}

// Store is the records. It is safe for concurrent use. It takes nothing until Ensure or Rearm succeeded.
type Store struct {
	client  redis.UniversalClient
	prefix  string
	worker  string
	lease   time.Duration
	term    time.Duration // of the records that this worker is the first to make
	shards  int
	scripts scripts

	hands      hands
	unanswered unanswered
	ahead      atomic.Int64             // by how many ms the server's clock is ahead of ours
	terms      []atomic.Pointer[terms]  // of each shard, as last used
	claims     atomic.Uint64            // calls of Claim so far, for tokens
	guards     atomic.Pointer[[]string] // of each shard, as this worker expects them; nil: not armed
	bounds     atomic.Pointer[bounds]   // of the last loss; never nil
	rebuild    atomic.Pointer[rebuild]  // nil: nothing to rebuild
}

var _ dispatch.Claims = (*Store)(nil)

var workerName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// New returns the records under a prefix; the shards follow from the kind of client. It doesn't connect yet.
func New(client redis.UniversalClient, cfg Config) (*Store, error) {
	if !workerName.MatchString(cfg.Worker) {
		return nil, fmt.Errorf("claim: worker %q: letters, digits, '_', '.' and '-' are possible, 128 at most", cfg.Worker)
	}
	if cfg.Lease < time.Millisecond {
		return nil, fmt.Errorf("claim: a lease of %s: it must be 1 ms at least", cfg.Lease)
	}
	if cfg.Window < time.Millisecond {
		return nil, fmt.Errorf("claim: a window of %s: it must be 1 ms at least", cfg.Window)
	}
	s := &Store{client: client, prefix: cfg.Prefix, worker: cfg.Worker, lease: cfg.Lease, term: max(cfg.Window/2, shortestTerm), shards: 1, scripts: newScripts()}
	if _, ok := client.(*redis.ClusterClient); ok {
		s.shards = clusterShards
	}
	s.terms = make([]atomic.Pointer[terms], s.shards)
	s.bounds.Store(&bounds{})
	return s, nil
}

func (s *Store) guardKey(shard int) string {
	return s.prefix + ":guard:{" + strconv.Itoa(shard) + "}"
}

func (s *Store) ticketKey(shard int) string {
	return s.prefix + ":rebuild:{" + strconv.Itoa(shard) + "}"
}

// boundsKey and leaderKey are of all shards together.
func (s *Store) boundsKey() string { return s.prefix + ":bounds:{0}" }
func (s *Store) leaderKey() string { return s.prefix + ":rebuilder:{0}" }

// appendField appends the name of a job's record in a hash. A tenant has no colon, so that no two jobs share one.
func appendField(b []byte, tenant, id string) []byte {
	return append(append(append(b, tenant...), ':'), id...)
}

// shard tells where a job's record is (FNV-1a).
func (s *Store) shard(tenant, id string) int {
	if s.shards == 1 {
		return 0
	}
	h := uint32(2166136261)
	for i := range len(tenant) {
		h = (h ^ uint32(tenant[i])) * 16777619
	}
	h = (h ^ ':') * 16777619
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return int(h % uint32(s.shards))
}

// keepOf is how long a record is to live, in ms: never less than a lease, or a claim could vanish while it is held.
func (s *Store) keepOf(keep time.Duration) int64 {
	return max(keep, s.lease, time.Millisecond).Milliseconds()
}
