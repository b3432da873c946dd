package sim

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Answerer speaks one provider's API. It is called by many requests at once.
type Answerer interface {
	// Answer judges a request as the provider's document has it. What breaches the document is told to
	// [Server.Violate] and answered as the document says. It must not keep the request's body.
	Answer(Request) Answer
}

// Questioner is an Answerer whose API is also asked about what was sent, or about the account. Questions have faults of
// their own, see [Server.BreakQuestions], and no place in the [Ledger]'s requests and packets.
type Questioner interface {
	Answerer
	// Question tells whether a request sends nothing.
	Question(*http.Request) bool
}

// Request is what arrived.
type Request struct {
	*http.Request
	Body  []byte // the whole of it, instead of http.Request's
	Fault Fault  // WrongRows or MissingRows, for the Answerer to obey; else not its business
}

// Answer is what goes back.
type Answer struct {
	Status      int    // 0: 200
	ContentType string // empty: application/json
	Body        []byte
	Taken       []Copy // what recipients get by this request; none of what was refused
}

const maxViolations = 1000

// Server is what all simulators share. It is safe for concurrent use; make it with [New].
type Server struct {
	Ledger
	answerer Answerer
	http     *http.Server
	done     chan struct{}
	closing  sync.Once
	running  sync.WaitGroup // accept loops and requests

	mu         sync.Mutex
	listener   net.Listener // nil while refused
	addr       string
	sends      breakage
	questions  breakage
	delay      time.Duration
	verdicts   map[string]string
	violations []string
}

// New makes a server that isn't listening yet.
func New(a Answerer) *Server {
	s := &Server{answerer: a, done: make(chan struct{}), verdicts: map[string]string{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute}
	return s
}

// Answerer is who answers.
func (s *Server) Answerer() Answerer { return s.answerer }

// Start listens on addr, such as 127.0.0.1:0 for any free port, and serves until Close.
func (s *Server) Start(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	s.Serve(l)
	return nil
}

// Serve serves on a listener, which it closes at Close, and returns at once.
func (s *Server) Serve(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener, s.addr = l, l.Addr().String()
	s.running.Go(func() { _ = s.http.Serve(l) }) // ends by closing the listener, with an error that says just that
}

// URL is where it listens, without a path.
func (s *Server) URL() *url.URL {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &url.URL{Scheme: "http", Host: s.addr}
}

// Close ends every request and frees the port. It waits until nothing runs any more. A second Close does nothing.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.mu.Lock()
		close(s.done) // under the lock that begin takes: no request begins from here on
		s.mu.Unlock()
		_ = s.http.Close() // its only errors are those of listeners closed before
	})
	s.running.Wait()
}

// begin lets a request in, unless the server is closing.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return false
	default:
		s.running.Add(1)
		return true
	}
}

// breakage is a fault and how many more requests it meets; −1: every one.
type breakage struct {
	fault Fault
	times int
}

// next is the fault of the request at hand.
func (b *breakage) next() Fault {
	switch {
	case b.times == 0:
		return None
	case b.times > 0:
		b.times--
	}
	return b.fault
}

// Break makes the next sends fail, as many as times says; −1: until Break(None, 0). It replaces an earlier
// Break. [Refused] is for questions too. It panics if the port of a refused simulator can't be had again for 10 seconds.
func (s *Server) Break(f Fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sends = breakage{f, times}
	if f == Refused {
		s.sends.times = -1
		if s.listener != nil {
			_ = s.listener.Close() // closed before: just as good
			s.listener = nil
			s.http.SetKeepAlivesEnabled(false) // ends the idle connections
		}
		return
	}
	if s.listener == nil && s.addr != "" {
		s.relisten()
	}
}

// BreakQuestions is Break for the requests that send nothing: those of a [Questioner]. Refused resets them.
func (s *Server) BreakQuestions(f Fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.questions = breakage{f, times}
}

func (s *Server) relisten() {
	s.http.SetKeepAlivesEnabled(true)
	var last error
	for range 1000 {
		l, err := net.Listen("tcp", s.addr)
		if err == nil {
			s.listener = l
			s.running.Go(func() { _ = s.http.Serve(l) })
			return
		}
		last = err
		time.Sleep(10 * time.Millisecond) // another process has the port for a moment
	}
	panic(fmt.Sprintf("simulator: %v", last))
}

// next is the fault of the request at hand.
func (s *Server) next(question bool) (Fault, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if question {
		return s.questions.next(), s.delay
	}
	return s.sends.next(), s.delay
}

// Delay makes every reply wait so long after its messages were taken.
func (s *Server) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Verdict scripts what the provider says of a recipient; empty: nothing out of the ordinary. What the provider's own word
// for success isn't is a refusal.
func (s *Server) Verdict(to, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if words == "" {
		delete(s.verdicts, digitsOf(to))
		return
	}
	s.verdicts[digitsOf(to)] = words
}

// Scripted is the verdict on a recipient, if there is one.
func (s *Server) Scripted(to string) (words string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.verdicts) == 0 {
		return "", false
	}
	words, ok = s.verdicts[digitsOf(to)]
	return words, ok
}

// Violate notes a breach of the provider's document.
func (s *Server) Violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.violations) < maxViolations {
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	}
}

// Violations are the breaches seen, at most 1000.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
}

// digitsOf makes one key of the ways to write a phone. What has no digits stays as it is.
func digitsOf(to string) string {
	plain := true
	for i := range len(to) {
		plain = plain && to[i] >= '0' && to[i] <= '9'
	}
	if plain {
		return to
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, to)
	if digits == "" {
		return to
	}
	return digits
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		return
	}
	defer s.running.Done()
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return // the client left in the middle of its request
	}
	q, asks := s.answerer.(Questioner)
	question := asks && q.Question(r)
	fault, delay := s.next(question)
	if r.URL.Query().Has(redirected) {
		s.Violate("followed a redirect to %s", r.URL.Path)
	}
	var a Answer
	switch fault {
	case Refused, ResetBefore, TooMany, Redirect: // Refused: on a connection made just before
	default:
		a = s.answerer.Answer(Request{Request: r, Body: body, Fault: fault})
	}
	if question {
		s.enterQuestion()
	} else {
		s.enter(a.Taken)
	}
	if delay > 0 {
		s.pause(r.Context(), delay)
	}
	s.reply(w, r, a, fault)
}

// pause waits, unless the client leaves or the server closes.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.done:
	}
}
