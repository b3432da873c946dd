package job_test

import (
	"errors"
	"fmt"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// A producer needs a subject, a body and a message id; the rest is its NATS client's.
func Example_producer() {
	to := job.Address{Lane: job.Urgent, Route: "otp", Tenant: "shop"}
	j := job.Job{ID: "ord-42", Channel: job.SMS, To: "8 (961) 224-22-43", Text: "Your code is 1234"}
	body, err := j.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(to.JobSubject("dispatch"))
	fmt.Println(job.MsgID(to.Tenant, j.ID, body))
	fmt.Println(string(body))
	// Output:
	// dispatch.jobs.urgent.otp.shop
	// shop:ord-42:5274684dfd613677
	// {"id":"ord-42","channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 1234"}
}

// A consumer reads events and keeps on through fields and states it doesn't know.
func Example_consumer() {
	e, err := job.DecodeEvent([]byte(`{"job": "ord-42", "tenant": "shop", "route": "otp", "lane": "urgent", "state": "rejected",
		"final": true, "sequence": 2, "at": "2026-11-22T20:00:00.123Z", "error": {"code": "invalid_recipient", "message": "invalid mobile phone"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Job, e.State, e.Final)
	if e.Error != nil {
		fmt.Println(e.Error.Code, "-", e.Error.Message)
	}
	// Output:
	// ord-42 rejected true
	// invalid_recipient - invalid mobile phone
}

// An error names the field and never quotes a phone or a text; the job still tells its id.
func ExampleDecode() {
	j, err := job.Decode([]byte(`{"id": "ord-42", "channel": "sms", "to": "112", "text": "Hi"}`), "RU")
	if wrong, ok := errors.AsType[*job.Error](err); ok {
		fmt.Println(j.ID, wrong.Code, wrong.Field)
		fmt.Println(wrong)
	}
	// Output:
	// ord-42 invalid_recipient to
	// to: has not the length of a phone in its country
}

func ExampleSegments() {
	fmt.Println(job.Segments("Your code is 1234"))
	fmt.Println(job.Segments("Ваш код 1234"))
	// Output:
	// 1 GSM-7
	// 1 UCS-2
}

func ExampleMask() {
	fmt.Println(job.Mask("phone +7 (961) 224-22-43 is on the stop list", 256))
	// Output: phone *** is on the stop list
}
