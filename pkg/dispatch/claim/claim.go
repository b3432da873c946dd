package claim

import (
	"context"
	"fmt"
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
	a := newArena(2*len(reqs), 224*len(reqs))
	b := s.newBatch(len(reqs))
	for i := range reqs {
		req := &reqs[i]
		shard := s.shard(req.Tenant, req.ID)
		b.add(i, shard, s.keepOf(req.Keep))
		a.buf = s.appendKey(a.buf, shard, req.Tenant, req.ID)
		a.end()
		r := fresh(req, bounds.cover(req))
		a.buf = appendRecord(s.appendToken(a.buf, number, i, false), &r)
		a.end()
	}
	texts := a.strings()
	calls := b.calls(s.scripts.claim, guards, s.guardKey, []any{s.lease.Milliseconds()}, texts)
	if err := s.insist(ctx, calls); err != nil {
		return nil, fmt.Errorf("claim: take %d jobs: %w", len(reqs), err)
	}
	out := make([]dispatch.Claim, len(reqs))
	for i := range out {
		out[i] = dispatch.Claim{Verdict: dispatch.Taken, Token: tokenOf(texts[2*i+1]), Record: dispatch.Record{Hop: reqs[i].Hop, Sequence: reqs[i].Sequence}}
		if bounds.cover(&reqs[i]) {
			out[i].Verdict, out[i].Record.Attempts = dispatch.TakenAmbiguous, 1
		}
	}
	var t takeovers
	for _, c := range calls {
		if err := s.meet(c, reqs, bounds, out, &t); err != nil {
			return nil, fmt.Errorf("claim: take %d jobs: %w", len(reqs), err)
		}
	}
	if err := s.swap(ctx, guards, number, reqs, out, texts, &t); err != nil {
		return nil, fmt.Errorf("claim: take over %d jobs: %w", len(t.jobs), err)
	}
	s.hands.take(number, reqs, out, bounds, &t)
	return out, nil
}

// appendToken appends a token: of this worker, this call, this place in the batch, and whether the job is taken over. No
// two claims share one, also where a job stands twice in a batch.
func (s *Store) appendToken(b []byte, number uint64, place int, over bool) []byte {
	b = append(append(b, s.worker...), '.')
	b = append(strconv.AppendUint(b, number, 36), '.')
	b = strconv.AppendInt(b, int64(place), 36)
	if over {
		b = append(b, '+')
	}
	return append(b, ';')
}

// tokenOf is the token at the front of a record.
func tokenOf(text string) string { return text[:strings.IndexByte(text, ';')+1] }

// takeovers are the jobs of a batch whose records are to be replaced, as they were read.
type takeovers struct {
	jobs   []int
	values []string
	stand  []dispatch.Record
}

// meet judges the jobs of a call that had records already.
func (s *Store) meet(c *call, reqs []dispatch.ClaimRequest, bounds bounds, out []dispatch.Claim, t *takeovers) error {
	now, ok := c.answer[0].(int64)
	if !ok {
		return fmt.Errorf("the script answered %T for its time", c.answer[0])
	}
	here := time.Now()
	for rest := c.answer[1:]; len(rest) > 1; rest = rest[2:] {
		place, ok := rest[0].(int64)
		if !ok || place < 1 || int(place) > len(c.jobs) {
			return fmt.Errorf("the script answered %v for a job's place", rest[0])
		}
		i := c.jobs[place-1]
		value, _ := rest[1].(string) // an absent one can't be, and would be malformed
		f, err := decode(value)
		if err != nil {
			out[i] = dispatch.Claim{Verdict: dispatch.Busy, Until: here.Add(s.lease)}
			continue
		}
		if f.Token == out[i].Token {
			continue // an earlier try of this call took it
		}
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
func (s *Store) swap(ctx context.Context, guards []string, number uint64, reqs []dispatch.ClaimRequest, out []dispatch.Claim, texts []string, t *takeovers) error {
	if len(t.jobs) == 0 {
		return nil
	}
	a := newArena(3*len(t.jobs), 768*len(t.jobs))
	b := s.newBatch(len(t.jobs))
	for k, i := range t.jobs {
		b.add(i, s.shard(reqs[i].Tenant, reqs[i].ID), s.keepOf(reqs[i].Keep))
		a.buf = append(a.buf, texts[2*i]...)
		a.end()
		a.buf = append(a.buf, t.values[k]...)
		a.end()
		a.buf = appendRecord(s.appendToken(a.buf, number, i, true), &t.stand[k])
		a.end()
	}
	mine := a.strings()
	for k, i := range t.jobs {
		out[i].Token = tokenOf(mine[3*k+2])
	}
	calls := b.calls(s.scripts.swap, guards, s.guardKey, []any{s.lease.Milliseconds()}, mine)
	if err := s.insist(ctx, calls); err != nil {
		return err
	}
	until := time.Now().Add(s.lease)
	for _, c := range calls {
		for _, answer := range c.answer[1:] {
			place, ok := answer.(int64)
			if !ok || place < 1 || int(place) > len(c.jobs) {
				return fmt.Errorf("the script answered %v for a job's place", answer)
			}
			i := c.jobs[place-1]
			out[i] = dispatch.Claim{Verdict: dispatch.Busy, Until: until, Record: out[i].Record}
		}
	}
	return nil
}
