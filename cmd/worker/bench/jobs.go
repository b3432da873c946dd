package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gonets/gonets/cmd/worker/internal/lab"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Where the jobs go, unless they are spread.
const (
	prefix     = "dispatch"
	route      = "otp"
	tenant     = "default"
	jobStream  = "DISPATCH_JOBS_NORMAL" // of the normal lane
	doneStream = "DISPATCH_STATUS"
	submitted  = prefix + ".status." + tenant + "." + route + ".submitted"
	anyone     = prefix + ".status.*.*.submitted"
)

// load is jobs that wait for a subject.
type load struct {
	jobs    int
	first   int // the number of the first of them
	lane    job.Lane
	owner   int // the number of the first tenant
	tenants int // they are spread over, evenly
	routes  int // likewise
}

// plain is jobs of one tenant and route in the normal lane.
func plain(jobs int) load { return load{jobs: jobs, lane: job.Normal, tenants: 1, routes: 1} }

// streamOf is the stream of a lane's jobs.
func streamOf(lane job.Lane) string { return "DISPATCH_JOBS_" + strings.ToUpper(string(lane)) }

// tenantName is the i-th tenant.
func tenantName(i int) string {
	if i == 0 {
		return tenant
	}
	return fmt.Sprintf("tenant-%04d", i)
}

// jobID is the id of the i-th job. It is also what Prostor allows for an id, so that the bare loop needs no other.
func jobID(i int) string { return fmt.Sprintf("ORDER%08d", i) }

// message is the i-th job as a producer would publish it, its body some 250 bytes.
func (l load) message(i int) *nats.Msg {
	i += l.first
	body := fmt.Appendf(nil, `{"id":"%s","channel":"sms","to":"+7961%07d","sender":"MyShop","text":"Код подтверждения заказа: %06d. Никому его не сообщайте, даже сотрудникам магазина. Спасибо, что Вы с нами!"}`,
		jobID(i), i%10_000_000, i%1_000_000)
	owner := tenantName(l.owner + i%l.tenants)
	return &nats.Msg{
		Subject: prefix + ".jobs." + string(l.lane) + "." + routeName(i%l.routes) + "." + owner,
		Data:    body, Header: nats.Header{"Nats-Msg-Id": {job.MsgID(owner, jobID(i), body)}},
	}
}

// indexOf is the number of the job with that id.
func indexOf(id []byte) (int, bool) {
	digits, ok := strings.CutPrefix(string(id), "ORDER")
	i, err := strconv.Atoi(digits)
	return i, ok && err == nil
}

// publish publishes a job without waiting until it is stored. It waits while too many aren't, for longer than the client library would: the machine may be busy.
func (w *world) publish(m *nats.Msg) error {
	_, err := w.js.PublishMsgAsync(m, jetstream.WithStallWait(lab.StartWithin))
	return err
}

// preload stores the jobs.
func (w *world) preload(ctx context.Context, l load) error {
	for i := range l.jobs {
		if err := w.publish(l.message(i)); err != nil {
			return fmt.Errorf("publish job %d: %w", i, err)
		}
		if i%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	select {
	case <-w.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.failed:
		return err
	default:
		return nil
	}
}
