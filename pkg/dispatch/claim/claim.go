package claim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// Claim implements [dispatch.Claims]. It repeats, with the same tokens, until Redis answers or ctx ends; what it refuses for good is an
// error at once, as is [dispatch.ErrClaimsLost]. The times it returns are by this machine's clock.
//
// A record that this version can't read leaves its job Busy for a lease: nothing is sent on a guess.
func (s *Store) Claim(ctx context.Context, reqs []dispatch.ClaimRequest) ([]dispatch.Claim, error) {
	if len(reqs) == 0 {
		return nil, nil
	}
	guards, err := s.armed()
	if err != nil {
		return nil, fmt.Errorf("claim: take %d jobs: %w", len(reqs), err)
	}
	bounds := *s.bounds.Load()
	number := s.claims.Add(1)
	out := make([]dispatch.Claim, len(reqs))
	calls, sheaves := s.takes(guards, number, reqs, bounds, out)
	if err := s.insist(ctx, calls); err != nil {
		s.unanswered.note(number, err)
		return nil, fmt.Errorf("claim: take %d jobs: %w", len(reqs), err)
	}
	var t takeovers
	for _, c := range calls {
		if err := s.meet(c, reqs, bounds, out, &t); err != nil {
			return nil, fmt.Errorf("claim: take %d jobs: %w", len(reqs), err)
		}
	}
	if err := s.swap(ctx, guards, number, reqs, out, &t); err != nil {
		s.unanswered.note(number, err)
		return nil, fmt.Errorf("claim: take over %d jobs: %w", len(t.jobs), err)
	}
	s.hands.take(number, reqs, out, bounds, &t, t.untouched(calls, sheaves))
	return out, nil
}

// takes makes the calls that take jobs, and presents each as taken. Of each call it returns the sheaf that it writes where no job has a record.
func (s *Store) takes(guards []string, number uint64, reqs []dispatch.ClaimRequest, bounds bounds, out []dispatch.Claim) (calls []*call, sheaves []*sheaf) {
	b := s.newBatch(len(reqs))
	for i := range reqs {
		b.add(i, s.shard(reqs[i].Tenant, reqs[i].ID), s.keepOf(reqs[i].Keep))
	}
	front := string(s.appendFront(nil, number))
	tokens := newArena(len(reqs), (len(front)+len("999;"))*len(reqs)) // of their own: they live for longer than what is sent to the server
	for i := range reqs {
		tokens.buf = s.appendToken(tokens.buf, number, i, false)
		tokens.end()
		out[i] = dispatch.Claim{Verdict: dispatch.Taken, Record: dispatch.Record{Hop: reqs[i].Hop, Sequence: reqs[i].Sequence}}
		if bounds.cover(&reqs[i]) {
			out[i].Verdict, out[i].Record.Attempts = dispatch.TakenAmbiguous, 1
		}
	}
	for i, token := range tokens.strings() {
		out[i].Token = token
	}
	a := newArena(len(reqs)+len(reqs)/pageSize+s.shards, 128+84*len(reqs))
	var text sheet
	var head []byte
	all := b.places()
	for _, jobs := range all {
		for _, i := range jobs {
			a.buf = appendField(a.buf, reqs[i].Tenant, reqs[i].ID)
			a.end()
		}
		for some := range slices.Chunk(jobs, pageSize) {
			text.begin()
			for _, i := range some {
				r := fresh(&reqs[i], out[i].Verdict == dispatch.TakenAmbiguous)
				head = append(strconv.AppendInt(append(head[:0], '@'), int64(i), 10), ';')
				a.buf = text.add(a.buf, head, &r)
			}
			a.end()
		}
	}
	texts := a.strings()
	for _, jobs := range all {
		shard, common := b.shards[jobs[0]], b.keep(jobs)
		n := len(jobs) + (len(jobs)+pageSize-1)/pageSize
		c := s.newCall(s.scripts.claim, shard, guards[shard], 4+n+len(jobs))
		c.jobs = jobs
		c.args = append(c.args, s.lease.Milliseconds(), common, front, len(jobs))
		for k := range n {
			c.args = append(c.args, &texts[k])
		}
		texts = texts[n:]
		if common == "" {
			c.args = b.appendKeeps(c.args, jobs)
		}
		calls = append(calls, c)
		sheaves = append(sheaves, newSheaf(jobs))
	}
	return calls, sheaves
}

// appendToken appends a token: of this worker, this call, this place in the batch, and whether the job is taken over. No
// two claims share one, also where a job stands twice in a batch.
func (s *Store) appendToken(b []byte, number uint64, place int, over bool) []byte {
	b = strconv.AppendInt(s.appendFront(b, number), int64(place), 10)
	if over {
		return append(b, takenOver...)
	}
	return append(b, ';')
}

// takenOver is the end of a token by which a job was taken over.
const takenOver = "+;"

// takeovers are the jobs of a batch whose records are to be replaced, as they were read.
type takeovers struct {
	met    map[int]bool // all that had a record
	jobs   []int
	values []string
	stand  []dispatch.Record
}

// untouched are the pages that calls wrote: those of which no job had a record.
func (t *takeovers) untouched(calls []*call, sheaves []*sheaf) []*page {
	all := make([]*page, 0, len(sheaves[0].pages))
	for k, f := range sheaves {
		if f.number, _ = calls[k].answer[1].(int64); f.number == 0 {
			continue
		}
		for i := range f.pages {
			if p := &f.pages[i]; len(t.met) == 0 || !slices.ContainsFunc(p.jobs, func(i int) bool { return t.met[i] }) {
				all = append(all, p)
			}
		}
	}
	return all
}

// meet judges the jobs of a call that had records already.
func (s *Store) meet(c *call, reqs []dispatch.ClaimRequest, bounds bounds, out []dispatch.Claim, t *takeovers) error {
	if len(c.answer) < 2 {
		return fmt.Errorf("the script answered %v", c.answer)
	}
	now, ok := c.answer[0].(int64)
	if !ok {
		return fmt.Errorf("the script answered %T for its time", c.answer[0])
	}
	here := time.Now()
	for rest := c.answer[2:]; len(rest) > 1; rest = rest[2:] {
		place, ok := rest[0].(int64)
		if !ok || place < 1 || int(place) > len(c.jobs) {
			return fmt.Errorf("the script answered %v for a job's place", rest[0])
		}
		i := c.jobs[place-1]
		if t.met == nil {
			t.met = map[int]bool{}
		}
		t.met[i] = true
		value, _ := rest[1].(string) // an absent one can't be, and would be malformed
		f, err := decode(value)
		if err != nil {
			out[i] = dispatch.Claim{Verdict: dispatch.Busy, Until: here.Add(s.lease)}
			continue
		}
		if f.Token == out[i].Token {
			continue // an earlier try of this call took it
		}
		s.unanswered.disown(s.worker, &f)
		suspect := f.Token == rebuilt && bounds.cover(&reqs[i])
		v := judge(f, &reqs[i], suspect, now)
		switch v {
		case dispatch.Taken, dispatch.TakenAmbiguous:
			stands, told := takeover(f, &reqs[i], suspect, v)
			out[i] = dispatch.Claim{Verdict: v, Record: told}
			t.jobs, t.values, t.stand = append(t.jobs, i), append(t.values, value), append(t.stand, stands)
		case dispatch.Busy:
			out[i] = dispatch.Claim{Verdict: v, Until: here.Add(time.Duration(f.Lease-now) * time.Millisecond), Record: f.Record}
		default:
			out[i] = dispatch.Claim{Verdict: v, Record: f.Record}
		}
	}
	return nil
}

// swap takes jobs over whose records still are as they were judged; the others are busy: somebody was faster.
func (s *Store) swap(ctx context.Context, guards []string, number uint64, reqs []dispatch.ClaimRequest, out []dispatch.Claim, t *takeovers) error {
	if len(t.jobs) == 0 {
		return nil
	}
	a := newArena(3*len(t.jobs), 768*len(t.jobs))
	b := s.newBatch(len(t.jobs))
	for k, i := range t.jobs {
		b.add(i, s.shard(reqs[i].Tenant, reqs[i].ID), s.keepOf(reqs[i].Keep))
		a.buf = appendField(a.buf, reqs[i].Tenant, reqs[i].ID)
		a.end()
		a.buf = append(a.buf, t.values[k]...)
		a.end()
		a.buf = appendRecord(s.appendToken(a.buf, number, i, true), &t.stand[k])
		a.end()
	}
	mine := a.strings()
	for k, i := range t.jobs {
		text := mine[3*k+2]
		out[i].Token = text[:strings.IndexByte(text, ';')+1]
	}
	calls := b.calls(s.scripts.swap, guards, []any{s.lease.Milliseconds()}, mine)
	if err := s.insist(ctx, calls); err != nil {
		return err
	}
	until := time.Now().Add(s.lease)
	for _, c := range calls {
		changed, err := c.named(c.answer[1:])
		if err != nil {
			return err
		}
		for _, i := range changed {
			out[i] = dispatch.Claim{Verdict: dispatch.Busy, Until: until, Record: out[i].Record}
		}
	}
	return nil
}
