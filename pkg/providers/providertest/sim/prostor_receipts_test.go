package sim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	authJSON  = `"login":"login","password":"password"`
	readQueue = `{"statusQueueLimit":"2","statusQueueName":"myQueue",` + authJSON + `}`
)

// send3 sends three messages with the client ids C1, C2 and C3, to phones that end in 1, 2 and 3.
func send3(t testing.TB, p *Prostor, queue string) {
	t.Helper()
	var messages []string
	for i := range 3 {
		messages = append(messages, fmt.Sprintf(`{"phone":"+7123456789%d","clientId":"C%d","text":"x"}`, i+1, i+1))
	}
	_, reply := post(t, p.Server, prostorSend, "application/json", `{`+queue+`"messages":[`+strings.Join(messages, ",")+`],`+authJSON+`}`)
	require.Contains(t, reply, "accepted")
}

func TestProstorQueueIsReadOnce(t *testing.T) {
	p := startProstor(t)
	send3(t, p, `"statusQueueName":"myQueue",`)
	require.Zero(t, p.Queued("myQueue"))
	require.False(t, p.Deliver("1", "delivered"))
	for i, status := range []string{"delivered", "smsc reject", "delivery error"} {
		require.True(t, p.Deliver(p.IDOf(fmt.Sprintf("C%d", i+1)), status))
	}
	require.Equal(t, 3, p.Queued("myQueue"))
	for _, want := range []string{
		`{"status":"ok","messages":[{"status":"delivered","smscId":"2592608031","clientId":"c1"},{"status":"smsc reject","smscId":2592608032,"clientId":"C2"}]}`,
		`{"status":"ок","messages":[{"status":"delivery error","smscId":2592608033,"clientId":"C3"}]}`,
		`{"status":"error","description":"queue is empty"}`,
		`{"status":"queue is empty"}`,
	} {
		_, reply := post(t, p.Server, prostorQueue, "application/json", readQueue)
		require.Equal(t, want, reply)
	}
	n, _ := p.Asked()
	require.Equal(t, 4, n)
	require.Equal(t, 1, p.Requests(), "questions are no sends")
	require.Equal(t, []int{3}, p.Packets())
	require.Empty(t, p.Violations())
}

func TestProstorQueueForgetsWhatALostReplyHeld(t *testing.T) {
	p := startProstor(t)
	p.Enqueue("myQueue", StatusRow{ID: "1", Status: "delivered"}, StatusRow{ID: "2", Status: "delivered"}, StatusRow{ID: "3", Status: "delivered"})
	p.BreakQuestions(Error500, 1)
	post(t, p.Server, prostorQueue, "application/json", readQueue)
	require.Equal(t, 1, p.Queued("myQueue"))
	p.BreakQuestions(TooMany, 1)
	post(t, p.Server, prostorQueue, "application/json", readQueue)
	require.Equal(t, 1, p.Queued("myQueue"))
	p.BreakQuestions(MissingRows, 1)
	_, reply := post(t, p.Server, prostorQueue, "application/json", readQueue)
	require.NotContains(t, reply, "smscId")
	require.Zero(t, p.Queued("myQueue"))
}

func TestProstorBreaksSendsAndQuestionsApart(t *testing.T) {
	p := startProstor(t)
	p.Break(Error500, 1)
	p.BreakQuestions(HTML502, 1)
	for _, want := range []int{502, 200} {
		status, _ := post(t, p.Server, prostorQueue, "application/json", readQueue)
		require.Equal(t, want, status)
	}
	for _, want := range []int{500, 200} {
		status, _ := post(t, p.Server, prostorSend, "application/json", "{}")
		require.Equal(t, want, status)
	}
}

func TestProstorLastWordsComeByThemselves(t *testing.T) {
	p := startProstor(t)
	p.DeliverAfter(0, func(to string) string {
		if strings.HasSuffix(to, "2") {
			return "smsc reject"
		}
		return "delivered"
	})
	send3(t, p, `"statusQueueName":"myQueue",`)
	require.Equal(t, 3, p.Queued("myQueue"))
	p.DeliverAfter(time.Hour, nil)
	send3(t, p, `"statusQueueName":"myQueue",`)
	require.Equal(t, 3, p.Queued("myQueue"))
	p.DeliverAfter(-1, nil)
	p.CountOnly(true)
	send3(t, p, `"statusQueueName":"myQueue",`)
	require.Equal(t, 3, p.Queued("myQueue"))
}

// A benchmark's messages are remembered only until their row was read.
func TestProstorCountingKeepsNoMessages(t *testing.T) {
	p := startProstor(t)
	p.CountOnly(true)
	p.DeliverAfter(0, nil)
	send3(t, p, `"statusQueueName":"myQueue",`)
	require.Equal(t, 3, p.Queued("myQueue"))
	post(t, p.Server, prostorQueue, "application/json", readQueue)
	post(t, p.Server, prostorQueue, "application/json", readQueue)
	require.Empty(t, p.messages)
	require.Empty(t, p.queues)
	require.Empty(t, p.coming)
}

func TestProstorStatus(t *testing.T) {
	p := startProstor(t)
	send3(t, p, "")
	require.True(t, p.Deliver(p.IDOf("C1"), "delivered"))
	_, reply := post(t, p.Server, prostorStatus, "application/json",
		`{`+authJSON+`,"messages":[{"smscId":"2592608031","clientId":"C1"},{"smscId":"2592608032"},{"smscId":"77"},{"smscId":"x-1"}]}`)
	require.Equal(t, `{"status":"ok","messages":[{"status":"incorrect id","smscId":"x-1"},{"status":"queued","smscId":77},`+
		`{"status":"queued","smscId":"2592608032"},{"status":"delivered","smscId":2592608031,"clientId":"c1"}]}`, reply)
	require.Zero(t, p.Queued("myQueue"))
	require.Empty(t, p.Violations())
}

func TestProstorAccount(t *testing.T) {
	p := startProstor(t)
	p.SetBalance(1235)
	p.SetSenders("Shop", "3132018")
	const body = `{` + authJSON + `}`
	for _, tc := range []struct{ path, want string }{
		{prostorBalance, `{"status":"ok","balance":[{"type":"RUB","balance":12.35}]}`},
		{prostorBalance, `{"status":"ок","balance":[{"credit":0.0,"balance":"12.35","type":"RUB"}]}`},
		{prostorSenders, `{"status":"ok","senders":[{"status":"active","info":"","name":"Shop"},{"status":"active","info":"","name":3132018}]}`},
		{prostorVersion, `{"status":"ок","version":2}`},
		{prostorVersion, `{"status":"ok","version":"2"}`},
	} {
		_, reply := post(t, p.Server, tc.path, "application/json", body)
		require.Equal(t, tc.want, reply)
	}
	p.ShowBalance(`-1`)
	p.SetVersion("3")
	_, reply := post(t, p.Server, prostorBalance, "application/json", body)
	require.Contains(t, reply, `"balance":-1}`)
	_, reply = post(t, p.Server, prostorVersion, "application/json", body)
	require.Contains(t, reply, `"version":"3"`)
	require.Empty(t, p.Violations())
	_, reply = post(t, p.Server, prostorBalance, "application/json", `{"login":"login","password":"x"}`)
	require.Contains(t, reply, "error authorization")
}

func TestProstorQuestionsAreStrict(t *testing.T) {
	ask := func(messages string) string { return `{` + authJSON + `,"messages":[` + messages + `]}` }
	var many []string
	for i := range 201 {
		many = append(many, fmt.Sprintf(`{"smscId":"%d"}`, i))
	}
	for name, tc := range map[string]struct{ path, body, reply string }{
		"limit as a number":    {prostorQueue, strings.Replace(readQueue, `"2"`, `2`, 1), "invalid request"},
		"limit above 1000":     {prostorQueue, strings.Replace(readQueue, `"2"`, `"1001"`, 1), "absent required param: statusQueueLimit"},
		"no limit":             {prostorQueue, strings.Replace(readQueue, `"statusQueueLimit":"2",`, ``, 1), "absent required param: statusQueueLimit"},
		"no queue":             {prostorQueue, strings.Replace(readQueue, `"statusQueueName":"myQueue",`, ``, 1), "invalid status queue name"},
		"queue":                {prostorQueue, strings.Replace(readQueue, `myQueue`, `my-queue`, 1), "invalid status queue name"},
		"no login":             {prostorQueue, strings.Replace(readQueue, `"login":"login",`, ``, 1), "absent required param: login"},
		"unknown field":        {prostorQueue, strings.Replace(readQueue, `"login"`, `"user"`, 1), "invalid request"},
		"nobody asked for":     {prostorStatus, ask(""), "absent required param: messages"},
		"too many":             {prostorStatus, ask(strings.Join(many, ",")), "too many messages"},
		"no smscId":            {prostorStatus, ask(`{"clientId":"1"}`), "absent required param: smscId"},
		"smscId as a number":   {prostorStatus, ask(`{"smscId":1}`), "invalid request"},
		"version, other path":  {"/messages/v2/version.json", `{` + authJSON + `}`, "method not found"},
		"balance with a field": {prostorBalance, `{` + authJSON + `,"messages":[]}`, "invalid request"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProstor(t)
			_, reply := post(t, p.Server, tc.path, "application/json", tc.body)
			require.Contains(t, reply, tc.reply)
			require.Len(t, p.Violations(), 1)
		})
	}
}

func BenchmarkProstorQueue(b *testing.B) {
	p := NewProstor("login", "password")
	rows := make([]StatusRow, 1000)
	for i := range rows {
		rows[i] = StatusRow{ID: fmt.Sprint(2592608030 + i), ClientID: "AEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Status: "delivered"}
	}
	body := []byte(strings.Replace(readQueue, `"2"`, `"1000"`, 1))
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1"+prostorQueue, nil)
	require.NoError(b, err)
	r.Header.Set("Content-Type", "application/json")
	for b.Loop() {
		p.Enqueue("myQueue", rows...)
		require.Greater(b, len(p.Answer(Request{Request: r, Body: body}).Body), 50_000)
	}
	require.Empty(b, p.Violations())
	b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds(), "receipts/s")
}
