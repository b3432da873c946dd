package sandbox

import (
	"encoding/json"
	"fmt"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// tenant is whose jobs the samples are.
const tenant = "default"

// repeatEvery is how often a sample is published a second time: its repeat must be suppressed.
const repeatEvery = 100

// sample is the i-th sample job and where it goes: of ten, six are sms through the first route, three sms or Viber messages through the
// second, one is a push.
func sample(i int) (job.Address, *job.Job) {
	j := &job.Job{ID: fmt.Sprintf("sample-%d", i), Channel: job.SMS, To: fmt.Sprintf("+7961%07d", i%10_000_000), Text: "Your code is 4711"}
	at := job.Address{Lane: job.Lanes()[i%3], Route: "otp", Tenant: tenant}
	switch i % 10 {
	case 6, 7:
		at.Route = "promo"
		j.Text = "Everything must go, today only"
	case 8:
		at.Route, j.Channel = "promo", job.Viber
		j.Text = "Всё со скидкой, только сегодня"
	case 9:
		at.Route, j.Channel = "push", job.Push
		j.To, j.Text = "", ""
		j.Audience = &job.Audience{Collection: "devices", Query: json.RawMessage(fmt.Sprintf(`{"userId":{"$eq":"u%d"}}`, i))}
		j.Push = &job.PushContent{GCM: json.RawMessage(`{"notification":{"title":"Goal","body":"great match!"}}`)}
	}
	return at, j
}
