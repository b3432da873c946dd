package claim

import (
	"strconv"
	"strings"
)

// callKeys is how many records one call is about at most, so that other clients of the server don't wait for long.
const callKeys = 1000

// arena builds many strings in one piece of memory.
type arena struct {
	buf  []byte // the string being built
	all  strings.Builder
	ends []int
}

// newArena has room for n strings of so many bytes together; more cost more memory and nothing else.
func newArena(n, bytes int) *arena {
	a := &arena{ends: make([]int, 0, n)}
	a.all.Grow(bytes)
	return a
}

// end ends a string; the next begins.
func (a *arena) end() {
	_, _ = a.all.Write(a.buf) // never fails
	a.buf = a.buf[:0]
	a.ends = append(a.ends, a.all.Len())
}

// strings returns them all, in order.
func (a *arena) strings() []string {
	all := a.all.String()
	out := make([]string, len(a.ends))
	from := 0
	for i, to := range a.ends {
		out[i] = all[from:to]
		from = to
	}
	return out
}

// batch arranges jobs into calls. Arguments are handed over as pointers, which cost no memory of their own.
type batch struct {
	store  *Store
	jobs   []int // which jobs, as the caller counts them
	shards []int // of each
	keeps  []int64
}

func (s *Store) newBatch(n int) *batch {
	return &batch{store: s, jobs: make([]int, 0, n), shards: make([]int, 0, n), keeps: make([]int64, 0, n)}
}

func (b *batch) add(job, shard int, keep int64) {
	b.jobs, b.shards, b.keeps = append(b.jobs, job), append(b.shards, shard), append(b.keeps, keep)
}

// keep is the keep of all jobs of a call; "" where they differ.
func (b *batch) keep(places []int) string {
	for _, p := range places[1:] {
		if b.keeps[p] != b.keeps[places[0]] {
			return ""
		}
	}
	return strconv.FormatInt(b.keeps[places[0]], 10)
}

// appendKeeps appends the keep of each, for where there is no common one.
func (b *batch) appendKeeps(args []any, places []int) []any {
	for _, p := range places {
		args = append(args, b.keeps[p])
	}
	return args
}

// places splits the batch by shard, and into calls of bounded size.
func (b *batch) places() [][]int {
	by := make([][]int, b.store.shards)
	if len(by) == 1 {
		by[0] = make([]int, 0, len(b.jobs))
	}
	for p, shard := range b.shards {
		by[shard] = append(by[shard], p)
	}
	var out [][]int
	for _, all := range by {
		for len(all) > callKeys {
			out, all = append(out, all[:callKeys]), all[callKeys:]
		}
		if len(all) > 0 {
			out = append(out, all)
		}
	}
	return out
}

// calls makes the calls of a script on the batch. guards is the value that each shard's first key must have; head are the arguments
// between it and the keep; texts hold each job's arguments. No keep is handed over where none was given.
func (b *batch) calls(sc *script, guards []string, head []any, texts []string) []*call {
	if len(b.jobs) == 0 {
		return nil
	}
	each := len(texts) / len(b.jobs)
	var calls []*call
	for _, places := range b.places() {
		shard := b.shards[places[0]]
		c := b.store.newCall(sc, shard, guards[shard], len(head)+1+(each+1)*len(places))
		c.jobs = make([]int, len(places))
		c.args = append(c.args, head...)
		common := b.keep(places)
		if common != "0" {
			c.args = append(c.args, common)
		}
		for i, p := range places {
			c.jobs[i] = b.jobs[p]
			for k := range each {
				c.args = append(c.args, &texts[p*each+k])
			}
		}
		if common == "" {
			c.args = b.appendKeeps(c.args, places)
		}
		calls = append(calls, c)
	}
	return calls
}
