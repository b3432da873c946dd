package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Where the jobs go.
const (
	prefix     = "dispatch"
	route      = "otp"
	tenant     = "default"
	jobStream  = "DISPATCH_JOBS_NORMAL"
	doneStream = "DISPATCH_STATUS"
	jobSubject = prefix + ".jobs.normal." + route + "." + tenant
	submitted  = prefix + ".status." + tenant + "." + route + ".submitted"
)

// jobID is the id of the i-th job. It is also what Prostor allows for an id, so that the bare loop needs no other.
func jobID(i int) string { return fmt.Sprintf("ORDER%08d", i) }

// jobMessage is the i-th job as a producer would publish it, its body some 250 bytes.
func jobMessage(i int) *nats.Msg {
	body := fmt.Appendf(nil, `{"id":"%s","channel":"sms","to":"+7961%07d","sender":"MyShop","text":"Код подтверждения заказа: %06d. Никому его не сообщайте, даже сотрудникам магазина. Спасибо, что Вы с нами!"}`,
		jobID(i), i%10_000_000, i%1_000_000)
	return &nats.Msg{Subject: jobSubject, Data: body, Header: nats.Header{"Nats-Msg-Id": {job.MsgID(tenant, jobID(i), body)}}}
}

// indexOf is the number of the job with that id.
func indexOf(id []byte) (int, bool) {
	digits, ok := strings.CutPrefix(string(id), "ORDER")
	i, err := strconv.Atoi(digits)
	return i, ok && err == nil
}

// preload stores n jobs.
func (w *world) preload(ctx context.Context, n int) error {
	for i := range n {
		if _, err := w.js.PublishMsgAsync(jobMessage(i)); err != nil {
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
