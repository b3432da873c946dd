package scorocode

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The requests as they go out, byte for byte.
func TestWire(t *testing.T) {
	const keys = `{"app":"app1","cli":"cli1","acc":"acc1","sess":"sess1",`
	for name, tc := range map[string]struct {
		m         providers.Message
		url, body string
	}{
		"sms": {providers.Message{Channel: providers.SMS, Audience: users(`{"phone": {"$exists": true}}`), Text: "SMS \"текст\""},
			"https://api.scorocode.ru/api/v1/sendsms",
			keys + `"coll":"users","query":{"phone":{"$exists":true}},"msg":{"text":"SMS \"текст\""}}`},
		"sms to everyone": {providers.Message{Channel: providers.SMS, Audience: &providers.Audience{Collection: "roles", Everyone: true}, Text: "x"},
			"https://api.scorocode.ru/api/v1/sendsms",
			keys + `"coll":"roles","msg":{"text":"x"}}`},
		"push": {providers.Message{Channel: providers.Push, Audience: &providers.Audience{Collection: "devices", Query: []byte(`{"os":"ios"}`)},
			GCM:  []byte(`{"data": {"n": 12345678901234567890, "a": 1.0}, "protocol": "xmpp"}`),
			APNS: []byte(`{"priority": 5, "aps": {"badge": 5}, "acme": null}`)},
			"https://api.scorocode.ru/api/v1/sendpush",
			keys + `"coll":"devices","query":{"os":"ios"},"msg":{"data":{` +
				`"gcm":{"data":{"n":12345678901234567890,"a":1.0},"protocol":"xmpp"},"apns":{"priority":5,"aps":{"badge":5},"acme":null}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			u, err := url.Parse("https://api.scorocode.ru")
			require.NoError(t, err)
			p, err := settings.Open(providers.Endpoint{
				URL: u, Timeout: time.Minute,
				Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					got = r
					body, err = io.ReadAll(r.Body)
					return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader([]byte(`{"count":2,"error":false}`)))}, err
				})},
			})
			require.NoError(t, err)
			require.Equal(t, []providers.Result{{Outcome: providers.Submitted, Recipients: 2}}, p.Send(context.Background(), []providers.Message{tc.m}))
			require.Equal(t, http.MethodPost, got.Method)
			require.Equal(t, tc.url, got.URL.String())
			require.Equal(t, "application/json", got.Header.Get("Content-Type"))
			require.Equal(t, tc.body, string(body))
		})
	}
}
