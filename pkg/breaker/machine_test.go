package breaker

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	start  = time.UnixMicro(1_800_000_000_000_000).UTC()
	policy = Policy{Failures: 3, Open: 10 * time.Second}
)

// story tells a machine what happens, at a clock of its own.
type story struct {
	t   require.TestingT
	now time.Time
	m   machine
}

func (s *story) pass(d time.Duration) *story { s.now = s.now.Add(d); return s }

// says reports what was asked just now.
func (s *story) says(f Finding) *story {
	return s.report(Report{Finding: f, Generation: s.m.settled(s.now).Generation, Cause: "c", Words: "w", For: 30 * time.Second})
}

func (s *story) fails(times int) *story {
	for range times {
		s.report(Report{Finding: Failed, Generation: s.m.Generation, Cause: "c"})
	}
	return s
}

func (s *story) report(r Report) *story { s.m = s.m.report(s.now, policy, r); return s }

// probe takes the probe and reports its finding.
func (s *story) probe(f Finding) *story {
	m, ok := s.m.probe(s.now, "t", time.Minute)
	require.True(s.t, ok, "there is a probe to take")
	s.m = m
	r := Report{Finding: f, Generation: m.Generation, Ticket: "t", Cause: "c"}
	if f != Failed {
		r.For = 30 * time.Second
	}
	return s.report(r)
}

// is checks the kind, and for how long.
func (s *story) is(k Kind, d time.Duration) *story {
	got := s.m.state(s.now, s.now)
	require.Equal(s.t, k, got.Kind)
	if k != Closed {
		require.Equal(s.t, d, got.Until.Sub(s.now))
	}
	return s
}

func TestMachine(t *testing.T) {
	new := func(t *testing.T) *story { return &story{t: t, now: start} }
	for name, tell := range map[string]func(s *story){
		"failures in a row open it": func(s *story) {
			s.fails(2).is(Closed, 0).fails(1).is(Open, 10*time.Second)
		},
		"a success breaks the row": func(s *story) {
			s.fails(2).says(Succeeded).fails(2).is(Closed, 0).fails(1).is(Open, 10*time.Second)
		},
		"a probe closes it": func(s *story) {
			s.fails(3).pass(10*time.Second).probe(Succeeded).is(Closed, 0)
		},
		"there is no probe before its time": func(s *story) {
			s.fails(3).pass(10*time.Second - 1)
			_, ok := s.m.probe(s.now, "t", time.Minute)
			require.False(s.t, ok)
		},
		"there is one probe, until its holder is given up": func(s *story) {
			s.fails(3).pass(10 * time.Second)
			m, ok := s.m.probe(s.now, "one", 5*time.Second)
			require.True(s.t, ok)
			s.m = m
			s.is(HalfOpen, 5*time.Second)
			_, ok = s.m.probe(s.now, "two", 5*time.Second)
			require.False(s.t, ok)
			s.pass(5 * time.Second)
			s.m, ok = s.m.probe(s.now, "two", 5*time.Second)
			require.True(s.t, ok)
			s.report(Report{Finding: Succeeded, Ticket: "one"}).is(HalfOpen, 5*time.Second)
			s.report(Report{Finding: Succeeded, Ticket: "two"}).is(Closed, 0)
		},
		"a probe that wasn't made is another's to make": func(s *story) {
			s.fails(3).pass(10*time.Second).probe(Nothing).is(Open, 0).probe(Succeeded).is(Closed, 0)
		},
		"a failed probe opens it again for as long": func(s *story) {
			s.fails(3)
			for range 10 {
				s.pass(10*time.Second).probe(Failed).is(Open, 10*time.Second)
			}
		},
		"one failure on trial opens it for twice as long, to a bound": func(s *story) {
			s.fails(3)
			open := 10 * time.Second
			for range 7 {
				s.pass(open).probe(Succeeded).pass(open - 1).fails(1)
				open = min(2*open, Longest*policy.Open)
				s.is(Open, open)
			}
			require.Equal(s.t, 160*time.Second, open)
			s.pass(open).probe(Succeeded).pass(open).fails(2).is(Closed, 0).fails(1).is(Open, 10*time.Second)
		},
		"what was asked before a change doesn't count after it": func(s *story) {
			before := s.m.Generation
			s.fails(3).pass(10 * time.Second).probe(Succeeded)
			for _, f := range []Finding{Failed, Refused} {
				s.report(Report{Finding: f, Generation: before, For: time.Hour}).is(Closed, 0)
			}
			s.fails(1).is(Open, 20*time.Second)
			s.report(Report{Finding: Succeeded, Generation: before}).is(Open, 20*time.Second)
		},
		"a refusal pauses it until a probe": func(s *story) {
			s.says(Refused).is(Paused, 30*time.Second).says(Failed).says(Succeeded).is(Paused, 30*time.Second)
			s.pass(time.Hour).is(Paused, -time.Hour+30*time.Second)
			s.probe(Refused).is(Paused, 30*time.Second).pass(30*time.Second).probe(Failed).is(Open, 10*time.Second)
			s.pass(10*time.Second).probe(Refused).is(Paused, 30*time.Second).pass(30*time.Second).probe(Succeeded).is(Closed, 0)
		},
		"a block ends by itself, and a longer one counts": func(s *story) {
			s.says(Blocked).is(Paused, 30*time.Second).pass(time.Second).says(Blocked).is(Paused, 30*time.Second)
			s.report(Report{Finding: Blocked, For: time.Second}).is(Paused, 30*time.Second)
			require.True(s.t, s.m.state(s.now, s.now).Itself)
			_, ok := s.pass(30*time.Second).m.probe(s.now, "t", time.Minute)
			require.False(s.t, ok)
			s.is(Closed, 0).fails(2).is(Closed, 0)
		},
		"a block puts a probe off": func(s *story) {
			s.fails(3).says(Blocked).is(Open, 30*time.Second).pass(30*time.Second).probe(Blocked).is(Paused, 30*time.Second)
			s.pass(30*time.Second).is(Closed, 0)
		},
		"a pause ends when its cause is mended": func(s *story) {
			s.says(Refused).pass(time.Second)
			for _, other := range []Report{{Cause: "other", Generation: s.m.Generation}, {Cause: "c", Generation: s.m.Generation - 1}} {
				other.Finding = Mended
				s.report(other).is(Paused, 29*time.Second)
			}
			s.says(Mended).is(Closed, 0).says(Mended).is(Closed, 0).fails(2).is(Closed, 0)
		},
		"a pause whose cause lasts is longer, never shorter": func(s *story) {
			s.says(Refused).pass(20*time.Second).says(Refused).is(Paused, 30*time.Second)
			s.report(Report{Finding: Refused, Cause: "c", Generation: s.m.Generation, For: time.Second}).is(Paused, 30*time.Second)
			s.report(Report{Finding: Refused, Cause: "other", Generation: s.m.Generation, For: time.Hour}).is(Paused, 30*time.Second)
			s.report(Report{Finding: Refused, Cause: "c", Generation: s.m.Generation - 1, For: time.Hour}).is(Paused, 30*time.Second)
		},
		"what is open or blocked is not mended": func(s *story) {
			s.fails(3).says(Mended).is(Open, 10*time.Second).pass(10 * time.Second).probe(Succeeded)
			s.says(Blocked).says(Mended).is(Paused, 30*time.Second)
		},
		"what says how long it is away is left alone for that": func(s *story) {
			s.fails(2).says(Failed).is(Open, 30*time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) { tell(new(t)) })
	}
}

// Whatever happens, a thing isn't asked while it is left alone, has one probe at most, is open within the bounds, and doesn't flap: two openings are as far
// apart as the first one lasted, and where the second one came on trial it lasts twice as long.
func TestMachineLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &story{t: t, now: start}
		var tickets []string
		var generations []int64
		var openedAt time.Time
		var span time.Duration
		trial := time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			was := s.m.settled(s.now)
			generations = append(generations, was.Generation)
			r := Report{
				Finding:    Finding(rapid.IntRange(0, 5).Draw(t, "finding")),
				Generation: rapid.SampledFrom(generations).Draw(t, "generation"),
				For:        time.Duration(rapid.IntRange(0, 40).Draw(t, "for")) * time.Second,
			}
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				s.pass(time.Duration(rapid.IntRange(0, 40_000).Draw(t, "ms")) * time.Millisecond)
				continue
			case 1:
				ticket := strconv.Itoa(len(tickets))
				m, ok := s.m.probe(s.now, ticket, 15*time.Second)
				require.Equal(t, was.Kind != Closed && !s.now.Before(was.Until) && !was.probed(s.now), ok)
				s.m = m
				if ok {
					tickets = append(tickets, ticket)
				}
				continue
			case 2:
				if len(tickets) > 0 {
					r.Ticket = rapid.SampledFrom(tickets).Draw(t, "ticket")
				}
			}
			probe := r.Ticket != "" && r.Ticket == was.Ticket
			s.report(r)
			is := s.m
			require.GreaterOrEqual(t, is.Generation, was.Generation)
			require.Equal(t, is.Kind != was.Kind || is.Generation != was.Generation, is.Generation != was.Generation)
			if was.Kind != Closed && is.Kind == Closed {
				mended := r.Finding == Mended && was.Kind == Paused && r.Generation == was.Generation
				require.True(t, probe && r.Finding == Succeeded || mended, "nothing else closes it")
				if was.Kind == Open {
					trial = s.now.Add(was.Span)
				}
			}
			if is.Kind == Open && is.Generation != was.Generation {
				require.GreaterOrEqual(t, is.Span, policy.Open)
				require.LessOrEqual(t, is.Span, Longest*policy.Open)
				require.False(t, is.Until.Before(s.now.Add(is.Span)))
				if !openedAt.IsZero() && !probe {
					require.GreaterOrEqual(t, s.now.Sub(openedAt), min(span, policy.Open), "it doesn't flap")
				}
				if was.Kind == Closed && s.now.Before(trial) {
					require.Equal(t, min(2*was.Span, Longest*policy.Open), is.Span)
				}
				if was.Kind == Closed && !s.now.Before(trial) {
					require.Equal(t, policy.Failures-1, was.Failures)
					require.Equal(t, policy.Open, is.Span)
				}
				openedAt, span = s.now, is.Span
			}
			encoded, err := json.Marshal(is)
			require.NoError(t, err)
			require.Equal(t, is, decode(string(encoded)))
		}
	})
}
