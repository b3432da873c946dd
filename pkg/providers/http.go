package providers

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// MaxBody is how many bytes of a reply's body are read at most, 1 MiB. A longer one is not understood.
const MaxBody = 1 << 20

const (
	maxHeader     = 64 << 10
	maxRetryAfter = 24 * time.Hour
	// A connection that the server closes while a request is on its way makes that request ambiguous. So ours are closed
	// first: servers keep an idle one for 5 seconds (Apache's and Node's default) or longer.
	idleTimeout = 3 * time.Second
	// A connection that nobody waits for any more is given up after this.
	connectTimeout = 10 * time.Second
	idlePerHost    = 256
)

// NewClient returns a client fit for sending: it follows no redirect (a 301 turns a POST into a body-less GET), asks for
// no compression, speaks HTTP/1.1 only (whose transport repeats a POST only where it knows that nothing of it was
// written), demands TLS 1.2, and takes a proxy from the environment only. It has no timeout of its own: the context
// bounds a request. It keeps idle connections for all requests that may be in flight; CloseIdleConnections ends them.
func NewClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: noRedirect,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dial(&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}),
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			Protocols:              protocols,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    idlePerHost,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeader,
		},
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// WithDefaults fills in the client and the clock where the endpoint has none. Every provider's Open calls it.
func (e Endpoint) WithDefaults() Endpoint {
	if e.Client == nil {
		e.Client = NewClient()
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	return e
}

// Fate is how far a request came.
type Fate int

// The fates of a request. MaybeSent is the zero value on purpose.
const (
	MaybeSent Fate = iota // it, or a part of it, may have reached the provider; what became of it isn't known
	NotSent               // the provider surely hasn't got it
	Answered              // a whole reply came
)

// Reply is what came of one POST.
type Reply struct {
	Fate       Fate
	Err        error         // what went wrong, unless Answered. It names neither the URL nor anything of the request
	Status     int           // HTTP status; 0: none was seen
	Body       []byte        // whole when Answered, nil otherwise; at most MaxBody bytes
	RetryAfter time.Duration // from Retry-After, either form, at most a day; 0: not told
	Released   bool          // the request's body is never looked at again: its memory may be used for another one
}

// Post sends body once to the path below the endpoint's URL, and waits for the whole reply until ctx or the endpoint's
// Timeout ends. It never sends twice: not on a redirect, and not on a kept connection that broke.
//
// NotSent is proven, not guessed: the request's body was never handed to the transport, and won't be. Without its body a
// request is no message. The endpoint must have gone through [Endpoint.WithDefaults].
func (e Endpoint) Post(ctx context.Context, path, contentType string, body []byte) Reply {
	return e.PostIn(ctx, path, contentType, body, nil)
}

// PostIn is Post with memory in which the reply's body is put where there is room for it. It's for those who use their memory again, see
// [Reply.Released].
func (e Endpoint) PostIn(ctx context.Context, path, contentType string, body, room []byte) Reply {
	p := newParcel(body)
	reply := e.post(ctx, path, contentType, p, room)
	reply.Released = p.release()
	return reply
}

func (e Endpoint) post(ctx context.Context, path, contentType string, p *parcel, room []byte) Reply {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL.JoinPath(path).String(), p.open())
	if err != nil {
		return Reply{Fate: NotSent, Err: errors.New("the account's url can't be used for requests")}
	}
	req.ContentLength = int64(len(p.body))
	req.GetBody = func() (io.ReadCloser, error) { return p.open(), nil }
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gonets")

	client := *e.Client
	client.CheckRedirect = noRedirect // whoever made the client
	resp, err := client.Do(req)
	if err != nil {
		if p.seal() {
			return Reply{Fate: NotSent, Err: plain(err)}
		}
		return Reply{Fate: MaybeSent, Err: plain(err)}
	}
	defer resp.Body.Close() //nolint:errcheck // nothing was written to it, and all that is wanted was read

	reply := Reply{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), e.Now())}
	b, err := readUpTo(room, resp.Body, MaxBody+1, resp.ContentLength)
	switch {
	case err != nil:
		reply.Err = fmt.Errorf("the reply broke off: %w", plain(err))
	case len(b) > MaxBody:
		reply.Err = fmt.Errorf("the reply is longer than %d bytes", MaxBody)
	default:
		reply.Fate, reply.Body = Answered, b
	}
	return reply
}

// readUpTo reads at most n bytes, into room where they fit. Told how many will come, as most servers tell, it takes memory once; -1: they don't.
func readUpTo(room []byte, r io.Reader, n, told int64) ([]byte, error) {
	b := bytes.NewBuffer(room[:0])
	b.Grow(int(min(max(told, 0), n)) + bytes.MinRead)
	_, err := b.ReadFrom(io.LimitReader(r, n))
	return b.Bytes(), err
}

// retryAfter reads a Retry-After header in seconds or as an HTTP date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if n, err := strconv.ParseUint(header, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// plain says in few words what a transport's error means, without the URL that net/http puts in front.
func plain(err error) error {
	var (
		u    *url.Error
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		host x509.HostnameError
		n    net.Error
	)
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &n) && n.Timeout() && !errors.As(err, &dns):
		return errors.New("timed out")
	case errors.As(err, &dns):
		return errors.New("the host's name can't be resolved")
	case errors.As(err, &host):
		return errors.New("the certificate is for another host")
	case errors.As(err, &cert):
		return fmt.Errorf("the certificate isn't trusted: %w", cert.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("connection reset")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("connection closed")
	}
	return err
}
