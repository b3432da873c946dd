package prostor

import (
	"cmp"
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/providers"
)

// The API's paths, below the account's URL.
const (
	sendPath    = "messages/v2/send.json"
	statusPath  = "messages/v2/status.json"
	queuePath   = "messages/v2/statusQueue.json"
	balancePath = "messages/v2/balance.json"
	sendersPath = "messages/v2/senders.json"
	versionPath = "messages/v2/version.json/" // with the slash: so stands it in the document
)

const contentType = "application/json; charset=utf-8"

type provider struct {
	endpoint providers.Endpoint
	settings Settings
	phrases  providers.Phrases
	states   providers.ReceiptWords
}

// Send implements [providers.Provider].
func (p *provider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	results := make([]providers.Result, len(msgs))
	order := make([]int, 0, len(msgs)) // which messages are asked for
	for i, m := range msgs {
		refusal, refused := refuse(m)
		if refused {
			results[i] = refusal
			continue
		}
		order = append(order, i)
	}
	switch len(order) {
	case 0:
		return results
	case len(msgs):
		return p.request(ctx, msgs)
	}
	asked := make([]providers.Message, len(order))
	for i, at := range order {
		asked[i] = msgs[at]
	}
	for i, r := range p.request(ctx, asked) {
		results[order[i]] = r
	}
	return results
}

// refuse tells which messages the API has no place for.
func refuse(m providers.Message) (providers.Result, bool) {
	switch {
	case m.Channel != providers.SMS:
		return providers.Verdict{Outcome: providers.Rejected, Code: providers.InvalidContent}.Result("this provider carries sms only"), true
	case m.To == "":
		return providers.Verdict{Outcome: providers.Rejected, Code: providers.InvalidRecipient}.Result("this provider addresses by phone only"), true
	}
	return providers.Result{}, false
}

// request makes the one request of a send.
func (p *provider) request(ctx context.Context, msgs []providers.Message) []providers.Result {
	ids := make([]string, len(msgs))
	for i := range msgs {
		ids[i] = providers.Base32ID(msgs[i].Key)
	}
	return p.read(p.endpoint.Post(ctx, sendPath, contentType, p.packet(msgs, ids)), msgs, ids)
}

// packet is the request's body for messages that share their SendAt, in the document's order. It is written by hand: 200 messages take
// 55 µs and one piece of memory instead of 110 and four.
func (p *provider) packet(msgs []providers.Message, ids []string) []byte {
	size := 200
	for i := range msgs {
		size += len(msgs[i].Text) + 128
	}
	b := append(make([]byte, 0, size), '{')
	if at := p.schedule(msgs[0].SendAt); at != "" {
		b = append(appendText(b, `"scheduleTime":`, at), ',')
	}
	b = append(b, `"messages":[`...)
	for i := range msgs {
		m := &msgs[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, `{"phone":`, m.To)
		if sender := cmp.Or(m.Sender, p.endpoint.Sender); sender != "" {
			b = appendText(b, `,"sender":`, sender)
		}
		b = appendText(b, `,"clientId":`, ids[i]) // A-Z 0-9, at most 72
		b = append(appendText(b, `,"text":`, m.Text), '}')
	}
	b = append(b, ']')
	if queue := p.settings.StatusQueue; queue != "" {
		b = appendText(b, `,"statusQueueName":`, queue)
	}
	b = appendText(b, `,"showBillingDetails":true,"login":`, p.settings.Login)
	return append(appendText(b, `,"password":`, string(p.settings.Password)), '}')
}

// appendText appends a member whose value is a text. What isn't UTF-8 in it is replaced, which is the error's only cause.
func appendText(b []byte, name, text string) []byte {
	b, _ = jsontext.AppendQuote(append(b, name...), text)
	return b
}

// schedule leaves out a moment that has come: what is due is sent now, whatever the provider thinks of a past time.
func (p *provider) schedule(at time.Time) string {
	if !at.After(p.endpoint.Now()) {
		return ""
	}
	return scheduleTime(at)
}
