package scorocode_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
	"github.com/gonets/gonets/pkg/providers/scorocode"
)

func settings() providers.Settings {
	return &scorocode.Settings{App: "db8a1b41", ClientKey: "client-s3cret", AccessKey: "access-s3cret", Session: "session-s3cret"}
}

func application() sim.Scorocode {
	return sim.Scorocode{App: "db8a1b41", ClientKey: "client-s3cret", MessageKey: "access-s3cret", MasterKey: "master-s3cret",
		Session: "session-s3cret"}
}

// users are as many recipients as the laws address.
func users(n int) map[string][]map[string]string {
	rows := make([]map[string]string, n)
	for i := range rows {
		rows[i] = map[string]string{"_id": fmt.Sprintf("user-%d", i), "team": fmt.Sprint("team-", i%3)}
	}
	return map[string][]map[string]string{"users": rows}
}

func query(n int) *providers.Audience {
	return &providers.Audience{Collection: "users", Query: fmt.Appendf(nil, `{"_id":{"$eq":"user-%d"}}`, n)}
}

func sms(n int) providers.Message {
	return providers.Message{Key: [32]byte{byte(n), byte(n >> 8), 1}, Channel: providers.SMS, Audience: query(n),
		Text: fmt.Sprintf("Match %d begins at noon", n)}
}

func push(n int) providers.Message {
	return providers.Message{Key: [32]byte{byte(n), byte(n >> 8), 2}, Channel: providers.Push, Audience: query(n),
		GCM: fmt.Appendf(nil, `{"protocol":"http","notification":{"title":"Match %d"},"data":{"key":"value"}}`, n),
		APNS: fmt.Appendf(nil, `{"id":"123e4567-e89b-12d3-a456-426655440000","expiration":"2030-01-02T15:04:05+03:00","priority":10,`+
			`"topic":"com.example.app","collapseId":"match","aps":{"alert":{"title":"Match %d"},"badge":5},"acme2":["bang",null]}`, n)}
}

// copyOf is what the simulator books: the row that the query names, and the message in canonical JSON.
func copyOf(m providers.Message) sim.Copy {
	var q map[string]map[string]string
	must0(json.Unmarshal(m.Audience.Query, &q))
	msg := map[string]any{"text": m.Text}
	if m.Channel == providers.Push {
		var gcm, apns any
		must0(json.Unmarshal(m.GCM, &gcm))
		must0(json.Unmarshal(m.APNS, &apns))
		msg = map[string]any{"data": map[string]any{"gcm": gcm, "apns": apns}}
	}
	b, err := json.Marshal(msg) // sorts the names
	must0(err)
	return sim.Copy{To: q["_id"]["$eq"], ID: string(b)}
}

func must0(err error) {
	if err != nil {
		panic(err)
	}
}

func subject(message func(int) providers.Message) providertest.Subject {
	return providertest.Subject{
		Kind:     scorocode.Kind(),
		Settings: settings,
		Sim: func() *sim.Server {
			app := application()
			app.Collections = users(2100)
			return sim.NewScorocode(app)
		},
		Message: message,
		Copy:    copyOf,
		Secrets: []string{"client-s3cret", "access-s3cret", "session-s3cret"},
		Refusals: map[string]providers.Verdict{
			"401 Invalid session":                 {Outcome: providers.Unauthorized},
			"402 Payment required":                {Outcome: providers.InsufficientFunds},
			"403 Forbidden":                       {Outcome: providers.Unauthorized},
			"404 Not found":                       {Outcome: providers.Rejected, Code: providers.InvalidContent},
			"412 Precondition failed":             {Outcome: providers.Rejected, Code: providers.InvalidContent},
			"404 Invalid collection: users":       {Outcome: providers.Misconfigured},
			"429 Too many":                        {Outcome: providers.Throttled},
			"500 Internal error":                  {Outcome: providers.Ambiguous},
			"503 Invalid collection, perhaps not": {Outcome: providers.Ambiguous},
		},
		Rowless: true,
	}
}

func TestConformanceOfSMS(t *testing.T)  { providertest.Run(t, subject(sms)) }
func TestConformanceOfPush(t *testing.T) { providertest.Run(t, subject(push)) }

// send sends one message to a simulated application.
func send(t *testing.T, app sim.Scorocode, s providers.Settings, m providers.Message) (*sim.Server, providers.Result) {
	t.Helper()
	server := sim.NewScorocode(app)
	require.NoError(t, server.Start("127.0.0.1:0"))
	t.Cleanup(server.Close)
	p, err := s.Open(providers.Endpoint{URL: server.URL(), Timeout: time.Minute})
	require.NoError(t, err)
	rs := p.Send(context.Background(), []providers.Message{m})
	require.Len(t, rs, 1)
	require.Empty(t, server.Violations())
	return server, rs[0]
}

func TestAudiences(t *testing.T) {
	app := application()
	app.Collections = users(10)
	for name, tc := range map[string]struct {
		audience providers.Audience
		want     providers.Result
	}{
		"a team":   {providers.Audience{Collection: "users", Query: []byte(`{"team":"team-1"}`)}, providers.Result{Outcome: providers.Submitted, Recipients: 3}},
		"two":      {providers.Audience{Collection: "users", Query: []byte(`{"_id":{"$in":["user-1","user-2"]}}`)}, providers.Result{Outcome: providers.Submitted, Recipients: 2}},
		"everyone": {providers.Audience{Collection: "users", Everyone: true}, providers.Result{Outcome: providers.Submitted, Recipients: 10}},
		"nobody": {providers.Audience{Collection: "users", Query: []byte(`{"phone":{"$exists":true}}`)},
			providers.Result{Outcome: providers.Rejected, Code: providers.NoRecipients, Message: "the query finds nobody"}},
		"an operator nobody has": {providers.Audience{Collection: "users", Query: []byte(`{"team":{"$like":"t"}}`)},
			providers.Result{Outcome: providers.Rejected, Code: providers.InvalidContent,
				Message: `Invalid query: team: "$like" is no operator; known are $exists, $eq, $ne and $in`}},
	} {
		t.Run(name, func(t *testing.T) {
			m := sms(1)
			m.Audience = &tc.audience
			server, r := send(t, app, settings(), m)
			require.Equal(t, tc.want, r)
			require.Equal(t, tc.want.Recipients, server.Messages())
		})
	}
}

func TestKeys(t *testing.T) {
	app := application()
	app.Count = 1_500_000
	for name, tc := range map[string]struct {
		s    *scorocode.Settings
		want providers.Outcome
	}{
		"message key and session": {&scorocode.Settings{App: "db8a1b41", ClientKey: "client-s3cret", AccessKey: "access-s3cret", Session: "session-s3cret"}, providers.Submitted},
		"master key":              {&scorocode.Settings{App: "db8a1b41", ClientKey: "client-s3cret", AccessKey: "master-s3cret"}, providers.Submitted},
		"message key alone":       {&scorocode.Settings{App: "db8a1b41", ClientKey: "client-s3cret", AccessKey: "access-s3cret"}, providers.Unauthorized},
		"wrong access key":        {&scorocode.Settings{App: "db8a1b41", ClientKey: "client-s3cret", AccessKey: "wrong-key"}, providers.Unauthorized},
		"wrong client key":        {&scorocode.Settings{App: "db8a1b41", ClientKey: "wrong-key", AccessKey: "master-s3cret"}, providers.Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := send(t, app, tc.s, push(1))
			require.Equal(t, tc.want, r.Outcome, r.Message)
			if tc.want == providers.Submitted {
				require.Equal(t, 1_500_000, r.Recipients)
			}
		})
	}
}

func TestMoreThanOneMessageIsNoRequest(t *testing.T) {
	p, err := settings().Open(providers.Endpoint{})
	require.NoError(t, err)
	for _, r := range p.Send(context.Background(), []providers.Message{sms(1), sms(2)}) {
		require.Equal(t, providers.Misconfigured, r.Outcome)
	}
	require.Empty(t, p.Send(context.Background(), nil))
}

func TestOpenRefusesFaults(t *testing.T) {
	_, err := (&scorocode.Settings{ClientKey: "client-s3cret"}).Open(providers.Endpoint{})
	require.ErrorContains(t, err, "app: ")
	require.ErrorContains(t, err, "access_key: ")
	require.NotContains(t, err.Error(), "client-s3cret")
}
