package mysmpp

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
	key := func(b byte) (k [32]byte) {
		copy(k[:], bytes.Repeat([]byte{b}, 32))
		return k
	}
	msgs := []providers.Message{
		{Key: key(1), Channel: providers.SMS, To: "+79612242243", Sender: "MyShop", Text: "Код \"12\"\n", ExpiresAt: noon.Add(time.Hour)},
		{Key: key(2), Channel: providers.Viber, To: "+79612242244", Text: "message text 2"},
		{Key: key(3), Channel: providers.SMS, To: "+79612242245", Sender: "MyShop", Text: "Код \"12\"\n"},
	}
	const groups = `"message":[` +
		`{"type_send_1":"sms","sender":"MyShop","text":"Код \"12\"\n","phones":[` +
		`{"phone":"79612242243","client_id_sms":"%1","validity_period":"2026-11-22 16:00:00"},` +
		`{"phone":"79612242245","client_id_sms":"%3"}]},` +
		`{"type_send_1":"viber","sender":"Account","text":"message text 2","phones":[{"phone":"79612242244","client_id_sms":"%2"}]}]}`
	want := groups
	for i, m := range msgs {
		want = string(bytes.ReplaceAll([]byte(want), []byte{'%', byte('1' + i)}, []byte(providers.DecimalID(m.Key))))
	}
	for name, tc := range map[string]struct {
		settings Settings
		url      string
		wantURL  string
		auth     string
	}{
		"login":           {Settings{Login: "shop", Password: `p"w`}, "https://lk.mysmpp.ru", "https://lk.mysmpp.ru/json", `{"login":"shop","password":"p\"w",`},
		"token":           {Settings{Token: "t0ken"}, "https://lk.mysmpp.ru/", "https://lk.mysmpp.ru/json", `{"token":"t0ken",`},
		"a path in front": {Settings{Token: "t0ken"}, "https://gate.example/mysmpp", "https://gate.example/mysmpp/json", `{"token":"t0ken",`},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			p, err := tc.settings.Open(providers.Endpoint{
				URL: must(url.Parse(tc.url)), Timeout: time.Minute, Sender: "Account", Now: func() time.Time { return noon },
				Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					got, body = r, must(io.ReadAll(r.Body))
					reply := `{"information":[{"state":"send","id_sms":"1"},{"state":"send","id_sms":"3"},{"state":"send","id_sms":"2"}]}`
					return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader([]byte(reply)))}, nil
				})},
			})
			require.NoError(t, err)
			rs := p.Send(context.Background(), msgs)
			require.Equal(t, []string{"1", "2", "3"}, []string{rs[0].ID, rs[1].ID, rs[2].ID}, "results in the caller's order")
			require.Equal(t, http.MethodPost, got.Method)
			require.Equal(t, tc.wantURL, got.URL.String())
			require.Equal(t, "text/json; charset=utf-8", got.Header.Get("Content-Type"))
			require.Equal(t, tc.auth+want, string(body))
		})
	}
}
