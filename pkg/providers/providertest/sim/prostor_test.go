package sim

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func startProstor(t testing.TB) *Prostor {
	t.Helper()
	p := NewProstor("login", "password")
	require.NoError(t, p.Start("127.0.0.1:0"))
	t.Cleanup(p.Close)
	return p
}

func post(t testing.TB, s *Server, path, contentType, body string) (status int, reply string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(s.URL().JoinPath(path).String(), contentType, strings.NewReader(body))
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(b)
}

func TestProstorSend(t *testing.T) {
	p := startProstor(t)
	p.SetBalance(1000)
	p.SetSenders("MySender")
	const path = "/messages/v2/send.json"
	_, reply := post(t, p.Server, path, "application/json", `{"scheduleTime":"2008-07-12T14:30:01Z","messages":[
		{"phone":"+71234567890","sender":"MySender","clientId":"1","text":"Message text here"},
		{"phone":"+71234567891","clientId":"2A","text":"`+strings.Repeat("я", 71)+`"},
		{"phone":"+71234567892","sender":"Other","clientId":"3A","text":"text"},
		{"phone":"+71234567893","clientId":"4A","text":"text"},
		{"phone":"+71234567894","clientId":"5","text":"text"},
		{"phone":"+71234567895","clientId":"6","text":""}],
		"statusQueueName":"myQueue","showBillingDetails":true,"login":"login","password":"password"}`)
	require.Equal(t, `{"status":"ok","balance":[{"credit":0.0,"balance":"0.60","type":"RUB"}],"messages":[`+
		`{"status":"text is empty","smscId":2592608036,"clientId":"6"},`+
		`{"status":"not enough balance","smscId":"2592608035","clientId":"5"},`+
		`{"status":"accepted","smscId":2592608034,"clientId":"4a","smsCount":1,"msgCost":"2.35"},`+
		`{"status":"sender address invalid","smscId":"2592608033","clientId":"3A"},`+
		`{"status":"accepted","smscId":2592608032,"clientId":"2A","smsCount":2,"msgCost":"4.70"},`+
		`{"status":"accepted","smscId":"2592608031","clientId":"1","smsCount":"1","msgCost":2.35}]}`, reply)
	require.Empty(t, p.Violations())
	require.Equal(t, map[Copy]int{{"71234567890", "1"}: 1, {"71234567891", "2A"}: 1, {"71234567893", "4A"}: 1}, p.All())
	require.Equal(t, []int{3}, p.Packets())

	_, reply = post(t, p.Server, path, "application/json", `{"messages":[{"phone":"+71234567890","clientId":"1","text":"x"}],"login":"login","password":"wrong"}`)
	require.Equal(t, `{"status":"error","description":"error authorization"}`, reply)
	require.Empty(t, p.Violations())
}

func TestProstorIsStrict(t *testing.T) {
	message := `{"phone":"+71234567890","clientId":"1","text":"x"}`
	packet := func(fields, messages string) string {
		return `{` + fields + `"messages":[` + messages + `],"login":"login","password":"password"}`
	}
	var many []string
	for i := range 201 {
		many = append(many, fmt.Sprintf(`{"phone":"+71234567890","clientId":"%d","text":"x"}`, i))
	}
	for name, tc := range map[string]struct{ path, contentType, body, reply string }{
		"path":           {"/messages/v1/send.json", "application/json", packet("", message), "method not found"},
		"content type":   {prostorSend, "text/json", packet("", message), `"status":"accepted"`},
		"no JSON":        {prostorSend, "application/json", "hello", "invalid request"},
		"unknown field":  {prostorSend, "application/json", packet(`"shedule":"x",`, message), "invalid request"},
		"other case":     {prostorSend, "application/json", packet(`"scheduletime":"2008-07-12T14:30:01Z",`, message), "invalid request"},
		"wrong type":     {prostorSend, "application/json", packet(`"showBillingDetails":"true",`, message), "invalid request"},
		"twice":          {prostorSend, "application/json", packet(`"showBillingDetails":true,"showBillingDetails":true,`, message), "invalid request"},
		"no login":       {prostorSend, "application/json", `{"messages":[],"password":"password"}`, "absent required param: login"},
		"no password":    {prostorSend, "application/json", `{"messages":[],"login":"login"}`, "absent required param: password"},
		"no messages":    {prostorSend, "application/json", packet("", ""), "absent required param: messages"},
		"too many":       {prostorSend, "application/json", packet("", strings.Join(many, ",")), "too many messages"},
		"schedule":       {prostorSend, "application/json", packet(`"scheduleTime":"2008-07-12T14:30:01+03:00",`, message), "invalid schedule time format"},
		"queue":          {prostorSend, "application/json", packet(`"statusQueueName":"my-queue",`, message), "invalid status queue name"},
		"short queue":    {prostorSend, "application/json", packet(`"statusQueueName":"my",`, message), "invalid status queue name"},
		"no client id":   {prostorSend, "application/json", packet("", `{"phone":"+71234567890","text":"x"}`), "absent required param: clientId"},
		"client id":      {prostorSend, "application/json", packet("", `{"phone":"+71234567890","clientId":"a-1","text":"x"}`), "invalid client id"},
		"same client id": {prostorSend, "application/json", packet("", message+","+message), `"status":"accepted"`},
		"no phone":       {prostorSend, "application/json", packet("", `{"clientId":"1","text":"x"}`), "absent required param: phone"},
		"phone":          {prostorSend, "application/json", packet("", `{"phone":"8 (123) 456","clientId":"1","text":"x"}`), "invalid mobile phone"},
		"no text":        {prostorSend, "application/json", packet("", `{"phone":"+71234567890","clientId":"1"}`), "absent required param: text"},
		"text":           {prostorSend, "application/json", packet("", `{"phone":"+71234567890","clientId":"1","text":1}`), "text must be string"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProstor(t)
			_, reply := post(t, p.Server, tc.path, tc.contentType, tc.body)
			require.Contains(t, reply, tc.reply)
			require.Len(t, p.Violations(), 1)
		})
	}
}

func BenchmarkProstor(b *testing.B) {
	p := NewProstor("login", "password")
	p.CountOnly(true)
	var messages []string
	for i := range 200 {
		messages = append(messages, fmt.Sprintf(`{"phone":"+7900%07d","sender":"Shop","clientId":"AAAAAAAAAAAAAAAAAAAAAAAA%d","text":"Your order %d is ready"}`, i, i, i))
	}
	body := []byte(`{"messages":[` + strings.Join(messages, ",") + `],"showBillingDetails":true,"login":"login","password":"password"}`)
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1"+prostorSend, nil)
	require.NoError(b, err)
	r.Header.Set("Content-Type", "application/json")
	for b.Loop() {
		a := p.Answer(Request{Request: r, Body: body})
		p.enter(a.Taken)
	}
	require.Empty(b, p.Violations())
	b.ReportMetric(float64(b.N*200)/b.Elapsed().Seconds(), "messages/s")
}
