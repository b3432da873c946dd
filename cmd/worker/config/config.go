package config

import (
	"net/url"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/providers"
)

// Config is a whole configuration, checked.
type Config struct {
	NATS        NATS
	Streams     Streams
	PhoneRegion string // ISO 3166-1 alpha-2, for phones without a country code
	Redis       Redis
	HTTP        HTTP
	Log         Log
	Dedupe      Dedupe
	Accounts    []Account        // at least one, in the order of the file
	Routes      []dispatch.Route // at least one, in the order of the file; their accounts exist
	Secrets     []Content        // the files of secrets that are in here, or that a connection takes once
}

// NATS is how the server is reached and what is asked of it. At most one of Credentials, User, Token and NKey is set.
type NATS struct {
	URL         providers.Secret // several are separated by commas; may carry a password
	Credentials string           // a file with the user's JWT and seed
	User        string
	Password    providers.Secret
	Token       providers.Secret
	NKey        string // a file with the user's seed
	TLS         TLS
	InboxPrefix string        // of the subjects that answers come on
	Prefix      string        // of all subjects and streams: tokens separated by dots
	Replicas    int           // of every stream, 1 to 5
	Provision   bool          // create or update streams and consumers at start
	AckWait     time.Duration // the consumers'
}

// Lease is how long a worker owns a job it claimed: half of the ack wait.
func (n NATS) Lease() time.Duration { return n.AckWait / 2 }

// TLS names PEM files; empty: the system's authorities, no certificate of our own. Cert and Key are set both or neither.
type TLS struct {
	CA, Cert, Key string
}

// Streams are the limits of the streams.
type Streams struct {
	JobsMaxBytes  int64         // of each lane's stream
	TenantBacklog int64         // jobs of one tenant that may lie in one lane; 0: no cap
	StatusAge     time.Duration // how long events are kept
	DeadAge       time.Duration // how long dead letters are kept
}

// Redis is how the claims and the limits are reached.
type Redis struct {
	URLs   []providers.Secret // at least one; several: a cluster. All have one scheme, redis or rediss
	TLS    TLS                // with rediss alone
	Prefix string             // of all keys
}

// HTTP is where the worker serves its health and metrics.
type HTTP struct {
	Listen string // host:port; an empty host: all interfaces
}

// Log is what is logged and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // json or console
}

// Dedupe is how long spent ids are remembered.
type Dedupe struct {
	Window time.Duration // at most Streams.StatusAge
}

// Account is one account at one provider. Where the file leaves something out, it holds the provider's own default.
type Account struct {
	Name     string
	Kind     providers.Kind
	Settings providers.Settings // the provider's own keys, validated

	URL            *url.URL
	Sender         string // for jobs without one; may be empty
	Limit          Limit
	InFlight       int           // concurrent requests of one replica, from 1
	InFlightTotal  int           // concurrent requests over all replicas; 0: no bound
	Batch          int           // messages a request at most, from 1; within the provider's limit and the burst
	Timeout        time.Duration // of one request, below the claim's lease
	AllowHTTP      bool          // plain http to anything but loopback
	NativeSchedule bool          // give send_at to the provider
	CheckSender    bool          // refuse a sender that the account's list doesn't hold
	MinBalance     string        // decimal text, not negative; below it bulk waits
	Recheck        time.Duration // how often a paused account is asked again
	Breaker        Breaker
	Receipts       Receipts
	WebhookSecret  providers.Secret // the last part of the path that the provider posts to; empty: it can't
}

// Limit is the rate of an account over all replicas. The zero value: no limit.
type Limit struct {
	PerSecond float64 // messages; fractions are allowed
	Burst     int     // messages, from 1; at least a packet
}

// Limited tells whether there is a limit at all.
func (l Limit) Limited() bool { return l.PerSecond > 0 }

// Breaker is when an account that keeps failing is left alone.
type Breaker struct {
	Failures int           // requests in a row, from 1
	Open     time.Duration // how long before a probe
}

// Receipts is how the delivery of submitted messages is learnt.
type Receipts struct {
	Every    time.Duration // between reads while rows come
	Idle     time.Duration // between reads at rest, at least Every
	AskAfter time.Duration // age at which a message's status is asked for
	GiveUp   time.Duration // age at which no receipt is expected any more, at least AskAfter
}
