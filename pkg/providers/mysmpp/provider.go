package mysmpp

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// The document's method and the type it demands.
const (
	sendPath    = "json"
	contentType = "text/json; charset=utf-8"
)

type provider struct {
	endpoint providers.Endpoint
	settings Settings
	zone     *time.Location
	reader   reader
}

// Send asks for all messages in one packet. Those that can't be carried are answered without asking, and keep no
// other from being sent.
func (p *provider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	plan := newPlan(msgs, p.endpoint.Sender, p.zone, p.endpoint.Now())
	if len(plan.order) == 0 {
		return plan.results
	}
	asked := make([]providers.Message, len(plan.order))
	for i, at := range plan.order {
		asked[i] = msgs[at]
	}
	for i, r := range p.request(ctx, plan.groups, asked) {
		plan.results[plan.order[i]] = r
	}
	return plan.results
}

func (p *provider) request(ctx context.Context, groups []group, asked []providers.Message) []providers.Result {
	body, err := json.Marshal(packet{p.credentials(), groups})
	if err != nil { // can't be: the packet is made of strings
		return providers.All(len(asked), providers.Verdict{Outcome: providers.Misconfigured}.Result("the packet can't be written as JSON"))
	}
	return p.reader.results(p.endpoint.Post(ctx, sendPath, contentType, body), asked)
}

func (p *provider) credentials() credentials {
	return credentials{p.settings.Login, string(p.settings.Password), string(p.settings.Token)}
}
