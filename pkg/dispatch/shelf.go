package dispatch

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// lanes is the number of lanes; index 0 is the most urgent.
const lanes = 3

// laneIndex is the lane's place, most urgent first.
func laneIndex(l job.Lane) int {
	switch l {
	case job.Urgent:
		return 0
	case job.Normal:
		return 1
	}
	return 2
}

// gap is how long a packet waits for the next job while the server has said that more are on their way.
const gap = 20 * time.Millisecond

// share is how many jobs of a more urgent lane entitle the less urgent ones to one, when they would get nothing otherwise.
const share = 16

// shelf gathers the jobs of one account into packets. Sources put jobs into its lanes and block where one is full; the
// account's loop alone does the rest.
//
// It is a group commit: a packet is whatever is there when a request slot is free, so an idle system adds no wait and a loaded one fills its packets. The
// only wait is for jobs that the server has announced.
type shelf struct {
	in    [lanes]chan *item
	whole chan struct{}  // has a token since a lane of in came to hold a packet
	held  [lanes][]*item // taken out of in, not yet in a packet
	size  int            // jobs in a packet at most
	key   func(providers.Message) string
	owner *account
	owed  int // jobs of more urgent lanes since a less urgent one was taken along

	announced [lanes]atomic.Int64 // how many more the server held when a lane was last found full
}

func newShelf(a *account) *shelf {
	s := &shelf{size: a.Batch, key: a.Traits.PacketKey, owner: a, whole: make(chan struct{}, 1)}
	for l := range s.in {
		s.in[l] = make(chan *item, 2*a.Batch)
	}
	return s
}

// await adds a job to its lane, waiting for room; false where ctx ended or something changed before.
func (s *shelf) await(ctx context.Context, it *item, changed <-chan struct{}) bool {
	l := laneIndex(it.delivery.Address.Lane)
	select {
	case s.in[l] <- it:
		s.tell(l)
		return true
	case <-changed:
	case <-ctx.Done():
	}
	return false
}

// put adds a job to its lane if there is room.
func (s *shelf) put(it *item) bool {
	l := laneIndex(it.delivery.Address.Lane)
	select {
	case s.in[l] <- it:
		s.tell(l)
		return true
	default:
		return false
	}
}

// tell lets the account's loop know that a lane holds a packet.
func (s *shelf) tell(l int) {
	if len(s.in[l]) < s.size {
		return
	}
	select {
	case s.whole <- struct{}{}:
	default:
	}
}

// announce notes of a lane that is full how many jobs more the server holds.
func (s *shelf) announce(it *item) {
	s.announced[laneIndex(it.delivery.Address.Lane)].Store(int64(it.delivery.Pending))
}

// before tells how many jobs of its own lane, and of more urgent ones, go before one that is put into the lane now, at least.
func (s *shelf) before(lane int) (own, urgent int) {
	for l := range lane {
		urgent += len(s.in[l])
		if len(s.in[l]) == cap(s.in[l]) {
			urgent += int(s.announced[l].Load())
		}
	}
	return len(s.in[lane]), urgent
}

// top is the most urgent lane that holds a job; lanes where none does.
func (s *shelf) top() int {
	for l := range s.held {
		if len(s.held[l]) > 0 {
			return l
		}
	}
	return lanes
}

// drain takes what is in the lanes without waiting, up to a packet from each.
func (s *shelf) drain() {
	for l := range s.in {
	lane:
		for len(s.held[l]) < s.size {
			select {
			case it := <-s.in[l]:
				s.held[l] = append(s.held[l], it)
			default:
				break lane
			}
		}
	}
}

// fill waits for a job, and then for those that are announced, until a packet of the most urgent lane is full. It
// returns ctx's error, or nil with at least one job held.
func (s *shelf) fill(ctx context.Context) error {
	s.drain()
	for s.top() == lanes {
		if err := s.next(ctx, nil, nil, lanes); err != nil {
			return err
		}
		s.drain()
	}
	var timer *time.Timer
	for l := s.top(); len(s.held[l]) < s.size && s.held[l][len(s.held[l])-1].delivery.Pending > 0; l = s.top() {
		if timer == nil {
			timer = time.NewTimer(gap)
			defer timer.Stop()
		} else {
			timer.Reset(gap)
		}
		before := len(s.held[l])
		if err := s.next(ctx, timer.C, nil, lanes); err != nil {
			return err
		}
		s.drain()
		if l == s.top() && len(s.held[l]) == before {
			return nil
		}
	}
	return ctx.Err()
}

// rest waits for d, or until something changed, or a job comes that is more urgent than lane.
func (s *shelf) rest(ctx context.Context, d time.Duration, changed <-chan struct{}, lane int) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	return s.next(ctx, timer.C, changed, lane)
}

// next takes one job from the lanes above below (from any, where below is lanes), or returns when timeout fires or something changed.
func (s *shelf) next(ctx context.Context, timeout <-chan time.Time, changed <-chan struct{}, below int) error {
	var in [lanes]chan *item
	for l := range below {
		if len(s.held[l]) < s.size {
			in[l] = s.in[l]
		}
	}
	select {
	case it := <-in[0]:
		s.held[0] = append(s.held[0], it)
	case it := <-in[1]:
		s.held[1] = append(s.held[1], it)
	case it := <-in[2]:
		s.held[2] = append(s.held[2], it)
	case <-timeout:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// leads is the most urgent lane that has a job, be it still in in; lanes where none has.
func (s *shelf) leads() int {
	for l := range s.in {
		if len(s.held[l])+len(s.in[l]) > 0 {
			return l
		}
	}
	return lanes
}

// full tells whether the most urgent lane that has a job has a whole packet of its own. Else it takes nothing out of in: whole tells when there is one.
func (s *shelf) full() bool {
	if l := s.leads(); l == lanes || len(s.held[l])+len(s.in[l]) < s.size {
		return false
	}
	s.drain()
	h := s.held[s.top()]
	if len(h) < s.size || s.key == nil {
		return len(h) >= s.size
	}
	key := s.packetKey(h[0])
	return !slices.ContainsFunc(h, func(it *item) bool { return s.packetKey(it) != key })
}

// packet takes the next packet off the shelf: the most urgent lane's jobs, then those of lesser lanes that are owed their
// share, and with topUp as many more as fit, most in all. All can be sent in one request. It is nil where nothing is held.
func (s *shelf) packet(most int, topUp bool) []*item {
	top := s.top()
	if top == lanes {
		return nil
	}
	p := packet{key: s.packetKey(s.held[top][0])}
	lesser := 0
	for _, h := range s.held[top+1:] {
		lesser += len(h)
	}
	room := most
	owed := 0
	if lesser > 0 {
		owed = min(s.owed/share, lesser, max(most/share, 1))
		room = max(most-owed, 1)
	}
	s.take(&p, top, room)
	own := len(p.items)
	for l := lanes - 1; l > top && owed > 0; l-- {
		n := len(p.items)
		s.take(&p, l, min(n+owed, most))
		owed -= len(p.items) - n
	}
	taken := len(p.items) - own
	if topUp {
		for l := top + 1; l < lanes; l++ {
			s.take(&p, l, most)
		}
	}
	switch {
	case lesser == 0 || len(p.items) > own+taken:
		s.owed = 0
	default:
		s.owed += own - taken*share
	}
	return p.items
}

// packet is one being made.
type packet struct {
	items []*item
	key   string
}

// take moves jobs that fit the packet's key from the lane until the packet has n.
func (s *shelf) take(p *packet, lane, n int) {
	h := s.held[lane]
	if s.key == nil {
		k := min(max(n-len(p.items), 0), len(h))
		p.items = append(p.items, h[:k]...)
		s.held[lane] = slices.Delete(h, 0, k)
		return
	}
	s.held[lane] = slices.DeleteFunc(h, func(it *item) bool {
		if len(p.items) >= n || s.packetKey(it) != p.key {
			return false
		}
		p.items = append(p.items, it)
		return true
	})
}

func (s *shelf) packetKey(it *item) string {
	if s.key == nil {
		return ""
	}
	return s.key(it.message(s.owner))
}

// more tells whether there are jobs for another packet than the given one, which was taken off, or the server has announced some.
func (s *shelf) more(items []*item) bool {
	for l := range s.in {
		if len(s.held[l]) > 0 || len(s.in[l]) > 0 {
			return true
		}
	}
	return items[len(items)-1].delivery.Pending > 0
}

// putBack returns the jobs of a packet that can't be sent yet to the head of their lanes.
func (s *shelf) putBack(items []*item) {
	for _, it := range slices.Backward(items) {
		l := laneIndex(it.delivery.Address.Lane)
		s.held[l] = slices.Insert(s.held[l], 0, it)
	}
}

// clear takes everything, without waiting.
func (s *shelf) clear() []*item {
	var all []*item
	for l := range s.in {
		all = append(all, s.clearLane(l)...)
	}
	return all
}

// clearLane is clear for one lane.
func (s *shelf) clearLane(l int) []*item {
	all := s.held[l]
	s.held[l] = nil
	for len(s.in[l]) > 0 {
		all = append(all, <-s.in[l])
	}
	return all
}
