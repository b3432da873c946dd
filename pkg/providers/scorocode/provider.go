package scorocode

import (
	"context"
	"encoding/json"

	"github.com/gonets/gonets/pkg/providers"
)

const contentType = "application/json"

type provider struct {
	endpoint providers.Endpoint
	settings Settings
}

// Send makes the request of one message. More than one don't fit into a request, and none of them is sent.
func (p *provider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	if len(msgs) != 1 {
		return providers.All(len(msgs), providers.Verdict{Outcome: providers.Misconfigured}.Result("this provider takes one message a request"))
	}
	return []providers.Result{p.send(ctx, msgs[0])}
}

func (p *provider) send(ctx context.Context, m providers.Message) providers.Result {
	path, req, refusal := build(&p.settings, m)
	if refusal != nil {
		return *refusal
	}
	body, err := json.Marshal(req)
	if err != nil { // can't be: query, gcm and apns were read before
		return providers.Verdict{Outcome: providers.Rejected, Code: providers.InvalidContent}.Result("the request can't be written as JSON")
	}
	return interpret(p.endpoint.Post(ctx, path, contentType, body), p.hidden(m))
}

// hidden is what must not be told: credentials, and what the message says to whom.
func (p *provider) hidden(m providers.Message) []providers.Secret {
	secrets := []providers.Secret{p.settings.ClientKey, p.settings.AccessKey, p.settings.Session, providers.Secret(m.Text)}
	for _, b := range [][]byte{m.GCM, m.APNS, m.Audience.Query} {
		var value any
		if json.Unmarshal(b, &value) == nil {
			secrets = texts(secrets, value)
		}
	}
	return secrets
}

// shortest is the length of a text in bytes from which on it is worth hiding; a shorter one would occur in any words.
const shortest = 4

// texts adds the strings within a JSON value.
func texts(to []providers.Secret, value any) []providers.Secret {
	switch v := value.(type) {
	case string:
		if len(v) >= shortest {
			to = append(to, providers.Secret(v))
		}
	case []any:
		for _, one := range v {
			to = texts(to, one)
		}
	case map[string]any:
		for _, one := range v {
			to = texts(to, one)
		}
	}
	return to
}
