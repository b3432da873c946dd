package sim

import (
	"bytes"
	"cmp"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	redirected = "redirected"
	hugeSize   = 8 << 20
	slowPieces = 8
	slowPause  = 5 * time.Millisecond
)

// reply writes the answer, broken as the fault has it.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, a Answer, f Fault) {
	h := w.Header()
	h.Set("Content-Type", cmp.Or(a.ContentType, "application/json"))
	status := cmp.Or(a.Status, http.StatusOK)
	switch f {
	case Hang:
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	case Refused, ResetBefore, ResetAfter:
		reset(w)
	case TooMany:
		h.Set("Retry-After", strconv.Itoa(RetryAfter))
		write(w, http.StatusTooManyRequests, nil)
	case Error500:
		write(w, http.StatusInternalServerError, nil)
	case HTML502:
		h.Set("Content-Type", "text/html")
		write(w, http.StatusBadGateway, []byte("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"))
	case Truncated:
		h.Set("Content-Length", strconv.Itoa(len(a.Body)+1))
		write(w, status, a.Body[:len(a.Body)/2])
		_ = http.NewResponseController(w).Flush() // what was written must arrive; a client that left shows anyway
		panic(http.ErrAbortHandler)
	case Garbage:
		write(w, http.StatusOK, []byte("{\"status\":\x00\xff\xfe]]] nothing of sense"))
	case Redirect:
		h.Set("Location", r.URL.Path+"?"+redirected+"=1")
		write(w, http.StatusTemporaryRedirect, nil)
	case Huge:
		write(w, status, a.Body)
		piece := bytes.Repeat([]byte{' '}, 64<<10)
		for range hugeSize / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return // the client has had enough
			}
		}
	case Slow:
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
		w.WriteHeader(status)
		for piece := range slowPieces {
			from, to := len(a.Body)*piece/slowPieces, len(a.Body)*(piece+1)/slowPieces
			_, _ = w.Write(a.Body[from:to])           // a client that left shows at the end of the request
			_ = http.NewResponseController(w).Flush() // likewise
			s.pause(r.Context(), slowPause)
		}
	default:
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
		write(w, status, a.Body)
	}
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is none of the simulator's business
}

// reset ends the connection so that the client sees it reset rather than closed.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails on a broken connection only
	}
	_ = conn.Close() // likewise
}
