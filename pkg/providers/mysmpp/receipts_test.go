package mysmpp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// asking opens an account whose every question gets the same reply, and keeps the last request.
func asking(t testing.TB, s Settings, status int, body string) (p *provider, last func() (*http.Request, string)) {
	t.Helper()
	var request *http.Request
	var sent string
	opened, err := s.Open(providers.Endpoint{URL: must(url.Parse("https://gate.example/mysmpp")), Timeout: time.Minute,
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			request, sent = r, string(must(io.ReadAll(r.Body)))
			return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader([]byte(body)))}, nil
		})}})
	require.NoError(t, err)
	p, ok := opened.(*provider)
	require.True(t, ok)
	return p, func() (*http.Request, string) { return request, sent }
}

func TestQuestionsOnTheWire(t *testing.T) {
	sent := []providers.Sent{{ID: "82216"}, {ID: "82217"}, {ID: "82216"}, {ID: "no id"}, {}}
	for name, tc := range map[string]struct {
		s    Settings
		auth string
	}{
		"login": {Settings{Login: "shop", Password: `p"w`}, `"login":"shop","password":"p\"w"`},
		"token": {Settings{Token: "t0ken"}, `"token":"t0ken"`},
	} {
		t.Run(name, func(t *testing.T) {
			p, last := asking(t, tc.s, 200, "[]")
			receipts, err := p.AskReceipts(t.Context(), sent)
			require.NoError(t, err)
			require.Empty(t, receipts)
			r, body := last()
			require.Equal(t, "POST https://gate.example/mysmpp/json/state.php", r.Method+" "+r.URL.String())
			require.Equal(t, "text/json; charset=utf-8", r.Header.Get("Content-Type"))
			require.Equal(t, `[{`+tc.auth+`,"id_sms":"82216","detail":"1"},{`+tc.auth+`,"id_sms":"82217","detail":"1"}]`, body)
			_, _ = p.Balance(t.Context())
			r, body = last()
			require.Equal(t, "POST https://gate.example/mysmpp/json/balance.php", r.Method+" "+r.URL.String())
			require.Equal(t, `{`+tc.auth+`}`, body)
		})
	}
	p, last := asking(t, Settings{Token: "t"}, 200, "[]")
	_, err := p.AskReceipts(t.Context(), sent[3:])
	require.NoError(t, err)
	r, _ := last()
	require.Nil(t, r, "a request was made for nobody")
}

func TestStateReplies(t *testing.T) {
	at := time.Date(2021, 4, 26, 15, 15, 3, 0, moscow)
	sent := []providers.Sent{{ID: "82216"}, {ID: "82217"}}
	for name, tc := range map[string]struct {
		status  int
		body    string
		want    []providers.Receipt
		refused providers.Outcome // Submitted: it isn't
	}{
		"as documented": {200, `[{"id_sms":82216,"time_change_state":"2021-04-26 15:15:03","state":"deliver","num_parts":1,"price":10.6000000}]`,
			[]providers.Receipt{{ID: "82216", State: providers.Delivered, Status: "deliver", Segments: 1, Cost: "10.6000000", At: at}}, providers.Submitted},
		"quoted, with parts": {200, `[{"id_sms":"82216","time_change_state":"2021-04-26 15:15:03","state":"Read.","num_parts":"3","price":"2.35"}]`,
			[]providers.Receipt{{ID: "82216", State: providers.Delivered, Status: "read", Segments: 3, Cost: "7.05", At: at}}, providers.Submitted},
		"on its way": {200, `[{"id_sms":82216,"time_change_state":"","state":"send"},{"id_sms":82217,"state":"send","time_change_state":"yesterday"}]`,
			[]providers.Receipt{{ID: "82216", Status: "send"}, {ID: "82217", Status: "send"}}, providers.Submitted},
		"not delivered": {200, `[{"id_sms":82216,"state":"not_deliver"},{"id_sms":82217,"state":"expired"}]`,
			[]providers.Receipt{{ID: "82216", State: providers.Undelivered, Status: "not_deliver"}, {ID: "82217", State: providers.Undelivered, Status: "expired"}}, providers.Submitted},
		"nobody can tell": {200, `[{"id_sms":82216,"state":"partly_deliver"},{"id_sms":82217,"state":"Абонент 79612242243 вне сети, shop-login"}]`,
			[]providers.Receipt{{ID: "82216", State: providers.Untold, Status: "partly_deliver"}, {ID: "82217", State: providers.Untold, Status: "Абонент *** вне сети, ******"}}, providers.Submitted},
		"about others":            {200, `[{"id_sms":1,"state":"deliver"},{"state":"deliver"},{"id_sms":82216},null,7,{"id_sms":{},"state":"read"}]`, []providers.Receipt{}, providers.Submitted},
		"nothing known":           {200, `[]`, []providers.Receipt{}, providers.Submitted},
		"an error beside a state": {200, `[{"id_sms":82216,"state":"send"},{"id_sms":82217,"error":"Ваш аккаунт заблокирован"}]`, []providers.Receipt{{ID: "82216", Status: "send"}}, providers.Submitted},
		"an error of each":        {200, `[{"error":"Неправильный логин или пароль"},{"error":"Неправильный логин или пароль"}]`, nil, providers.Unauthorized},
		"an error as a state":     {200, `[{"id_sms":82216,"state":"Incorrect login or password"}]`, nil, providers.Unauthorized},
		"login":                   {400, `{"error":"Неправильный логин или пароль"}`, nil, providers.Unauthorized},
		"format":                  {400, `{"error":"Incorrect JSON document format"}`, nil, providers.Misconfigured},
		"words about a message":   {400, `{"error":"Укажите номер телефона"}`, nil, providers.Ambiguous},
		"unknown words":           {200, `{"error":"Система на профилактике"}`, nil, providers.Ambiguous},
		"too fast":                {429, `{"error":"not so fast"}`, nil, providers.Throttled},
		"a redirect":              {302, `[{"id_sms":82216,"state":"deliver"}]`, nil, providers.Misconfigured},
		"no JSON":                 {200, `<html>`, nil, providers.Ambiguous},
		"broken off":              {200, `[{"id_sms":82216,"state":"deliver"}`, nil, providers.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := asking(t, Settings{Login: "shop-login", Password: "pw"}, tc.status, tc.body)
			receipts, err := p.AskReceipts(t.Context(), sent)
			if tc.refused != providers.Submitted {
				var refusal *providers.Refusal
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, tc.refused, refusal.Outcome, refusal.Message)
				return
			}
			require.NoError(t, err)
			require.ElementsMatch(t, tc.want, receipts)
		})
	}
}

func TestHook(t *testing.T) {
	p, _ := asking(t, Settings{Token: "t0ken", Timezone: "Asia/Vladivostok"}, 200, "")
	at := time.Date(2011, 1, 1, 12, 57, 46, 0, must(time.LoadLocation("Asia/Vladivostok")))
	receipts, answer, err := p.HookReceipts([]byte(`[{"id_sms":3234,"time":"2011-01-01 12:57:46","state":"deliver"},
		{"id_sms":"3235","time":"","state":"send"},{"id_sms":3236,"time":"2011-01-01 12:57:46","state":"Нет связи"},
		{"id_sms":3234,"time":"2011-01-01 12:57:46","state":"deliver"},{"id_sms":3237},{"state":"deliver"},"read"]`))
	require.NoError(t, err)
	require.Equal(t, `[{"id_sms":3234},{"id_sms":"3235"},{"id_sms":3236},{"id_sms":3234}]`, string(answer))
	delivered := providers.Receipt{ID: "3234", State: providers.Delivered, Status: "deliver", At: at}
	require.Equal(t, []providers.Receipt{delivered, {ID: "3235", Status: "send"}, {ID: "3236", State: providers.Untold, Status: "Нет связи", At: at}, delivered}, receipts)

	receipts, answer, err = p.HookReceipts([]byte(" []\n"))
	require.NoError(t, err)
	require.Empty(t, receipts)
	require.Equal(t, `[]`, string(answer))

	for _, body := range []string{"", "{}", `{"id_sms":3234,"state":"deliver"}`, "[", "hello", `[1]`, `[{"id":1}]`, `[{"id_sms":0,"state":"deliver"}]`} {
		_, answer, err := p.HookReceipts([]byte(body))
		require.Error(t, err, body)
		require.Nil(t, answer)
	}
}

func TestBalances(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   []providers.Balance // nil: it can't be read
	}{
		"money":           {200, `{"money":"123.45","currency":"RUB","information":[]}`, []providers.Balance{{Amount: "123.45", Unit: "RUB"}}},
		"a number":        {200, `{"money":-0.10,"currency":"руб."}`, []providers.Balance{{Amount: "-0.10", Unit: "руб."}}},
		"messages":        {200, `{"money":0,"currency":"RUB","information":[{"type_sms":"sms","area":"Россия","num_sms":100},{"type_sms":"viber","area":null,"sms":"7"},{"area":"x"}]}`, []providers.Balance{{Amount: "0", Unit: "RUB"}, {Amount: "100", Unit: "sms Россия"}, {Amount: "7", Unit: "viber"}}},
		"odd information": {200, `{"money":"5","information":{"num_sms":1}}`, []providers.Balance{{Amount: "5"}}},
		"unreadable":      {200, `{"money":"a lot"}`, nil},
		"nothing":         {200, `{}`, nil},
		"refused":         {400, `{"error":"Ваш аккаунт заблокирован"}`, nil},
		"no JSON":         {502, `<html>`, nil},
		"a redirect":      {301, `{"money":"5"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := asking(t, Settings{Token: "t0ken"}, tc.status, tc.body)
			got, err := p.Balance(t.Context())
			require.Equal(t, tc.want == nil, err != nil, "%v", err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestTimes(t *testing.T) {
	for _, tc := range []struct {
		price string
		n     int
		want  string
	}{
		{"10.6000000", 2, "21.2000000"}, {"2.35", 3, "7.05"}, {"0.05", 1, "0.05"}, {"0.005", 2, "0.010"}, {"7", 3, "21"}, {"-0.5", 1, "-0.5"},
		{"99999999999999999999.99", 2, "199999999999999999999.98"}, {"", 2, ""}, {"5", 0, ""},
	} {
		require.Equal(t, tc.want, times(tc.price, tc.n))
	}
}

// Whatever is posted: no panic, and the answer names each receipt's id once, in order.
func FuzzHook(f *testing.F) {
	for _, seed := range []string{"", "[]", `[{"id_sms":3234,"time":"2011-01-01 12:57:46","state":"deliver"},{"id_sms":"5","state":"x"}]`, `[null,1,{}]`} {
		f.Add([]byte(seed))
	}
	p, _ := asking(f, Settings{Token: "t0ken"}, 200, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		receipts, answer, err := p.HookReceipts(body)
		if err != nil {
			require.Empty(t, receipts)
			return
		}
		var echo []struct {
			ID providers.Scalar `json:"id_sms"`
		}
		require.NoError(t, json.Unmarshal(answer, &echo))
		require.Len(t, echo, len(receipts))
		for i, r := range receipts {
			require.Equal(t, r.ID, string(bytes.TrimSpace([]byte(echo[i].ID))))
			require.NotEmpty(t, r.Status)
			require.LessOrEqual(t, len(r.Status), providers.MaxWords)
		}
	})
}

// Whatever comes back: no panic, an answer or a refusal.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"", "[]", `{"error":"x"}`, `[{"id_sms":82216,"time_change_state":"2021-04-26 15:15:03","state":"deliver","num_parts":1,"price":10.6}]`,
		`{"money":"1","currency":"RUB","information":[{"type_sms":"sms","area":"a","num_sms":1}]}`} {
		f.Add(200, []byte(seed))
		f.Add(400, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		p, _ := asking(t, Settings{Token: "t0ken"}, status, string(body))
		receipts, askErr := p.AskReceipts(t.Context(), []providers.Sent{{ID: "82216"}})
		for _, r := range receipts {
			require.Equal(t, "82216", r.ID)
			require.NotEmpty(t, r.Status)
		}
		balances, balanceErr := p.Balance(t.Context())
		require.Equal(t, balanceErr != nil, len(balances) == 0)
		for _, err := range []error{askErr, balanceErr} {
			if err != nil {
				var refusal *providers.Refusal
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, providers.Redact(refusal.Message), refusal.Message)
			}
		}
	})
}
