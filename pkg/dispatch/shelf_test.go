package dispatch

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

func shelved(lane int, id, sender string) *item {
	return &item{job: job.Job{ID: id, Sender: sender}, delivery: Delivery{Address: job.Address{Lane: job.Lanes()[lane]}}}
}

// Whatever is put and taken in whatever order: each job comes out once, packets fit, and the most urgent lane leads.
func TestPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &account{Account: Account{Batch: rapid.IntRange(1, 20).Draw(t, "size")}}
		if rapid.Bool().Draw(t, "keyed") {
			a.Traits.PacketKey = func(m providers.Message) string { return m.Sender }
		}
		s := newShelf(a)
		in, out := 0, map[string]bool{}
		take := func(t *rapid.T) {
			s.drain()
			top := s.top()
			p := s.packet(rapid.IntRange(1, a.Batch).Draw(t, "most"), rapid.Bool().Draw(t, "topUp"))
			require.Equal(t, top == lanes, len(p) == 0)
			require.LessOrEqual(t, len(p), a.Batch)
			if len(p) == 0 {
				return
			}
			require.Equal(t, top, laneIndex(p[0].delivery.Address.Lane))
			for _, it := range p {
				require.Equal(t, s.packetKey(p[0]), s.packetKey(it))
			}
			if rapid.Bool().Draw(t, "back") {
				s.putBack(p)
				return
			}
			for _, it := range p {
				require.False(t, out[it.job.ID])
				out[it.job.ID] = true
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				it := shelved(rapid.IntRange(0, 2).Draw(t, "lane"), fmt.Sprint(in), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "sender"))
				if s.put(it) {
					in++
				}
			},
			"take": take,
		})
		for s.drain(); s.top() != lanes; s.drain() {
			for _, it := range s.packet(s.size, true) {
				require.False(t, out[it.job.ID])
				out[it.job.ID] = true
			}
		}
		require.Len(t, out, in)
	})
}

// While an urgent lane is never empty and there is no room to spare, the lesser ones get their small share.
func TestShareOfLesserLanes(t *testing.T) {
	for _, perPacket := range []int{1, 10} { // urgent packets that are never, and always, full
		s := newShelf(&account{Account: Account{Batch: 10}})
		got := [lanes]int{}
		for i := range 4000 {
			for range perPacket {
				s.held[0] = append(s.held[0], shelved(0, fmt.Sprint(i), ""))
			}
			for l := 1; l < lanes; l++ {
				if len(s.held[l]) < 10 {
					s.held[l] = append(s.held[l], shelved(l, fmt.Sprint(i), ""))
				}
			}
			for _, it := range s.packet(s.size, false) {
				got[laneIndex(it.delivery.Address.Lane)]++
			}
			s.held[0] = s.held[0][:min(len(s.held[0]), 20)]
		}
		lesser := got[1] + got[2]
		require.InDelta(t, 1.0/share, float64(lesser)/float64(got[0]), 0.02, "%v", got)
		require.Positive(t, got[2])
	}
}
