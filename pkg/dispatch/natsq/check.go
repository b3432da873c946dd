package natsq

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Check tells in words what is missing or different from the layout, without changing anything; nothing: all is well. Routes that the streams
// serve beyond the layout's are no fault. An error says that the server didn't answer: without the permission to ask, it never does.
func Check(ctx context.Context, js jetstream.JetStream, l Layout) ([]string, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	var faults []string
	for i, want := range l.streams() {
		info, err := streamInfo(ctx, js, want.Name, "")
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			faults = append(faults, "stream "+want.Name+": missing")
			continue
		}
		if err != nil {
			return faults, fmt.Errorf("look at stream %s: %w", want.Name, err)
		}
		if i < len(job.Lanes()) {
			want.Subjects = withOthers(want.Subjects, info.Config.Subjects, l.Prefix, job.Lanes()[i])
		}
		_, diff := fit(info.Config, want)
		for _, d := range diff {
			faults = append(faults, "stream "+want.Name+": "+d)
		}
	}
	for _, lane := range job.Lanes() {
		for _, r := range l.Routes {
			for stream, want := range map[string]jetstream.ConsumerConfig{
				l.JobStream(lane): l.consumer(r, jobFilter(l.Prefix, lane, r)),
				l.LaterStream():   l.consumer(laterConsumer(lane, r), dueFilter(l.Prefix, lane, r)),
			} {
				diff, err := checkConsumer(ctx, js, stream, want)
				if err != nil {
					return faults, err
				}
				faults = append(faults, diff...)
			}
		}
	}
	diff, err := checkConsumer(ctx, js, l.ReceiptStream(), l.receiptConsumer())
	if err != nil {
		return faults, err
	}
	faults = append(faults, diff...)
	slices.Sort(faults)
	return faults, nil
}

func checkConsumer(ctx context.Context, js jetstream.JetStream, stream string, want jetstream.ConsumerConfig) ([]string, error) {
	what := "consumer " + want.Durable + " of " + stream
	c, err := js.Consumer(ctx, stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return []string{what + ": missing"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", what, err)
	}
	_, diff := fitConsumer(c.CachedInfo().Config, want)
	for i := range diff {
		diff[i] = what + ": " + diff[i]
	}
	return diff, nil
}

// withOthers adds to the subjects wanted those of other routes that the stream has, and takes away the placeholder.
func withOthers(want, have []string, prefix string, lane job.Lane) []string {
	var others []string
	for _, s := range have {
		if _, ok := routeOf(prefix, lane, s); ok && !slices.Contains(want, s) {
			others = append(others, s)
		}
	}
	if len(others) > 0 {
		want = slices.DeleteFunc(want, func(s string) bool { return s == idle(prefix, lane) })
	}
	return append(want, others...)
}
