package providers

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the transport read and then sent again on a new connection counts from the new connection on.
func TestParcel(t *testing.T) {
	p := newParcel([]byte("body"))
	first := p.open()
	_, err := first.Read(make([]byte, 2))
	require.NoError(t, err)
	require.False(t, p.seal(), "a byte was read")

	again := p.open()
	require.True(t, p.seal(), "nothing was read since the transport began again")
	_, err = again.Read(make([]byte, 2))
	require.ErrorIs(t, err, errSealed)
}

// Memory is given back only where nobody can read it any more, and what was read to its end reads as ended ever after.
func TestParcelReleased(t *testing.T) {
	read := func(r io.Reader, n int) error {
		_, err := io.ReadFull(r, make([]byte, n))
		return err
	}
	p := newParcel([]byte("body"))
	stale := p.open()
	require.NoError(t, read(stale, 2))
	require.False(t, p.release(), "the rest may be read yet")
	last := p.open()
	require.False(t, p.release())
	require.NoError(t, read(last, 4))
	require.True(t, p.release())
	require.ErrorIs(t, read(last, 1), io.EOF, "the transport looks for the end")
	require.ErrorIs(t, read(stale, 1), errSealed)
	require.ErrorIs(t, read(p.open(), 1), errSealed)

	p = newParcel([]byte("body"))
	unread := p.open()
	require.True(t, p.seal())
	require.True(t, p.release())
	require.ErrorIs(t, read(unread, 1), errSealed)
}

func TestReplyLiesInTheRoomGiven(t *testing.T) {
	reply := bytes.Repeat([]byte("x"), 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(reply) }))
	defer server.Close()
	e := endpoint(t, server.URL)
	room := make([]byte, len(reply)+bytes.MinRead)
	r := e.PostIn(t.Context(), "", "text/plain", []byte("x"), room)
	require.Equal(t, reply, r.Body)
	require.Same(t, &room[0], &r.Body[0])
	require.True(t, r.Released)
	r = e.PostIn(t.Context(), "", "text/plain", []byte("x"), room[:0:10])
	require.Equal(t, reply, r.Body, "there is no room for it")
}

// A server that answers before it read the request: what the transport may be about to read isn't released.
func TestAnsweredEarlyIsNotReleased(t *testing.T) {
	e := Endpoint{URL: endpoint(t, "http://127.0.0.1:1").URL, Timeout: time.Minute, Client: &http.Client{Transport: answering(func(r *http.Request) {
		_, _ = r.Body.Read(make([]byte, 1))
	})}}.WithDefaults()
	r := e.Post(t.Context(), "", "text/plain", []byte("body"))
	require.Equal(t, Answered, r.Fate)
	require.False(t, r.Released)
}

// answering is a transport that does something with a request and answers.
type answering func(*http.Request)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// The moment of cancelling is anywhere between dialling and the reply. Whatever is reported as not sent never arrives.
func TestCancelledAnywhere(t *testing.T) {
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err == nil && string(b) == "message" {
			got.Add(1)
		}
	}))
	e := endpoint(t, server.URL)
	sent, unsent := 0, 0
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for range i * 20 {
				if ctx.Err() != nil {
					return
				}
			}
			cancel()
		}()
		switch e.Post(ctx, "", "text/plain", []byte("message")).Fate {
		case NotSent:
			unsent++
		default:
			sent++
		}
		cancel()
	}
	e.Client.CloseIdleConnections()
	server.Close()
	require.LessOrEqual(t, got.Load(), int64(sent))
	require.Equal(t, 300, sent+unsent)
}

// The memory of a body that was released is used again at once. No request has anything of another one, and no transport
// looks at memory that is being written to, which the race detector sees.
func TestReleasedMemoryIsUsedAgain(t *testing.T) {
	var mixed atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err == nil && bytes.Count(b, b[:1]) != len(b) {
			mixed.Add(1)
		}
	}))
	e := endpoint(t, server.URL)
	body, released := make([]byte, 3*wholeBody), 0
	for i := range 200 {
		for at := range body {
			body[at] = byte('a' + i%26)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for range i * 500 {
				if ctx.Err() != nil {
					return
				}
			}
			cancel()
		}()
		if e.PostIn(ctx, "", "text/plain", body, nil).Released {
			released++
		} else {
			body = make([]byte, len(body))
		}
		cancel()
	}
	e.Client.CloseIdleConnections()
	server.Close()
	require.Zero(t, mixed.Load())
	require.NotZero(t, released)
}
