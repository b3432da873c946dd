package natsq

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	controlHistory  = 64      // changes of an account that the bucket remembers
	controlMaxBytes = 8 << 10 // of an entry with its subject and headers
)

// errControlEnded says that the server or the connection ended the following.
var errControlEnded = errors.New("the control bucket can't be followed any more")

// Control is the bucket of what operators want of accounts: one entry for each account of which anything is wanted, under its name. What an entry
// says is its readers' affair.
type Control struct {
	js     jetstream.JetStream
	bucket string
}

// NewControl returns the layout's. Nothing is asked yet.
func NewControl(js jetstream.JetStream, l Layout) *Control {
	return &Control{js: js, bucket: l.ControlBucket()}
}

// ControlEntry is an entry as it stands from a revision of the bucket on.
type ControlEntry struct {
	Account  string
	Data     []byte // empty: it was deleted
	Revision uint64
}

// Follow tells of each entry as it stands and, in order, of each change from then on, until ctx ends or an error comes. standing is called once all
// that stood has been told. After a loss of the connection it goes on by itself.
func (c *Control) Follow(ctx context.Context, each func(ControlEntry), standing func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kv, err := c.open(ctx)
	if err != nil {
		return err
	}
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("follow bucket %s: %w", c.bucket, err)
	}
	defer func() { _ = w.Stop() }() // it may have ended
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, open := <-w.Updates():
			switch {
			case !open:
				return errControlEnded
			case e == nil:
				standing()
			case e.Operation() == jetstream.KeyValuePut:
				each(ControlEntry{Account: e.Key(), Data: e.Value(), Revision: e.Revision()})
			default:
				each(ControlEntry{Account: e.Key(), Revision: e.Revision()})
			}
		}
	}
}

// Change replaces the account's entry by what edit makes of it (of nothing, where there is none), and returns the bucket's revision from then on. Where
// somebody else changes it meanwhile, edit is called again. Its error is returned as it is, and nothing is changed.
func (c *Control) Change(ctx context.Context, account string, edit func(old []byte) ([]byte, error)) (revision uint64, err error) {
	kv, err := c.open(ctx)
	if err != nil {
		return 0, err
	}
	for {
		var old []byte
		var at uint64
		e, err := kv.Get(ctx, account)
		switch {
		case err == nil:
			old, at = e.Value(), e.Revision()
		case !errors.Is(err, jetstream.ErrKeyNotFound):
			return 0, fmt.Errorf("read %s in bucket %s: %w", account, c.bucket, err)
		}
		data, err := edit(old)
		if err != nil {
			return 0, err
		}
		if at == 0 {
			revision, err = kv.Create(ctx, account, data) // also over the mark of a deletion
		} else {
			revision, err = kv.Update(ctx, account, data, at)
		}
		if err == nil {
			return revision, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !errors.Is(err, jetstream.ErrKeyRevisionMismatch) || ctx.Err() != nil {
			return 0, fmt.Errorf("write %s in bucket %s: %w", account, c.bucket, err)
		}
	}
}

func (c *Control) open(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := c.js.KeyValue(ctx, c.bucket)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w; worker init creates it", c.bucket, err)
	}
	return kv, nil
}
