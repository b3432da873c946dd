package providertest

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// sendOver sends over a transport of the test's own and checks what holds of any results.
func (s Subject) sendOver(t T, msgs []providers.Message, rt roundTripper) []providers.Result {
	t.Helper()
	p := s.open(t, &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, &http.Client{Transport: rt}, patience)
	results := p.Send(t.Context(), msgs)
	checkShape(t, s, msgs, results)
	return results
}

// respond makes a reply.
func respond(r *http.Request, status int, contentType string, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(body), ContentLength: -1, Request: r}
}

// drain reads the request as a transport must before it replies.
func drain(r *http.Request) []byte {
	if r.Body == nil { // a redirect that was followed
		return nil
	}
	b, _ := io.ReadAll(r.Body) // a body that was given up is as good as none here
	_ = r.Body.Close()         // it has nothing to tell
	return b
}

func checkTransport(t T, s Subject) {
	broken := errors.New("the wire broke")
	msgs := s.batch(0, 3)
	var late io.ReadCloser
	for i, r := range s.sendOver(t, msgs, func(r *http.Request) (*http.Response, error) {
		late = r.Body
		return nil, broken
	}) {
		require.Equal(t, providers.Unavailable, r.Outcome, "message %d: nothing was read of the request", i)
	}
	n, err := late.Read(make([]byte, 1))
	require.Zero(t, n, "a request reported unavailable can still be read by its transport")
	require.Error(t, err)
	for i, r := range s.sendOver(t, msgs, func(r *http.Request) (*http.Response, error) {
		if _, err := r.Body.Read(make([]byte, 1)); err != nil {
			return nil, err
		}
		return nil, broken
	}) {
		require.Equal(t, providers.Ambiguous, r.Outcome, "message %d: a byte of the request was read", i)
	}
}

func checkCertificate(t T, s Subject) {
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	client := providers.NewClient()
	defer client.CloseIdleConnections()
	msgs := s.batch(0, 2)
	results := sendWithin(t.Context(), t, s.open(t, u, client, patience), msgs)
	checkShape(t, s, msgs, results)
	for _, r := range results {
		require.Equal(t, providers.Unavailable, r.Outcome)
	}
	require.Zero(t, requests.Load())
}

func checkRedirects(t T, s Subject) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		requests := 0
		msgs := s.batch(0, 2)
		for _, r := range s.sendOver(t, msgs, func(r *http.Request) (*http.Response, error) {
			drain(r)
			requests++
			resp := respond(r, status, "text/html", http.NoBody)
			resp.Header.Set("Location", "http://127.0.0.1:2/elsewhere")
			return resp, nil
		}) {
			require.Equal(t, providers.Misconfigured, r.Outcome, "HTTP %d", status)
		}
		require.Equal(t, 1, requests, "HTTP %d was followed", status)
	}
}

// endless is a reply's body that never ends.
type endless struct {
	start io.Reader
	read  int
}

func (e *endless) Read(b []byte) (int, error) {
	n, err := e.start.Read(b)
	if err != nil {
		n = copy(b, bytes.Repeat([]byte{' '}, len(b)))
	}
	e.read += n
	if e.read > 8*providers.MaxBody {
		return n, io.EOF // enough to see that it isn't bounded
	}
	return n, nil
}

func checkEndless(t T, s Subject) {
	for _, status := range []int{200, 400, 500} {
		body := &endless{start: bytes.NewReader([]byte(`{"status":"ok",`))}
		for _, r := range s.sendOver(t, s.batch(0, 2), func(r *http.Request) (*http.Response, error) {
			drain(r)
			return respond(r, status, "application/json", body), nil
		}) {
			require.Equal(t, providers.Ambiguous, r.Outcome, "HTTP %d", status)
		}
		require.LessOrEqual(t, body.read, 2*providers.MaxBody, "more was read than a reply may have")
	}
}
