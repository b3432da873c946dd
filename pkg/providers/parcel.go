package providers

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// parcel is a request's body that knows whether anybody looked inside.
//
// net/http tells neither at which point a request failed nor whether its writing goroutine is still about to begin
// when the caller already got its error. Both are settled here: seal succeeds only where nothing was read, and nothing can
// be read after it.
type parcel struct {
	mu     sync.Mutex
	body   []byte
	read   bool
	sealed bool
}

var errSealed = errors.New("the request was given up")

func newParcel(body []byte) *parcel { return &parcel{body: body} }

// open returns the body from its beginning. The transport asks for it again only when nothing of the first was
// written to the connection (it repeats a POST in no other case), so what was read before counts no more.
func (p *parcel) open() io.ReadCloser {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = false
	return &parcelReader{parcel: p, rest: bytes.NewReader(p.body)}
}

// seal tells whether nothing was read, and if so, makes sure that nothing ever will be.
func (p *parcel) seal() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sealed = !p.read
	return p.sealed
}

type parcelReader struct {
	parcel *parcel
	rest   *bytes.Reader
}

func (r *parcelReader) Read(b []byte) (int, error) {
	r.parcel.mu.Lock()
	defer r.parcel.mu.Unlock()
	if r.parcel.sealed {
		return 0, errSealed
	}
	r.parcel.read = true
	return r.rest.Read(b)
}

func (r *parcelReader) Close() error { return nil }
