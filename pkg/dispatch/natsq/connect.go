package natsq

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// ConnectOptions say where to connect and as whom. Of Credentials, NKey, Token and User at most one is set.
type ConnectOptions struct {
	URL         string // nats:// or tls://; several, separated by commas, for a cluster
	Name        string // shown by the server
	Credentials string // path of a .creds file
	NKey        string // path of a seed file
	Token       string
	User        string
	Password    string
	TLS         TLSFiles
	InboxPrefix string      // of an identity that may subscribe to nothing else; empty: _INBOX
	Failed      func(error) // told of what goes wrong outside any call, such as a publication that was denied; must not block. nil: nobody is
	Status      func(bool)  // told whether there is a connection whenever that changes; must not block. nil: nobody is
}

// TLSFiles are paths of PEM files. CA empty: the system's; Cert and Key empty: no client certificate.
type TLSFiles struct{ CA, Cert, Key string }

// reconnectBuffer is how much is kept to be sent while there is no connection: 8 MiB, some 60,000 acks. They are worth it: an ack that
// comes late still counts, and a lost one makes a job come again. Events that were kept are published again by whoever waits for
// their answer, and the server drops the repeat.
const reconnectBuffer = 8 << 20

// Connect returns a connection that reconnects for ever. It returns at once, even where no server answers yet; an error says that the
// options are wrong or a file can't be read. It never quotes a secret.
func Connect(o ConnectOptions) (*nats.Conn, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("nats: %s", redact(err.Error(), o.URL))
	}
	return nc, nil
}

func (o ConnectOptions) options() ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name(o.Name),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectJitter(500*time.Millisecond, time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(reconnectBuffer),
		nats.Timeout(5 * time.Second),
		// An expired credential is an error to report, not an end.
		nats.IgnoreAuthErrorAbort(),
	}
	ways := 0
	as := func(set bool, option func() nats.Option) {
		if set {
			ways++
			options = append(options, option())
		}
	}
	var bad error
	as(o.Credentials != "", func() nats.Option { return nats.UserCredentials(o.Credentials) })
	as(o.NKey != "", func() nats.Option {
		option, err := nats.NkeyOptionFromSeed(o.NKey)
		if err != nil {
			bad = fmt.Errorf("nats: nkey file %s: %w", o.NKey, err)
		}
		return option
	})
	as(o.Token != "", func() nats.Option { return nats.Token(o.Token) })
	as(o.User != "", func() nats.Option { return nats.UserInfo(o.User, o.Password) })
	if bad != nil {
		return nil, bad
	}
	if ways > 1 {
		return nil, errors.New("nats: more than one of credentials, nkey, token and user is set")
	}
	secure, err := o.TLS.options(strings.Contains(o.URL, "tls://"))
	if err != nil {
		return nil, err
	}
	options = append(options, secure...)
	if o.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(o.InboxPrefix))
	}
	return append(options, o.handlers()...), nil
}

func (f TLSFiles) options(secure bool) ([]nats.Option, error) {
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("nats: tls needs both cert and key, or none of them")
	}
	var options []nats.Option
	if secure || f != (TLSFiles{}) {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if f.CA != "" {
		options = append(options, nats.RootCAs(f.CA))
	}
	if f.Cert != "" {
		options = append(options, nats.ClientCert(f.Cert, f.Key))
	}
	return options, nil
}

func (o ConnectOptions) handlers() []nats.Option {
	failed, status := o.Failed, o.Status
	if failed == nil {
		failed = func(error) {}
	}
	if status == nil {
		status = func(bool) {}
	}
	return []nats.Option{
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			failed(fmt.Errorf("nats: %w", err))
		}),
		nats.ConnectHandler(func(*nats.Conn) { status(true) }),
		nats.ReconnectHandler(func(*nats.Conn) { status(true) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			status(false)
			if err != nil {
				failed(fmt.Errorf("nats: connection lost: %w", err))
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			failed(fmt.Errorf("nats: no connection: %w", err))
		}),
	}
}

// redact takes the URL out of a message, which may hold a password.
func redact(message, url string) string {
	for part := range strings.SplitSeq(url, ",") {
		if part = strings.TrimSpace(part); strings.Contains(part, "@") {
			message = strings.ReplaceAll(message, part, "the URL")
		}
	}
	return message
}
