package sandbox

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// summary counts what became of the samples.
type summary struct {
	mu         sync.Mutex
	jobs       int
	start      time.Time
	taken      time.Time // when the last sample was submitted
	end        time.Time // when the last event came
	sentAt     map[string]time.Time
	submitted  map[string]bool
	ended      map[string]job.State // final
	states     map[job.State]int
	latencies  []time.Duration
	duplicates int
}

func newSummary(jobs int) *summary {
	now := time.Now()
	return &summary{jobs: jobs, start: now, taken: now, end: now, sentAt: make(map[string]time.Time, jobs), submitted: make(map[string]bool, jobs), ended: make(map[string]job.State, jobs), states: map[job.State]int{}}
}

// publications is how often sample i is published.
func (s *summary) publications(i int) int {
	if i%repeatEvery == repeatEvery/2 {
		return 2
	}
	return 1
}

// repeats is how many publications must be suppressed.
func (s *summary) repeats() int { return (s.jobs + repeatEvery - 1 - repeatEvery/2) / repeatEvery }

func (s *summary) sent(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sentAt[id] = time.Now()
}

// count takes an event in; true where it is the last word about a sample.
func (s *summary) count(e *job.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, ours := s.sentAt[e.Job]
	if !ours {
		return false
	}
	s.end = time.Now()
	s.states[e.State]++
	if e.State == job.Duplicate {
		s.duplicates++
		return false
	}
	if e.State == job.Submitted && !s.submitted[e.Job] {
		s.submitted[e.Job], s.taken = true, s.end
		s.latencies = append(s.latencies, s.end.Sub(sent))
	}
	if _, again := s.ended[e.Job]; again || !e.Final {
		return false
	}
	s.ended[e.Job] = e.State
	return true
}

// complete tells whether every sample ended and every repeat was told of.
func (s *summary) complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ended) >= s.jobs && s.duplicates >= s.repeats()
}

func (s *summary) write(w io.Writer, world *world) {
	took := s.taken.Sub(s.start)
	fmt.Fprintf(w, "\n%d jobs and %d repeats of them, submitted in %s: %.0f jobs/s; the last word about them came after %s\n\n", s.jobs, s.repeats(),
		took.Round(time.Millisecond), float64(s.jobs)/max(took.Seconds(), 0.001), s.end.Sub(s.start).Round(time.Millisecond))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STATE\tEVENTS")
	for _, state := range slices.Sorted(maps.Keys(s.states)) {
		fmt.Fprintf(t, "%s\t%d\n", state, s.states[state])
	}
	fmt.Fprintln(t, "\t\nPROVIDER\tREQUESTS\tMESSAGES\tDOUBLED")
	for i, name := range []string{"prostor", "mysmpp", "scorocode"} {
		p := world.servers()[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\n", name, p.Requests(), p.Messages(), len(p.Repeats()))
	}
	_ = t.Flush() // to the same writer as above
	if len(s.latencies) > 0 {
		slices.Sort(s.latencies)
		at := func(q float64) time.Duration {
			return s.latencies[int(q*float64(len(s.latencies)-1))].Round(100 * time.Microsecond)
		}
		fmt.Fprintf(w, "\npublished to submitted: p50 %s, p99 %s (providers answer after %s)\n", at(0.5), at(0.99), delay)
	}
}

// verdict is what isn't as it should be.
func (s *summary) verdict(w *world) error {
	var faults []error
	if lost := s.jobs - len(s.ended); lost > 0 {
		faults = append(faults, fmt.Errorf("%d samples had no end", lost))
	}
	for id, state := range s.ended {
		if state != job.Submitted && state != job.Delivered {
			faults = append(faults, fmt.Errorf("%s ended as %s", id, state))
		}
	}
	if s.duplicates != s.repeats() {
		faults = append(faults, fmt.Errorf("%d repeats suppressed instead of %d", s.duplicates, s.repeats()))
	}
	taken := 0
	for _, p := range w.servers() {
		taken += p.Messages()
		faults = append(faults, breaches(p)...)
	}
	if taken != s.jobs {
		faults = append(faults, fmt.Errorf("recipients got %d messages for %d samples", taken, s.jobs))
	}
	return errors.Join(faults...)
}

// breaches is what a simulated provider has to complain of.
func breaches(p *sim.Server) (faults []error) {
	for _, c := range p.Repeats() {
		faults = append(faults, fmt.Errorf("a recipient got message %s more than once", c.ID))
	}
	for _, v := range p.Violations() {
		faults = append(faults, fmt.Errorf("a request breaches the provider's document: %v", v))
	}
	return faults
}
