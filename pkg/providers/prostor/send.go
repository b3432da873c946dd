package prostor

import (
	"cmp"
	"context"
	"time"

	"github.com/go-json-experiment/json"
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

// packet is the body of a send request, in the document's order.
type packet struct {
	ScheduleTime       string    `json:"scheduleTime,omitempty"`
	Messages           []message `json:"messages"`
	StatusQueueName    string    `json:"statusQueueName,omitempty"`
	ShowBillingDetails bool      `json:"showBillingDetails"`
	Login              string    `json:"login"`
	Password           string    `json:"password"`
}

// message is one message of a packet.
type message struct {
	Phone    string `json:"phone"` // +71234567890
	Sender   string `json:"sender,omitempty"`
	ClientID string `json:"clientId"` // A-Z 0-9, at most 72
	Text     string `json:"text"`
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
	if len(order) == 0 {
		return results
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
	body, err := json.Marshal(p.packet(msgs), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return providers.All(len(msgs), providers.Verdict{Outcome: providers.Misconfigured}.Result("the request can't be written as JSON"))
	}
	return p.read(p.endpoint.Post(ctx, sendPath, contentType, body), msgs)
}

// packet is the request of messages that share their SendAt.
func (p *provider) packet(msgs []providers.Message) packet {
	out := packet{
		ScheduleTime:       p.schedule(msgs[0].SendAt),
		Messages:           make([]message, len(msgs)),
		StatusQueueName:    p.settings.StatusQueue,
		ShowBillingDetails: true,
		Login:              p.settings.Login,
		Password:           string(p.settings.Password),
	}
	for i, m := range msgs {
		out.Messages[i] = message{
			Phone:    m.To,
			Sender:   cmp.Or(m.Sender, p.endpoint.Sender),
			ClientID: providers.Base32ID(m.Key),
			Text:     m.Text,
		}
	}
	return out
}

// schedule leaves out a moment that has come: what is due is sent now, whatever the provider thinks of a past time.
func (p *provider) schedule(at time.Time) string {
	if !at.After(p.endpoint.Now()) {
		return ""
	}
	return scheduleTime(at)
}
