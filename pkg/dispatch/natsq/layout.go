package natsq

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Layout is what the streams and consumers of one prefix look like. All workers of a prefix must have the same.
//
// Stream names are the prefix in upper case, with '.' and '-' as '_', and the stream's own name: prefix dispatch has
// DISPATCH_JOBS_URGENT, prefix acme.sms-eu has ACME_SMS_EU_JOBS_URGENT. Prefixes that differ in nothing but these signs or case can't live in
// one NATS account: the second one to come is refused.
type Layout struct {
	Prefix        string
	Routes        []string
	Replicas      int           // of every stream and consumer; production uses 3
	JobsMaxBytes  int64         // of each lane's stream, over all replicas of a message counted once
	TenantBacklog int64         // jobs of one tenant in one lane and route at most; 0: no cap
	StatusAge     time.Duration // how long status events are kept
	DeadAge       time.Duration // how long dead letters are kept
	AckWait       time.Duration // how long a worker may hold a job without a sign of life
}

// maxMessage is the size of a message in a job stream at most. The server counts headers, too; so a job of [job.MaxBytes] passes with a trace
// context (at most 55 + 512 bytes by W3C) and a message id, and what exceeds it by less than this room is refused by the worker.
const maxMessage = job.MaxBytes + 1<<10

// maxAckPending is how many jobs of a lane and route may be in the hands of all workers together, those given back with a delay included.
// Workers bound what they hold by themselves, so this is no throttle: it must be above what dozens of workers hold, and is there so
// that jobs given back again and again don't grow the consumer's state without end.
const maxAckPending = 50_000

// The duplicate windows. LATER and DEAD need only cover a repeat after a lost answer or a redelivery.
const (
	jobsWindow   = 10 * time.Minute
	statusWindow = time.Hour
	laterWindow  = 2 * time.Minute
	deadWindow   = time.Hour
)

// JobStream is the name of the stream of the lane's jobs.
func (l Layout) JobStream(lane job.Lane) string {
	return l.stream("JOBS_" + strings.ToUpper(string(lane)))
}

// LaterStream is the name of the stream of jobs held for a time.
func (l Layout) LaterStream() string { return l.stream("LATER") }

// StatusStream is the name of the stream of status events.
func (l Layout) StatusStream() string { return l.stream("STATUS") }

// DeadStream is the name of the stream of dead letters.
func (l Layout) DeadStream() string { return l.stream("DEAD") }

// ReceiptStream is the name of the stream of receipts.
func (l Layout) ReceiptStream() string { return l.stream("RECEIPTS") }

// ControlBucket is the name of the key-value bucket of what operators want of accounts.
func (l Layout) ControlBucket() string { return l.stream("CONTROL") }

func (l Layout) stream(name string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(l.Prefix)) + "_" + name
}

// laterConsumer is the durable of the lane and route on LATER; on a job stream the durable has the route's name.
func laterConsumer(lane job.Lane, route string) string { return string(lane) + "-" + route }

// controlFilter covers the entries of the control bucket.
func (l Layout) controlFilter() string { return "$KV." + l.ControlBucket() + ".>" }

// jobFilter covers the jobs of a lane and route, of all tenants.
func jobFilter(prefix string, lane job.Lane, route string) string {
	return jobRoot(prefix, lane) + route + ".*"
}

// dueFilter covers the jobs of a lane and route that LATER gives back.
func dueFilter(prefix string, lane job.Lane, route string) string {
	return prefix + ".later.due." + string(lane) + "." + route + ".*"
}

// atFilter covers the schedules of a lane and route.
func atFilter(prefix string, lane job.Lane, route string) string {
	return prefix + ".later.at." + string(lane) + "." + route + ".*.*"
}

// jobRoot is what the subjects of a lane's jobs begin with.
func jobRoot(prefix string, lane job.Lane) string { return prefix + ".jobs." + string(lane) + "." }

// idle is the subject of a job stream without routes, since a stream without a subject would listen on its own name. It is
// none that a producer would publish on by mistake.
func idle(prefix string, lane job.Lane) string { return prefix + ".idle." + string(lane) }

// routeOf is the route whose jobs the subject filter of a lane's stream covers; false: it is none of ours.
func routeOf(prefix string, lane job.Lane, filter string) (string, bool) {
	rest, ok := strings.CutPrefix(filter, jobRoot(prefix, lane))
	route, ok2 := strings.CutSuffix(rest, ".*")
	return route, ok && ok2 && job.ValidToken(route)
}

// check tells everything that is wrong with the layout.
func (l Layout) check() error {
	var errs []error
	if !validPrefix(l.Prefix) {
		errs = append(errs, fmt.Errorf("prefix %q: must be tokens of A-Z, a-z, 0-9, - and _, separated by dots, at most %d bytes", l.Prefix, maxPrefix))
	}
	seen := map[string]bool{}
	for _, r := range l.Routes {
		if !job.ValidToken(r) {
			errs = append(errs, fmt.Errorf("route %q: must match [a-z0-9][a-z0-9-]{0,31}", r))
		}
		if seen[r] {
			errs = append(errs, fmt.Errorf("route %q: named twice", r))
		}
		seen[r] = true
	}
	if l.Replicas < 1 || l.Replicas > 5 {
		errs = append(errs, fmt.Errorf("replicas %d: must be 1 to 5", l.Replicas))
	}
	if l.JobsMaxBytes < maxMessage {
		errs = append(errs, fmt.Errorf("jobs_max_bytes %d: must be at least %d", l.JobsMaxBytes, maxMessage))
	}
	if l.TenantBacklog < 0 {
		errs = append(errs, fmt.Errorf("tenant_backlog %d: must not be negative", l.TenantBacklog))
	}
	if l.StatusAge < time.Second || l.DeadAge < time.Second || l.AckWait < time.Second {
		errs = append(errs, errors.New("status_age, dead_age and ack_wait: must be at least 1s"))
	}
	return errors.Join(errs...)
}

const maxPrefix = 100

func validPrefix(p string) bool {
	if p == "" || len(p) > maxPrefix {
		return false
	}
	for token := range strings.SplitSeq(p, ".") {
		if token == "" || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
