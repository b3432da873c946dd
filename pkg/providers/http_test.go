package providers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func endpoint(t *testing.T, rawURL string) Endpoint {
	t.Helper()
	u, err := url.Parse(rawURL)
	require.NoError(t, err)
	client := NewClient()
	t.Cleanup(client.CloseIdleConnections)
	return Endpoint{URL: u, Client: client, Timeout: 30 * time.Second, Now: func() time.Time { return noon }}
}

func TestPostSendsWhatItIsGiven(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "%s %s %s %d %q %s", r.Method, r.URL, r.Header.Get("Content-Type"), r.ContentLength,
			r.Header.Get("Accept-Encoding"), b)
	}))
	defer server.Close()
	r := endpoint(t, server.URL+"/base").Post(t.Context(), "v2/version.json/", "text/json", []byte("hello"))
	require.Equal(t, Answered, r.Fate, r.Err)
	require.Equal(t, http.StatusTeapot, r.Status)
	require.Equal(t, `POST /base/v2/version.json/ text/json 5 "" hello`, string(r.Body))
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"0":                             0,
		"-7":                            0,
		"1.5":                           0,
		"soon":                          0,
		"99999999":                      24 * time.Hour,
		"99999999999999999999":          0,
		"Sun, 22 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 22 Nov 2026 11:59:59 GMT": 0,
		"Sun, 22 Nov 2099 12:00:00 GMT": 24 * time.Hour,
	} {
		require.Equal(t, want, retryAfter(header, noon), header)
	}
}

func TestBodyIsBounded(t *testing.T) {
	size := MaxBody
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}))
	defer server.Close()
	r := endpoint(t, server.URL).Post(t.Context(), "", "text/plain", []byte("x"))
	require.Equal(t, Answered, r.Fate, r.Err)
	require.Len(t, r.Body, MaxBody)
	size++
	r = endpoint(t, server.URL).Post(t.Context(), "", "text/plain", []byte("x"))
	require.Equal(t, MaybeSent, r.Fate)
	require.Error(t, r.Err)
	require.Nil(t, r.Body)
}

// A closed port, an unknown host, a certificate nobody knows, an older TLS and a context that ended: nothing was sent.
func TestSurelyNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	refused := endpoint(t, "http://"+l.Addr().String())

	nowhere := endpoint(t, "http://nowhere.invalid")
	nowhere.Client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
	}

	var requests atomic.Int64
	untrusted := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()

	old := httptest.NewUnstartedServer(untrusted.Config.Handler)
	old.Config.ErrorLog = untrusted.Config.ErrorLog
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // that is the point
	old.StartTLS()
	defer old.Close()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		e    Endpoint
		ctx  context.Context
		want string
	}{
		"refused":   {refused, t.Context(), "connection refused"},
		"no host":   {nowhere, t.Context(), "the host's name can't be resolved"},
		"untrusted": {endpoint(t, untrusted.URL), t.Context(), "the certificate isn't trusted"},
		"old tls":   {endpoint(t, old.URL), t.Context(), "protocol version"},
		"ended":     {endpoint(t, untrusted.URL), ended, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			r := tc.e.Post(tc.ctx, "", "text/plain", []byte("x"))
			require.Equal(t, NotSent, r.Fate)
			require.ErrorContains(t, r.Err, tc.want)
			require.Equal(t, Unavailable, r.Result().Outcome)
		})
	}
	require.Zero(t, requests.Load())
}

// rawServer accepts connections and gives each to serve, which counts requests for itself.
func rawServer(t *testing.T, serve func(n int, c net.Conn, r *bufio.Reader)) Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(n, c, bufio.NewReader(c))
			_ = c.Close() // closed by serve already, perhaps
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return endpoint(t, "http://"+l.Addr().String())
}

// readRequest reads one request whole and returns its body.
func readRequest(r *bufio.Reader) string {
	req, err := http.ReadRequest(r)
	if err != nil {
		return ""
	}
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// A connection that was kept and that the server closes or resets instead of answering: the transport must not send a POST
// again by itself, whatever it knows of its connection.
func TestKeptConnectionThatBreaksIsNotSentTwice(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset": func(c net.Conn) {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var seconds atomic.Int64
			e := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
				for {
					switch readRequest(r) {
					case "first":
						_, _ = io.WriteString(c, okReply)
						continue
					case "second":
						seconds.Add(1)
						end(c)
					}
					return
				}
			})
			require.Equal(t, Answered, e.Post(t.Context(), "", "text/plain", []byte("first")).Fate)
			r := e.Post(t.Context(), "", "text/plain", []byte("second"))
			require.Equal(t, MaybeSent, r.Fate)
			require.Error(t, r.Err)
			e.Client.CloseIdleConnections()
			require.Equal(t, int64(1), seconds.Load())
		})
	}
}

// A kept connection that the server closed while nobody used it. Whenever the client learns of it, the message is sent
// once at most, and a claim that it wasn't sent is true.
func TestKeptConnectionClosedWhileIdle(t *testing.T) {
	for round := range 50 {
		var seconds atomic.Int64
		e := rawServer(t, func(n int, c net.Conn, r *bufio.Reader) {
			for {
				switch readRequest(r) {
				case "first":
					_, _ = io.WriteString(c, okReply)
					if n == 0 {
						return // closes just when the client may send the next one
					}
				case "second":
					seconds.Add(1)
					_, _ = io.WriteString(c, okReply)
				default:
					return
				}
			}
		})
		require.Equal(t, Answered, e.Post(t.Context(), "", "text/plain", []byte("first")).Fate)
		r := e.Post(t.Context(), "", "text/plain", []byte("second"))
		e.Client.CloseIdleConnections()
		switch r.Fate {
		case Answered:
			require.Equal(t, int64(1), seconds.Load(), "round %d", round)
		case NotSent:
			require.Zero(t, seconds.Load(), "round %d", round)
		default:
			require.LessOrEqual(t, seconds.Load(), int64(1), "round %d", round)
		}
	}
}

func TestFollowsNoRedirectWhosoeverTheClient(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
	}))
	defer server.Close()
	e := endpoint(t, server.URL)
	e.Client = &http.Client{Transport: e.Client.Transport}
	r := e.Post(t.Context(), "", "text/plain", []byte("x"))
	require.Equal(t, 1, requests)
	require.Equal(t, Misconfigured, r.Result().Outcome)
}

func TestErrorsNameNoURL(t *testing.T) {
	e := Endpoint{URL: &url.URL{Scheme: "http", Host: "h", User: url.UserPassword("u", "hunter2"), Path: "/hunter2"},
		Client:  &http.Client{Transport: failing{errors.New("some failure")}},
		Timeout: time.Second}.WithDefaults()
	r := e.Post(t.Context(), "", "text/plain", []byte("x"))
	require.EqualError(t, r.Err, "some failure")
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
