package dispatch

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// settling is the places in which an account's packets are settled. Each lane has its own, so that the jobs of none wait for less urgent ones.
type settling struct {
	places  [lanes]chan struct{} // a token for each packet whose jobs of the lane are being settled
	waiting [lanes]atomic.Int64  // packets that have no place yet
	eased   chan struct{}        // has a token since fewer wait
}

// crowd is how many packets of a lane wait to be settled when no further one is made: its request would only bring more to wait, and to lie in memory.
const crowd = 2

// crowdedFor is how long no other change is looked for, at most, while a lane is crowded.
const crowdedFor = 20 * time.Millisecond

func newSettling(places int) *settling {
	s := &settling{eased: make(chan struct{}, 1)}
	for lane := range s.places {
		s.places[lane] = make(chan struct{}, places)
	}
	return s
}

// enter waits for a place.
func (s *settling) enter(lane int) {
	select {
	case s.places[lane] <- struct{}{}:
		return
	default:
	}
	s.waiting[lane].Add(1)
	s.places[lane] <- struct{}{}
	s.waiting[lane].Add(-1)
	select {
	case s.eased <- struct{}{}:
	default:
	}
}

func (s *settling) leave(lane int) { <-s.places[lane] }

// crowded tells whether no packet of the lane is to be made now.
func (s *settling) crowded(lane int) bool { return s.waiting[lane].Load() >= crowd }

// anyCrowded tells it of all lanes.
func (s *settling) anyCrowded() bool {
	for lane := range s.waiting {
		if s.crowded(lane) {
			return true
		}
	}
	return false
}

// settle settles the jobs of a packet, lane by lane, the most urgent first: none waits for a less urgent one to be settled. The packet leaves its slot
// when the last of them have their place.
func (a *account) settle(ends []ending, leave func()) {
	of := func(e ending) int { return laneIndex(e.it.delivery.Address.Lane) }
	byLane := func(one, other ending) int { return cmp.Compare(of(one), of(other)) }
	if !slices.IsSortedFunc(ends, byLane) {
		slices.SortStableFunc(ends, byLane)
	}
	if len(ends) == 0 { // the worker was stopped before anything was known of them
		leave()
	}
	for len(ends) > 0 {
		lane, n := of(ends[0]), 1
		for n < len(ends) && of(ends[n]) == lane {
			n++
		}
		a.settling.enter(lane)
		if n == len(ends) {
			leave()
		}
		a.line.settle(ends[:n])
		a.settling.leave(lane)
		ends = ends[n:]
	}
}
