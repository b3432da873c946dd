package claim

import (
	"slices"
	"strconv"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

// Records that are claimed together lie in pages, so that they can be recorded together, see terms.lua and claim.lua. A page that this worker
// takes for one and isn't, or the other way round, is recorded job by job.

// pageSize is how many records a page has, as terms.lua knows, too.
const pageSize = 8

// sheaf is the pages of one call of a script.
type sheaf struct {
	number int64 // in its hash; 0: there is none
	pages  []page
}

// page is records that lie together.
type page struct {
	sheaf  *sheaf
	number int   // in its sheaf
	jobs   []int // of the call of Claim, by their places
}

// newSheaf lays out jobs; what fills no page lies outside.
func newSheaf(jobs []int) *sheaf {
	f := &sheaf{pages: make([]page, 0, len(jobs)/pageSize)}
	for some := range slices.Chunk(jobs, pageSize) {
		if len(some) == pageSize {
			f.pages = append(f.pages, page{sheaf: f, number: len(f.pages), jobs: some})
		}
	}
	return f
}

// appendFront appends what all tokens of a call of Claim begin with.
func (s *Store) appendFront(b []byte, number uint64) []byte {
	return append(strconv.AppendUint(append(append(b, s.worker...), '.'), number, 36), '.')
}

// sheet builds the texts of pages, see terms.lua, each of which has what its records begin with in common but once.
type sheet struct{ first, record []byte }

// begin begins a page.
func (t *sheet) begin() { t.first = t.first[:0] }

// add appends a record to a page, behind its length and a head that ends with ';'.
func (t *sheet) add(page, head []byte, r *dispatch.Record) []byte {
	if t.record == nil {
		t.record = make([]byte, 0, 256) // mostly enough
	}
	t.record = appendRecord(t.record[:0], r)
	same := 0
	for same < min(len(t.first), len(t.record)) && t.first[same] == t.record[same] {
		same++
	}
	if len(t.first) == 0 {
		t.first = append(t.first, t.record...)
	}
	var digits [20]byte // of any number
	shared := strconv.AppendInt(digits[:0], int64(same), 10)
	page = strconv.AppendInt(page, int64(len(head)+len(shared)+1+len(t.record)-same), 10)
	page = append(append(append(page, ':'), head...), shared...)
	return append(append(page, ' '), t.record[same:]...)
}

// fill is a page and the updates that are for it, by their places in it.
type fill struct {
	page    *page
	updates [pageSize]int // -1: none yet
	left    int
	keep    time.Duration
	broken  bool // two updates are for one place, or they are to live differently long
}

// add takes in the i-th update, of a job of the page.
func (f *fill) add(i, job int, keep time.Duration) {
	place := slices.Index(f.page.jobs, job)
	if f.updates[place] >= 0 || f.keep != keep {
		f.broken = true
		return
	}
	f.updates[place] = i
	f.left--
}

func (f *fill) whole() bool { return f.left == 0 && !f.broken }

// pages finds the pages whose jobs are all recorded by updates, to live equally long, and tells which updates are left.
func (h *hands) pages(worker string, updates []dispatch.Update) (whole []fill, rest []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fills := make([]fill, 0, len(updates)/pageSize+1)
	at := make(map[*page]int, cap(fills))
	of := make([]int, len(updates)) // the fill of each; -1: none
	for i := range updates {
		u := &updates[i]
		p, job := h.pageOf(worker, u)
		if of[i] = -1; p == nil {
			continue
		}
		k, known := at[p]
		if !known {
			k = len(fills)
			at[p] = k
			fills = append(fills, fill{page: p, keep: u.Keep, left: pageSize, updates: [pageSize]int{-1, -1, -1, -1, -1, -1, -1, -1}})
		}
		of[i] = k
		fills[k].add(i, job, u.Keep)
	}
	for i, k := range of {
		if k < 0 || !fills[k].whole() {
			rest = append(rest, i)
		}
	}
	return slices.DeleteFunc(fills, func(f fill) bool { return !f.whole() }), rest
}

// pageOf is the page that an update's job was claimed in, and its place in that call; nil for none.
func (h *hands) pageOf(worker string, u *dispatch.Update) (*page, int) {
	number, place, ok := placeOf(worker, u.Token)
	f := h.batches[number]
	if !ok || f == nil || place >= len(f.page) || f.page[place] == 0 || f.reqs[place].Tenant != u.Tenant || f.reqs[place].ID != u.ID {
		return nil, 0
	}
	return f.pages[f.page[place]-1], place
}
