package claim

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	termKeys   = 9  // the hashes of the terms that a script may read or write, see terms.lua
	liveTerms  = 4  // to come, fine ones and coarse ones
	coarseTerm = 16 // fine ones
	// shortestTerm bounds how often terms turn, where the window is short.
	shortestTerm = time.Minute
)

// terms are the hashes of a shard at a time: the script compares its own clock.
type terms struct {
	guard  string // tells the length of a term, for all workers
	last   int64  // the number of the fine term that ended last
	number string // the same
	keys   []string
	ended  []string    // the hashes that nobody reads any more
	swept  atomic.Bool // they are unlinked
}

// termsOf are those that are live now, as far as this worker knows the server's clock.
func (s *Store) termsOf(shard int, guard string) (*terms, error) {
	length, err := lengthOf(guard)
	if err != nil {
		return nil, err
	}
	last := (time.Now().UnixMilli() + s.ahead.Load()) / length
	t := s.terms[shard].Load()
	if t == nil || t.last != last || t.guard != guard {
		t = s.newTerms(shard, guard, length, last)
		s.terms[shard].Store(t)
	}
	return t, nil
}

// newTerms names the hashes as terms.lua wants them.
func (s *Store) newTerms(shard int, guard string, length, last int64) *terms {
	t := &terms{guard: guard, last: last, number: strconv.FormatInt(last, 10), keys: make([]string, 0, termKeys)}
	all := s.prefix + ":claim:{" + strconv.Itoa(shard) + "}:"
	prefix := all + strconv.FormatInt(length, 36)
	for _, kind := range []struct {
		mark string
		last int64
	}{{".", last}, {"~", last / coarseTerm}} {
		t.ended = append(t.ended, prefix+kind.mark+strconv.FormatInt(kind.last, 10))
		for k := range int64(liveTerms) {
			t.keys = append(t.keys, prefix+kind.mark+strconv.FormatInt(kind.last+k+1, 10))
		}
	}
	t.keys = append(t.keys, all+"~")
	return t
}

// sweep unlinks the hashes of terms that ended, once a script agreed that they did. Each worker does so in each term; what fails is left to the others
// and, at last, to the server.
func (s *Store) sweep(ctx context.Context, calls []*call) {
	var cmds []*redis.Cmd
	for _, c := range calls {
		if c.terms != nil && c.done && c.terms.swept.CompareAndSwap(false, true) {
			cmds = append(cmds, redis.NewCmd(ctx, "unlink", c.terms.ended[0], c.terms.ended[1]))
		}
	}
	if len(cmds) > 0 {
		s.send(ctx, cmds)
	}
}

// lengthOf reads the length of a term from a guard or a ticket, in ms.
func lengthOf(guard string) (int64, error) {
	_, rest, _ := strings.Cut(guard, ".")
	digits, _, _ := strings.Cut(rest, ".")
	length, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || length < 1 {
		return 0, fmt.Errorf("the guard of the records, %q, tells no length of a term: it is of another version", guard)
	}
	return length, nil
}

// learn takes over what the server's clock says, in ms, where a script answered that it is in another term.
func (s *Store) learn(answer string) {
	_, digits, _ := strings.Cut(answer, "CLAIMSTERM ")
	if now, err := strconv.ParseInt(digits, 10, 64); err == nil {
		s.ahead.Store(now - time.Now().UnixMilli())
	}
}

// place names the hashes that a call reads or writes.
func (s *Store) place(c *call) error {
	if c.guard == "" {
		return nil
	}
	t, err := s.termsOf(c.shard, c.guard)
	if err != nil {
		return err
	}
	c.terms = t
	for i := range t.keys {
		c.args[4+i] = &t.keys[i]
	}
	c.args[c.keys+4] = &t.number
	return nil
}

// newCall is a call of a script that reads or writes records, with room for so many arguments. more are keys beside the guard's and the terms'.
func (s *Store) newCall(sc *script, shard int, guard string, room int, more ...string) *call {
	c := &call{script: sc, shard: shard, guard: guard, keys: 1 + termKeys + len(more), args: make([]any, 4+termKeys, 6+termKeys+len(more)+room)}
	c.args[2], c.args[3] = c.keys, s.guardKey(shard)
	for _, key := range more {
		c.args = append(c.args, key)
	}
	c.args = append(c.args, guard, nil)
	return c
}
