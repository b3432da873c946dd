package providers

import (
	"errors"
	"io"
	"sync"
)

// parcel is a request's body that knows whether anybody looked inside.
//
// net/http tells neither at which point a request failed nor whether its writing goroutine is still about to begin
// when the caller already got its error. Both are settled here: seal succeeds only where nothing was read, and nothing can
// be read after it. Nor does it tell when it is done with a body: release does.
type parcel struct {
	mu       sync.Mutex
	body     []byte
	last     *parcelReader // the one that open gave last
	read     bool
	sealed   bool
	released bool
}

var errSealed = errors.New("the request was given up")

func newParcel(body []byte) *parcel { return &parcel{body: body} }

// open returns the body from its beginning. The transport asks for it again only when nothing of the first was
// written to the connection (it repeats a POST in no other case), so what was read before counts no more.
func (p *parcel) open() io.ReadCloser {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = false
	p.last = &parcelReader{parcel: p, rest: p.body}
	return p.last
}

// seal tells whether nothing was read, and if so, makes sure that nothing ever will be.
func (p *parcel) seal() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sealed = !p.read
	return p.sealed
}

// release tells whether the body was read to its end, or sealed, and if so, makes sure that its memory is never looked at again.
func (p *parcel) release() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = p.sealed || len(p.last.rest) == 0
	return p.released
}

type parcelReader struct {
	parcel *parcel
	rest   []byte
}

func (r *parcelReader) Read(b []byte) (int, error) {
	r.parcel.mu.Lock()
	defer r.parcel.mu.Unlock()
	if r.parcel.sealed || r.parcel.released && len(r.rest) > 0 {
		return 0, errSealed
	}
	r.parcel.read = true
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *parcelReader) Close() error { return nil }
