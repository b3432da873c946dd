package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// link is a connection to NATS.
type link struct {
	conn *nats.Conn
	js   jetstream.JetStream
	stop context.CancelCauseFunc
}

func (l *link) close() {
	l.stop(nil)
	l.conn.Close()
}

// ackTimeout is how long the answer to one asynchronous publish is waited for before it is published again.
const ackTimeout = 15 * time.Second

// connect connects, or fails at once where nobody answers; a connection that is lost later comes back by itself. The context it returns
// ends, with that cause, when NATS denies a subject: a denied publish would otherwise only look like a very slow one.
func (a *app) connect(ctx context.Context) (context.Context, *link, error) {
	servers, err := a.servers()
	if err != nil {
		return nil, nil, err
	}
	secure, err := a.identity()
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	options := append(secure,
		nats.Name("gonets publisher"),
		nats.MaxReconnects(-1),
		nats.PingInterval(10*time.Second),
		nats.ReconnectBufSize(-1), // while the connection is lost a publish fails, and is repeated by us, rather than being queued unseen
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				stop(err)
			}
		}))
	conn, err := nats.Connect(strings.Join(servers, ","), options...)
	if err != nil {
		stop(nil)
		return nil, nil, fmt.Errorf("cannot connect to NATS at %s: %w", redacted(servers), err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(ackTimeout), jetstream.WithPublishAsyncMaxPending(2*maxInFlight))
	if err != nil {
		stop(nil)
		conn.Close()
		return nil, nil, err
	}
	return ctx, &link{conn: conn, js: js, stop: stop}, nil
}

// identity is as whom to connect, and how the server is known.
func (a *app) identity() ([]nats.Option, error) {
	or := func(flag, name string) string {
		if flag == "" {
			return a.env(name)
		}
		return flag
	}
	creds, nkey, inbox := or(a.creds, "NATS_CREDS"), or(a.nkey, "NATS_NKEY"), or(a.inbox, "NATS_INBOX_PREFIX")
	ca, cert, key := or(a.ca, "NATS_CA"), or(a.cert, "NATS_CERT"), or(a.key, "NATS_KEY")
	if (cert == "") != (key == "") {
		return nil, usagef("--cert and --key, or NATS_CERT and NATS_KEY, are given together or not at all")
	}
	if creds != "" && nkey != "" {
		return nil, usagef("--creds and --nkey, or NATS_CREDS and NATS_NKEY, are two identities: give one")
	}
	if inbox != "" && !validPrefix(inbox) {
		return nil, usagef("--inbox-prefix must be tokens of letters, digits, - and _, separated by dots")
	}
	var options []nats.Option
	if creds != "" {
		options = append(options, nats.UserCredentials(creds))
	}
	if nkey != "" {
		option, err := nats.NkeyOptionFromSeed(nkey)
		if err != nil {
			return nil, fmt.Errorf("the nkey in %s: %w", nkey, err)
		}
		options = append(options, option)
	}
	if inbox != "" {
		options = append(options, nats.CustomInboxPrefix(inbox))
	}
	if ca != "" || cert != "" {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if ca != "" {
		options = append(options, nats.RootCAs(ca))
	}
	if cert != "" {
		options = append(options, nats.ClientCert(cert, key))
	}
	return options, nil
}

// servers are the URLs to connect to. They may hold a password, so what is wrong with one is told without it.
func (a *app) servers() ([]string, error) {
	list := a.nats
	if list == "" {
		list = a.env("NATS_URL")
	}
	if list == "" {
		list = nats.DefaultURL
	}
	var servers []string
	for i, server := range strings.Split(list, ",") {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		if u, err := url.Parse(server); err != nil || u.Host == "" {
			return nil, usagef("--nats or NATS_URL: server %d is not a URL such as nats://host:4222", i+1)
		}
		servers = append(servers, server)
	}
	return servers, nil
}

func redacted(servers []string) string {
	var shown []string
	for _, server := range servers {
		if u, err := url.Parse(server); err == nil {
			u.User = nil // a token stands in the user's place
			shown = append(shown, u.String())
		}
	}
	return strings.Join(shown, ", ")
}

// cause is err, or why ctx ended where that tells more.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		return why
	}
	return err
}
