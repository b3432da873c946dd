package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// send is the command that publishes one job.
type send struct {
	*app
	address
	job      job.Job
	at       string
	expires  string
	metadata []string
	wait     bool
	timeout  time.Duration
}

func (a *app) sendCommand() *cobra.Command {
	s := send{app: a}
	cmd := &cobra.Command{
		Use:   "send --route ROUTE --to PHONE --text TEXT",
		Short: "Publish one job",
		Long: `Publish one job and print its id.

The job is checked before it is published: one that no worker would take is refused, exit status 1.
TIME is RFC 3339 (2026-11-22T20:00:00Z) or a duration from now (+10m).

With --wait the job's events are printed as they come, up to its final one; where the account can report delivery, that is the
receipt. The exit status is then 0 where the message was delivered, or submitted to a provider that can't report delivery, and 1
otherwise. Where the id was spent by an earlier publication of the same message, the events of that one count. Pushes are published
from a file, see 'publisher import'.`,
		Example: `  publisher send --route otp --lane urgent --to "8 (961) 224-22-43" --text "Code 1234" --wait
  publisher send --route news --tenant shop --id ord-42 --to +79612242243 --text Ready --metadata order=42
  publisher send --route news --to +79612242243 --text "Good morning" --at +8h --expires +10h`,
		Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error { return s.run(ctx) }),
	}
	s.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&s.job.To, "to", "", "the recipient's `PHONE`")
	flags.StringVar(&s.job.Text, "text", "", "the message's `TEXT`")
	flags.StringVar((*string)(&s.job.Channel), "channel", string(job.SMS), "`CHANNEL`: sms, viber or push")
	flags.StringVar(&s.job.Sender, "sender", "", "`SENDER` that the recipient sees (default: the account's)")
	flags.StringVar(&s.job.ID, "id", "", "`ID` of the job, its idempotency key (default: a random one)")
	flags.StringVar(&s.at, "at", "", "`TIME` before which it isn't sent")
	flags.StringVar(&s.expires, "expires", "", "`TIME` after which it isn't sent")
	flags.StringArrayVar(&s.metadata, "metadata", nil, "`KEY=VALUE` that every event shall carry; may be repeated")
	flags.BoolVar(&s.wait, "wait", false, "follow the job to its final event")
	flags.DurationVar(&s.timeout, "timeout", 2*time.Minute, "how long to try to publish and, with --wait, to wait in all")
	for _, name := range []string{"route", "to", "text"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that doesn't exist
	}
	return cmd
}

func (s *send) run(ctx context.Context) error {
	to, err := s.parse()
	if err != nil {
		return err
	}
	if err := s.complete(time.Now()); err != nil {
		return err
	}
	body, err := s.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("timeout: not done within %v", s.timeout))
	defer cancel()
	ctx, l, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if !s.wait {
		_, err := s.publish(ctx, l, to, body)
		return err
	}
	return s.publishAndWait(ctx, l, to, body)
}

// complete fills the job from the flags that aren't simply its fields.
func (s *send) complete(now time.Time) (err error) {
	if s.timeout <= 0 {
		return usagef("--timeout must be above 0")
	}
	if s.job.SendAt, err = parseWhen("at", s.at, now); err != nil {
		return err
	}
	if s.job.ExpiresAt, err = parseWhen("expires", s.expires, now); err != nil {
		return err
	}
	s.job.Metadata = make(map[string]string)
	for _, pair := range s.metadata {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return usagef("--metadata must look like KEY=VALUE")
		}
		s.job.Metadata[key] = value
	}
	if s.job.ID == "" {
		s.job.ID = newID(now)
	}
	return nil
}

// encode gives the job as it is published: checked and normalised as a worker would.
func (s *send) encode() ([]byte, error) {
	given, err := s.job.Encode()
	if err != nil {
		return nil, refusal(err)
	}
	normal, err := job.Decode(given, s.region)
	if err != nil {
		return nil, refusal(err)
	}
	return normal.Encode()
}

func refusal(err error) error { return fmt.Errorf("not published, the job is refused: %w", err) }

// publish publishes the job and prints what became of that.
func (s *send) publish(ctx context.Context, l *link, to job.Address, body []byte) (*jetstream.PubAck, error) {
	ack, err := s.store(ctx, l, to, body)
	if err != nil {
		return nil, err
	}
	if ack.Duplicate {
		s.sayf("duplicate: this very job was published before, as %s", publication(ack))
	}
	if s.json() {
		return ack, printJSON(s.stdout, struct {
			ID        string `json:"id"`
			Stream    string `json:"stream"`
			Sequence  uint64 `json:"sequence"`
			Duplicate bool   `json:"duplicate"`
		}{s.job.ID, ack.Stream, ack.Sequence, ack.Duplicate})
	}
	_, err = fmt.Fprintln(s.stdout, s.job.ID)
	return ack, err
}

// publication names a stored message as events do.
func publication(ack *jetstream.PubAck) string { return fmt.Sprintf("%s:%d", ack.Stream, ack.Sequence) }

// One try to store a job, and the pause before the next.
const (
	storeTry   = 5 * time.Second
	storePause = 250 * time.Millisecond
)

// store publishes until a stream has the job or it is clear that none will. An ack of a repeat says duplicate where a try before
// was stored and its ack lost: that one is no duplicate.
func (s *send) store(ctx context.Context, l *link, to job.Address, body []byte) (*jetstream.PubAck, error) {
	for try := 1; ; try++ {
		short, cancel := context.WithTimeout(ctx, storeTry)
		ack, err := l.js.PublishMsg(short, messageOf(s.prefix, to, s.job.ID, body))
		cancel()
		if err == nil {
			ack.Duplicate = ack.Duplicate && try == 1
			return ack, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("it is not known whether the job was stored, publish it again with --id %s: %w", s.job.ID, cause(ctx, err))
		}
		switch faultOf(err) {
		case nobody:
			return nil, noStream(to, s.prefix)
		case full:
			return nil, fmt.Errorf("not published, the stream takes no more for now: %w", err)
		case refused:
			return nil, fmt.Errorf("not published: %w", err)
		case again:
			s.sayf("NATS doesn't answer, trying again: %v", err)
		}
		select {
		case <-time.After(storePause):
		case <-ctx.Done():
		}
	}
}

// errNotSent is the end of a job that wasn't what --wait hoped for; its event was printed.
var errNotSent = errors.New("the message was not delivered")
