package breaker

import "time"

// machine is the state of one key as it is stored. All times are by the store's clock. Its methods are pure: each returns the machine as it is
// from now on.
type machine struct {
	Kind       Kind          `json:"kind"` // Closed, Open or Paused; half-open is one of the latter with a live ticket
	Cause      string        `json:"cause,omitzero"`
	Words      string        `json:"words,omitzero"`
	Until      time.Time     `json:"until,omitzero"`
	Itself     bool          `json:"itself,omitzero"`
	Failures   int           `json:"failures,omitzero"`
	Generation int64         `json:"generation,omitzero"` // when it began, in µs: no two are equal, even where the store lost one
	Span       time.Duration `json:"span,omitzero"`       // how long it was open last
	Trial      time.Time     `json:"trial,omitzero"`      // until when one failure opens it again
	Ticket     string        `json:"ticket,omitzero"`     // of the probe
	Lease      time.Time     `json:"lease,omitzero"`      // until when the probe is its holder's
}

// settled is the machine once the time that passed is taken into account.
func (m machine) settled(now time.Time) machine {
	if m.Kind == "" {
		m.Kind = Closed
	}
	if m.Kind != Closed && m.Itself && !now.Before(m.Until) {
		m = m.close(now)
	}
	return m
}

// report takes a finding into account.
func (m machine) report(now time.Time, p Policy, r Report) machine {
	m = m.settled(now)
	probe := r.Ticket != "" && r.Ticket == m.Ticket
	counts := probe || m.Kind == Closed && r.Generation == m.Generation
	switch r.Finding {
	case Nothing:
		if probe {
			m.Ticket, m.Lease = "", time.Time{}
		}
	case Succeeded:
		switch {
		case probe:
			m = m.close(now)
		case counts:
			m.Failures = 0
		}
	case Failed:
		if counts {
			m = m.fail(now, p, r, probe)
		}
	case Refused:
		again := now.Add(r.For)
		switch {
		case counts:
			m = m.shut(now, Paused, r, again)
		case m.pausedFor(r) && again.After(m.Until): // said of the pause itself: it lasts
			m.Until = again
		}
	case Mended:
		if m.pausedFor(r) {
			m = m.close(now)
		}
	case Blocked: // not to be asked is never out of date
		till := now.Add(r.For)
		switch {
		case m.Kind == Closed || probe:
			m = m.shut(now, Paused, r, till)
			m.Itself = true
		case till.After(m.Until):
			m.Until = till
		}
	}
	return m
}

// pausedFor tells whether the report is about the present pause.
func (m machine) pausedFor(r Report) bool {
	return m.Kind == Paused && !m.Itself && m.Cause == r.Cause && m.Generation == r.Generation
}

// fail counts a failure, and opens the breaker where it was one too many.
func (m machine) fail(now time.Time, p Policy, r Report, probe bool) machine {
	switch {
	case probe:
	case now.Before(m.Trial):
		m.Span *= 2
	default:
		m.Failures++
		if m.Failures < p.Failures {
			return m
		}
		m.Span = p.Open
	}
	m.Span = min(max(m.Span, p.Open), Longest*p.Open)
	return m.shut(now, Open, r, now.Add(max(m.Span, r.For)))
}

func (m machine) shut(now time.Time, k Kind, r Report, until time.Time) machine {
	if k == Paused && !now.Before(m.Trial) {
		m.Span = 0
	}
	m.Kind, m.Cause, m.Words, m.Until, m.Itself = k, r.Cause, r.Words, until, false
	return m.next(now)
}

func (m machine) close(now time.Time) machine {
	if m.Kind == Open {
		m.Trial = now.Add(m.Span)
	}
	m.Kind, m.Cause, m.Words, m.Until, m.Itself = Closed, "", "", time.Time{}, false
	return m.next(now)
}

// next begins a generation.
func (m machine) next(now time.Time) machine {
	m.Failures, m.Ticket, m.Lease = 0, "", time.Time{}
	m.Generation = max(now.UnixMicro(), m.Generation+1)
	return m
}

// probe gives the probe to the holder of the ticket, if it is to be had.
func (m machine) probe(now time.Time, ticket string, hold time.Duration) (machine, bool) {
	m = m.settled(now)
	if m.Kind == Closed || now.Before(m.Until) || m.probed(now) {
		return m, false
	}
	m.Ticket, m.Lease = ticket, now.Add(hold)
	return m, true
}

// probed tells whether a probe is under way.
func (m machine) probed(now time.Time) bool { return m.Ticket != "" && now.Before(m.Lease) }

// state is the machine as seen from outside; at is the present by the clock of who asks.
func (m machine) state(now, at time.Time) State {
	m = m.settled(now)
	s := State{Kind: m.Kind, Cause: m.Cause, Words: m.Words, Itself: m.Itself, Failures: m.Failures, Generation: m.Generation}
	if m.Kind == Closed {
		return s
	}
	until := m.Until
	if m.probed(now) {
		s.Kind, until = HalfOpen, m.Lease
	}
	s.Until = at.Add(until.Sub(now))
	return s
}

// memory is how long a state is remembered after nothing about it can change by itself any more.
const memory = time.Hour

// life is how long the machine must be kept.
func (m machine) life(now time.Time) time.Duration {
	last := now
	for _, t := range []time.Time{m.Until, m.Trial, m.Lease} {
		if t.After(last) {
			last = t
		}
	}
	return last.Sub(now) + memory
}
