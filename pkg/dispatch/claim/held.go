package claim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gonets/gonets/pkg/dispatch"
)

// hands are the claims that this worker holds: what it took and didn't record yet. Should Redis forget them, nobody else knows that their messages
// may be out.
type hands struct {
	mu       sync.Mutex
	batches  map[uint64]*handful // by the number of the call of Claim
	spare    []*handful          // empty ones, whose memory is used again
	restored []string            // the tickets of the rebuilding that got them last
}

// handful is what is left of one call of Claim.
type handful struct {
	reqs   []dispatch.ClaimRequest
	bounds bounds                  // that held then
	over   map[int]dispatch.Record // of those that had a record
	pages  []*page                 // those that lie as they were claimed
	page   []int32                 // of each, counted from 1; 0: it lies in none
	open   []bool                  // which are held
	left   int
}

// take notes the claims of a call.
func (h *hands) take(number uint64, reqs []dispatch.ClaimRequest, out []dispatch.Claim, b bounds, t *takeovers, pages []*page) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := new(handful)
	if last := len(h.spare) - 1; last >= 0 {
		f, h.spare = h.spare[last], h.spare[:last]
	}
	f.fill(reqs, out, b, t, pages)
	if f.left == 0 {
		h.lay(f)
		return
	}
	if h.batches == nil {
		h.batches = map[uint64]*handful{}
	}
	h.batches[number] = f
}

// fill makes an empty handful one of these claims.
func (f *handful) fill(reqs []dispatch.ClaimRequest, out []dispatch.Claim, b bounds, t *takeovers, pages []*page) {
	f.reqs = append(f.reqs[:0], reqs...) // their memory is used again
	f.bounds, f.pages = b, pages
	f.open, f.page = sized(f.open, len(reqs)), sized(f.page, len(reqs))
	for i := range out {
		if out[i].Token != "" {
			f.open[i] = true
			f.left++
		}
	}
	if len(t.jobs) > 0 {
		f.over = make(map[int]dispatch.Record, len(t.jobs))
		for k, i := range t.jobs {
			f.over[i] = t.stand[k]
		}
	}
	for k, p := range pages {
		for _, i := range p.jobs {
			f.page[i] = int32(k + 1)
		}
	}
}

// drop notes that claims are held no more.
func (h *hands) drop(worker string, updates []dispatch.Update) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range updates {
		number, place, ok := placeOf(worker, updates[i].Token)
		f := h.batches[number]
		if !ok || f == nil || place >= len(f.open) || !f.open[place] {
			continue
		}
		f.open[place] = false
		if f.left--; f.left == 0 {
			delete(h.batches, number)
			h.lay(f)
		}
	}
}

// lay keeps an empty handful for another call.
func (h *hands) lay(f *handful) {
	clear(f.reqs) // or it would keep their texts
	f.over, f.pages = nil, nil
	h.spare = append(h.spare, f)
}

// sized returns n zero values, in the memory of s where it has room.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	clear(s[:n])
	return s[:n]
}

// placeOf reads a token of this worker, see [Store.appendToken].
func placeOf(worker, token string) (number uint64, place int, ok bool) {
	rest, mine := strings.CutPrefix(token, worker)
	if mine {
		rest, mine = strings.CutPrefix(rest, ".")
	}
	digits, rest, dot := strings.Cut(rest, ".")
	number, err := strconv.ParseUint(digits, 36, 64)
	at, bad := strconv.ParseUint(strings.TrimRight(rest, takenOver), 10, 31)
	return number, int(at), mine && dot && err == nil && bad == nil
}

// entries are the records of all that is held.
func (h *hands) entries() []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Entry
	for _, f := range h.batches {
		for i, held := range f.open {
			if !held {
				continue
			}
			r, over := f.over[i]
			if !over {
				r = fresh(&f.reqs[i], f.bounds.cover(&f.reqs[i]))
			}
			all = append(all, Entry{Tenant: f.reqs[i].Tenant, ID: f.reqs[i].ID, Record: r, Keep: f.reqs[i].Keep})
		}
	}
	return all
}

// RestoreHeld writes the records of what this worker holds, after Ensure said that they were lost: each worker does so, once for each rebuilding,
// before Rearm. Where NATS forgot at the same time that it had handed the jobs out, nothing else tells the next worker that they may be sent.
func (s *Store) RestoreHeld(ctx context.Context) error {
	rebuild := s.rebuild.Load()
	if rebuild == nil {
		return nil // they were found whole meanwhile
	}
	s.hands.mu.Lock()
	done := slices.Equal(s.hands.restored, rebuild.tickets)
	s.hands.mu.Unlock()
	if done {
		return nil
	}
	if _, err := s.restore(ctx, rebuild, s.hands.entries()); err != nil {
		return err
	}
	s.hands.mu.Lock()
	defer s.hands.mu.Unlock()
	s.hands.restored = rebuild.tickets
	return nil
}
