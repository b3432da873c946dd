package scorocode

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

var settings = &Settings{App: "app1", ClientKey: "cli1", AccessKey: "acc1", Session: "sess1"}

func users(query string) *providers.Audience {
	return &providers.Audience{Collection: "users", Query: []byte(query)}
}

func TestRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		s    *Settings
		m    providers.Message
		path string
		want string
	}{
		"push as given": {settings,
			providers.Message{Channel: providers.Push, Audience: &providers.Audience{Collection: "devices", Query: []byte(`{"userId":{"$exists":true}}`)},
				GCM:  []byte(`{"protocol":"http","notification":{"title":"b and co"},"data":{"n":12345678901234567890}}`),
				APNS: []byte(`{"aps":{"badge":5},"acme2":["bang","whiz"]}`)},
			"api/v1/sendpush",
			`{"app":"app1","cli":"cli1","acc":"acc1","sess":"sess1","coll":"devices","query":{"userId":{"$exists":true}},` +
				`"msg":{"data":{"gcm":{"protocol":"http","notification":{"title":"b and co"},"data":{"n":12345678901234567890}},` +
				`"apns":{"aps":{"badge":5},"acme2":["bang","whiz"]}}}}`},
		"push to apple only": {settings,
			providers.Message{Channel: providers.Push, Audience: &providers.Audience{Collection: "roles", Query: []byte(`{"name":"fan"}`)},
				APNS: []byte(`{"aps":{}}`)},
			"api/v1/sendpush",
			`{"app":"app1","cli":"cli1","acc":"acc1","sess":"sess1","coll":"roles","query":{"name":"fan"},"msg":{"data":{"apns":{"aps":{}}}}}`},
		"sms to everyone, with the master key": {&Settings{App: "app1", ClientKey: "cli1", AccessKey: "master"},
			providers.Message{Channel: providers.SMS, Audience: &providers.Audience{Collection: "users", Everyone: true}, Text: "привет"},
			"api/v1/sendsms",
			`{"app":"app1","cli":"cli1","acc":"master","coll":"users","msg":{"text":"привет"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			path, r, refusal := build(tc.s, tc.m)
			require.Nil(t, refusal)
			require.Equal(t, tc.path, path)
			b, err := json.Marshal(r)
			require.NoError(t, err)
			require.JSONEq(t, tc.want, string(b))
			for _, given := range [][]byte{tc.m.GCM, tc.m.APNS} { // to the digit, which JSONEq's floats would not see
				require.Contains(t, string(b), string(given))
			}
		})
	}
}

func TestRefusedWithoutAsking(t *testing.T) {
	text := func(a *providers.Audience) providers.Message {
		return providers.Message{Channel: providers.SMS, Audience: a, Text: "x"}
	}
	push := func(gcm, apns string) providers.Message {
		return providers.Message{Channel: providers.Push, Audience: users(`{"a":1}`), GCM: []byte(gcm), APNS: []byte(apns)}
	}
	for name, tc := range map[string]struct {
		m    providers.Message
		code providers.Code
	}{
		"a phone":                    {providers.Message{Channel: providers.SMS, To: "+79000000001", Text: "x"}, providers.InvalidRecipient},
		"nobody":                     {text(nil), providers.InvalidRecipient},
		"no query":                   {text(&providers.Audience{Collection: "users"}), providers.InvalidRecipient},
		"empty query":                {text(users(`{}`)), providers.InvalidRecipient},
		"empty query with spaces":    {text(users(" {\n } ")), providers.InvalidRecipient},
		"null query":                 {text(users(`null`)), providers.InvalidRecipient},
		"array query":                {text(users(`[1]`)), providers.InvalidRecipient},
		"broken query":               {text(users(`{"a":`)), providers.InvalidRecipient},
		"two queries":                {text(users(`{"a":1}{"b":2}`)), providers.InvalidRecipient},
		"everyone and query":         {text(&providers.Audience{Collection: "users", Everyone: true, Query: []byte(`{"a":1}`)}), providers.InvalidRecipient},
		"sms to devices":             {text(&providers.Audience{Collection: "devices", Everyone: true}), providers.InvalidRecipient},
		"a collection nobody has":    {text(&providers.Audience{Collection: "pets", Everyone: true}), providers.InvalidRecipient},
		"sms without text":           {providers.Message{Channel: providers.SMS, Audience: users(`{"a":1}`)}, providers.InvalidContent},
		"viber":                      {providers.Message{Channel: providers.Viber, Audience: users(`{"a":1}`), Text: "x"}, providers.InvalidContent},
		"push without content":       {push("", ""), providers.InvalidContent},
		"push of an array":           {push(`[]`, ""), providers.InvalidContent},
		"push of null":               {push("", `null`), providers.InvalidContent},
		"push of broken JSON":        {push("", `{"aps"`), providers.InvalidContent},
		"push with good and bad one": {push(`{"data":{}}`, `7`), providers.InvalidContent},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, refusal := build(settings, tc.m)
			require.NotNil(t, refusal)
			require.Equal(t, providers.Rejected, refusal.Outcome)
			require.Equal(t, tc.code, refusal.Code)
			require.NotEmpty(t, refusal.Message)
		})
	}
}

// No message but one that says everyone may leave the query out: that is how Scorocode is told to address everyone.
func FuzzQueryNeverAddressesEveryoneByOmission(f *testing.F) {
	for _, q := range []string{``, `{}`, `null`, ` { } `, `{"a":1}`, `{"a":{}}`, `[]`, `"x"`, `{} {}`} {
		f.Add([]byte(q))
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		_, r, refusal := build(settings, providers.Message{Channel: providers.SMS, Text: "x",
			Audience: &providers.Audience{Collection: "users", Query: query}})
		if refusal != nil {
			return
		}
		b, err := json.Marshal(r)
		require.NoError(t, err)
		var sent struct {
			Query map[string]any `json:"query"`
		}
		require.NoError(t, json.Unmarshal(b, &sent))
		require.NotEmpty(t, sent.Query)
	})
}
