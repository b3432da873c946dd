package natsq

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// streams are the configurations of all streams. Fields that aren't set here are the operator's.
func (l Layout) streams() []jetstream.StreamConfig {
	var all []jetstream.StreamConfig
	for _, lane := range job.Lanes() {
		all = append(all, l.jobStream(lane, l.Routes))
	}
	return append(all,
		jetstream.StreamConfig{
			Name:              l.LaterStream(),
			Description:       "jobs held for a time",
			Subjects:          []string{l.Prefix + ".later.>"},
			Retention:         jetstream.WorkQueuePolicy,
			Discard:           jetstream.DiscardOld, // without limits nothing is; the server allows no other with schedules
			MaxMsgs:           -1,
			MaxBytes:          -1,
			MaxMsgsPerSubject: -1,
			MaxMsgSize:        -1,
			Replicas:          l.Replicas,
			Duplicates:        max(laterWindow, 2*l.AckWait),
			AllowMsgSchedules: true,
		},
		l.receiptStream(),
		l.kept(l.StatusStream(), "status events", l.Prefix+".status.>", l.StatusAge, statusWindow),
		l.kept(l.DeadStream(), "jobs that ended without success", l.Prefix+".dead.>", l.DeadAge, deadWindow),
		l.controlStream())
}

// controlStream is the configuration of the stream under the control bucket. It is read from its leader alone, so a change is made of what stands.
func (l Layout) controlStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              "KV_" + l.ControlBucket(),
		Description:       "what operators want of accounts",
		Subjects:          []string{l.controlFilter()},
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardOld,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgsPerSubject: controlHistory,
		MaxMsgSize:        controlMaxBytes,
		Replicas:          l.Replicas,
		Duplicates:        laterWindow,
	}
}

// receiptStream is the configuration of the stream of receipts. Parked ones have a time to live of their own.
func (l Layout) receiptStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              l.ReceiptStream(),
		Description:       "receipts on their way to events",
		Subjects:          []string{l.Prefix + ".receipts.>"},
		Retention:         jetstream.WorkQueuePolicy,
		Discard:           jetstream.DiscardOld, // without limits nothing is
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgsPerSubject: -1,
		MaxMsgSize:        -1,
		Replicas:          l.Replicas,
		Duplicates:        laterWindow,
		AllowMsgTTL:       true,
	}
}

// jobStream is the configuration of the stream of a lane's jobs, for these routes.
func (l Layout) jobStream(lane job.Lane, routes []string) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:              l.JobStream(lane),
		Description:       string(lane) + " jobs",
		Retention:         jetstream.WorkQueuePolicy,
		Discard:           jetstream.DiscardNew,
		MaxMsgs:           -1,
		MaxBytes:          l.JobsMaxBytes,
		MaxMsgsPerSubject: -1,
		MaxMsgSize:        maxMessage,
		Replicas:          l.Replicas,
		Duplicates:        jobsWindow,
	}
	if l.TenantBacklog > 0 {
		cfg.MaxMsgsPerSubject, cfg.DiscardNewPerSubject = l.TenantBacklog, true
	}
	for _, r := range routes {
		cfg.Subjects = append(cfg.Subjects, jobFilter(l.Prefix, lane, r))
	}
	if len(routes) == 0 {
		cfg.Subjects = []string{idle(l.Prefix, lane)}
	}
	return cfg
}

// kept is the configuration of a stream that is kept for an age.
func (l Layout) kept(name, what, subject string, age, window time.Duration) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              name,
		Description:       what,
		Subjects:          []string{subject},
		Retention:         jetstream.LimitsPolicy,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgsPerSubject: -1,
		MaxMsgSize:        -1,
		MaxAge:            age,
		Replicas:          l.Replicas,
		Duplicates:        min(window, age),
	}
}

// consumer is the configuration of a durable. Deliveries are without end and without server-side backoff: attempts are counted
// in the claim records, and a message past MaxDeliver would be stranded in a work queue.
func (l Layout) consumer(name, filter string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Name:          name,
		Durable:       name,
		FilterSubject: filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       l.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
	}
}

// fit returns the standing configuration with ours put in, and in words what that changes.
func fit(have, want jetstream.StreamConfig) (jetstream.StreamConfig, []string) {
	d := differences{}
	if a, b := slices.Sorted(slices.Values(have.Subjects)), slices.Sorted(slices.Values(want.Subjects)); !slices.Equal(a, b) {
		d.note("subjects", strings.Join(a, " "), strings.Join(b, " "))
		have.Subjects = want.Subjects
	}
	change(&d, "retention", &have.Retention, want.Retention)
	change(&d, "storage", &have.Storage, want.Storage)
	change(&d, "discard", &have.Discard, want.Discard)
	change(&d, "discard_new_per_subject", &have.DiscardNewPerSubject, want.DiscardNewPerSubject)
	change(&d, "max_msgs", &have.MaxMsgs, want.MaxMsgs)
	change(&d, "max_bytes", &have.MaxBytes, want.MaxBytes)
	change(&d, "max_msgs_per_subject", &have.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	change(&d, "max_msg_size", &have.MaxMsgSize, want.MaxMsgSize)
	change(&d, "max_age", &have.MaxAge, want.MaxAge)
	change(&d, "duplicate_window", &have.Duplicates, want.Duplicates)
	change(&d, "num_replicas", &have.Replicas, want.Replicas)
	change(&d, "allow_msg_schedules", &have.AllowMsgSchedules, want.AllowMsgSchedules)
	change(&d, "allow_msg_ttl", &have.AllowMsgTTL, want.AllowMsgTTL || have.AllowMsgTTL) // it can't be taken back
	return have, d
}

// fitConsumer is fit for a consumer.
func fitConsumer(have, want jetstream.ConsumerConfig) (jetstream.ConsumerConfig, []string) {
	d := differences{}
	if len(have.FilterSubjects) > 0 {
		d.note("filter_subjects", strings.Join(have.FilterSubjects, " "), "")
		have.FilterSubjects = nil
	}
	if len(have.BackOff) > 0 {
		d.note("backoff", fmt.Sprint(have.BackOff), "")
		have.BackOff = nil
	}
	change(&d, "filter_subject", &have.FilterSubject, want.FilterSubject)
	change(&d, "ack_policy", &have.AckPolicy, want.AckPolicy)
	change(&d, "ack_wait", &have.AckWait, want.AckWait)
	change(&d, "max_deliver", &have.MaxDeliver, want.MaxDeliver)
	change(&d, "max_ack_pending", &have.MaxAckPending, want.MaxAckPending)
	return have, d
}

type differences []string

func (d *differences) note(field, have, want string) {
	*d = append(*d, fmt.Sprintf("%s: %s, should be %s", field, orNone(have), orNone(want)))
}

func change[T comparable](d *differences, field string, have *T, want T) {
	if *have != want {
		d.note(field, fmt.Sprint(*have), fmt.Sprint(want))
		*have = want
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
