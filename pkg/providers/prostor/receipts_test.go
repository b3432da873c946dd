package prostor

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// asking opens an account with a queue whose every question gets the same reply, and keeps the last request.
func asking(t testing.TB, status int, body string) (p queueProvider, last func() (*http.Request, string)) {
	t.Helper()
	var request *http.Request
	var sent string
	opened, err := (&Settings{Login: "login1", Password: "s3cret", StatusQueue: "myQueue"}).Open(providers.Endpoint{
		URL: &url.URL{Scheme: "https", Host: "api.example", Path: "/gate"}, Timeout: 30 * time.Second,
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			request, sent = r, string(b)
			return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Retry-After": {"30"}},
				Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})}})
	require.NoError(t, err)
	p, ok := opened.(queueProvider)
	require.True(t, ok)
	return p, func() (*http.Request, string) { return request, sent }
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOnlyAnAccountWithAQueueReadsOne(t *testing.T) {
	p := testProvider(t, 200, "")
	_, queues := p.(providers.ReceiptQueue)
	require.False(t, queues)
	_, asks := p.(providers.ReceiptAsker)
	require.True(t, asks)
}

func TestQuestionsOnTheWire(t *testing.T) {
	p, last := asking(t, 200, `{"status":"ok"}`)
	sent := []providers.Sent{{ID: "2592608030", Key: [32]byte{1}}, {ID: "AB12", Key: [32]byte{2}}, {ID: "2592608030", Key: [32]byte{1}}, {ID: "no id"}, {}}
	ask := map[string]func(){
		"status.json": func() { _, _ = p.AskReceipts(t.Context(), sent) },
		"statusQueue.json": func() {
			_, _, err := p.ReadReceipts(t.Context(), 5000)
			require.NoError(t, err)
		},
		"balance.json":  func() { _, _ = p.Balance(t.Context()) },
		"senders.json":  func() { _, _ = p.Senders(t.Context()) },
		"version.json/": func() { _, _, _ = p.Version(t.Context()) },
	}
	for path, body := range map[string]string{
		"status.json": `{"login":"login1","password":"s3cret","messages":[{"smscId":"2592608030","clientId":"` + id1 +
			`"},{"smscId":"AB12","clientId":"` + id2 + `"}]}`,
		"statusQueue.json": `{"login":"login1","password":"s3cret","statusQueueLimit":"1000","statusQueueName":"myQueue"}`,
		"balance.json":     `{"login":"login1","password":"s3cret"}`,
		"senders.json":     `{"login":"login1","password":"s3cret"}`,
		"version.json/":    `{"login":"login1","password":"s3cret"}`,
	} {
		ask[path]()
		r, got := last()
		require.Equal(t, "POST https://api.example/gate/messages/v2/"+path, r.Method+" "+r.URL.String())
		require.Equal(t, "application/json; charset=utf-8", r.Header.Get("Content-Type"))
		require.Equal(t, body, got)
	}
}

// Replies to a read of the queue, in the shapes of the document and in those that were seen beside it.
func TestQueueReplies(t *testing.T) {
	pending := func(id, client, words string) providers.Receipt {
		return providers.Receipt{ID: id, ClientID: client, Status: words}
	}
	delivered := func(id, client string) providers.Receipt {
		return providers.Receipt{ID: id, ClientID: client, State: providers.Delivered, Status: "delivered"}
	}
	for name, tc := range map[string]struct {
		status   int
		body     string
		receipts []providers.Receipt
		skipped  int
		refused  providers.Outcome // Submitted: it isn't
	}{
		"as documented": {200, `{"status":"ok","messages":[{"status":"delivered","smscId":"12345"},{"status":"smsc reject","smscId":"12346"}]}`,
			[]providers.Receipt{delivered("12345", ""), {ID: "12346", State: providers.Undelivered, Status: "smsc reject"}}, 0, providers.Submitted},
		"types that vary": {200, `{"status":"ок","messages":[{"status":"delivered","smscId":2592608030,"clientId":"` + strings.ToLower(id1) +
			`"},{"status":"Delivered.","smscId":99999999999999999999,"clientId":null},{"status":"delivered","clientId":"` + id2 + `"}]}`,
			[]providers.Receipt{delivered("2592608030", id1), {ID: "99999999999999999999", State: providers.Delivered, Status: "delivered"}, delivered("", id2)},
			0, providers.Submitted},
		"billing": {200, `{"status":"ok","messages":[{"status":"delivery error","smscId":"1","smsCount":"2","msgCost":4.70}]}`,
			[]providers.Receipt{{ID: "1", State: providers.Undelivered, Status: "delivery error", Segments: 2, Cost: "4.70", Currency: "RUB"}}, 0, providers.Submitted},
		"not final": {200, `{"status":"ok","messages":[{"status":"queued","smscId":"1"},{"status":"smsc submit","smscId":"2"}]}`,
			[]providers.Receipt{pending("1", "", "queued"), pending("2", "", "smsc submit")}, 0, providers.Submitted},
		"incorrect id": {200, `{"status":"ok","messages":[{"status":"incorrect id","smscId":"1"}]}`,
			[]providers.Receipt{{ID: "1", State: providers.Untold, Status: "incorrect id"}}, 0, providers.Submitted},
		"words that nobody knows": {200, `{"status":"ok","messages":[{"status":"not delivered","smscId":"1"},{"status":"sent to +79612242243 by login1","smscId":"2"}]}`,
			[]providers.Receipt{pending("1", "", "not delivered"), pending("2", "", "sent to +*** by ******")}, 0, providers.Submitted},
		"rows about nobody": {200, `{"status":"ok","messages":[{"status":"delivered"},null,5,[],{"smscId":"1"},{"status":"\u200b ","smscId":"1"},{"status":{},"smscId":"1"},{"status":"delivered","smscId":"1 2"},{"status":"delivered","smscId":"1"}]}`,
			[]providers.Receipt{delivered("1", "")}, 8, providers.Submitted},
		"rows beside an error": {200, `{"status":"error","description":"busy","messages":[{"status":"delivered","smscId":"1"}]}`,
			[]providers.Receipt{delivered("1", "")}, 0, providers.Submitted},
		"rows at HTTP 500":           {500, `{"status":"ok","messages":[{"status":"delivered","smscId":"1"}]}`, []providers.Receipt{delivered("1", "")}, 0, providers.Submitted},
		"rows that break off":        {200, `{"status":"ok","messages":[{"status":"delivered","smscId":"1"},{"status":"deli`, []providers.Receipt{delivered("1", "")}, 1, providers.Submitted},
		"a row with a name twice":    {200, `{"status":"ok","messages":[{"status":"delivered","smscId":"1"},{"status":"queued","status":"delivered","smscId":"2"}]}`, []providers.Receipt{delivered("1", "")}, 1, providers.Submitted},
		"empty by status":            {200, `{"status":"queue is empty"}`, nil, 0, providers.Submitted},
		"empty by description":       {200, `{"status":"error","description":"Queue is empty."}`, nil, 0, providers.Submitted},
		"empty by both":              {200, `{"status":"queue is empty","description":"no messages"}`, nil, 0, providers.Submitted},
		"empty by a list":            {200, `{"status":"ok","messages":[]}`, nil, 0, providers.Submitted},
		"empty without a list":       {200, `{"status":"ok"}`, nil, 0, providers.Submitted},
		"empty in plain text":        {200, "queue is empty", nil, 0, providers.Submitted},
		"credentials":                {200, `{"status":"error","description":"error authorization"}`, nil, 0, providers.Unauthorized},
		"credentials beside a row":   {200, `{"status":"error","description":"error authorization","messages":[{}]}`, nil, 0, providers.Unauthorized},
		"queue name":                 {200, `{"status":"error","description":"invalid status queue name"}`, nil, 0, providers.Misconfigured},
		"plain text":                 {200, "method not found", nil, 0, providers.Misconfigured},
		"HTTP 429":                   {429, "", nil, 0, providers.Throttled},
		"HTTP 401":                   {401, "", nil, 0, providers.Unauthorized},
		"HTTP 500":                   {500, "", nil, 0, providers.Ambiguous},
		"a redirect with rows":       {302, `{"status":"ok","messages":[{"status":"delivered","smscId":"1"}]}`, nil, 0, providers.Misconfigured},
		"words about a message":      {200, `{"status":"error","description":"invalid mobile phone"}`, nil, 0, providers.Ambiguous},
		"success that isn't":         {200, `{"status":"accepted"}`, nil, 0, providers.Ambiguous},
		"no JSON":                    {200, "<html>queue</html>", nil, 0, providers.Ambiguous},
		"a list":                     {200, `[{"status":"delivered","smscId":"1"}]`, nil, 0, providers.Ambiguous},
		"nothing":                    {200, "", nil, 0, providers.Ambiguous},
		"an object that breaks off":  {200, `{"status":"ok"`, nil, 0, providers.Ambiguous},
		"a byte order mark in front": {200, "\xef\xbb\xbf" + `{"status":"ok","messages":[{"status":"delivered","smscId":"1"}]}`, []providers.Receipt{delivered("1", "")}, 0, providers.Submitted},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := asking(t, tc.status, tc.body)
			receipts, skipped, err := p.ReadReceipts(t.Context(), 10)
			if tc.refused != providers.Submitted {
				var refusal *providers.Refusal
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, tc.refused, refusal.Outcome)
				require.Empty(t, receipts)
				return
			}
			require.NoError(t, err)
			require.ElementsMatch(t, tc.receipts, receipts)
			require.Equal(t, tc.skipped, skipped)
		})
	}
}

func TestStatusReplies(t *testing.T) {
	sent := []providers.Sent{{ID: "1", Key: [32]byte{1}}, {ID: "2", Key: [32]byte{2}}}
	for name, tc := range map[string]struct {
		body string
		want map[string]string // status by id
	}{
		"as documented":     {`{"status":"ok","messages":[{"status":"delivered","smscId":"1","clientId":"` + id1 + `"},{"status":"smsc reject","smscId":2}]}`, map[string]string{"1": "delivered", "2": "smsc reject"}},
		"about one":         {`{"status":"ok","messages":[{"status":"queued","smscId":"2"}]}`, map[string]string{"2": "queued"}},
		"about others":      {`{"status":"ok","messages":[{"status":"delivered","smscId":"3"},{"status":"delivered","smscId":"1"}]}`, map[string]string{"1": "delivered"}},
		"mixed up":          {`{"status":"ok","messages":[{"status":"delivered","smscId":"1","clientId":"` + id2 + `"}]}`, map[string]string{}},
		"said twice":        {`{"status":"ok","messages":[{"status":"delivered","smscId":"1"},{"status":"delivered","smscId":"1"}]}`, map[string]string{"1": "delivered"}},
		"in contradiction":  {`{"status":"ok","messages":[{"status":"delivered","smscId":"1"},{"status":"queued","smscId":"1"},{"status":"queued","smscId":"2"}]}`, map[string]string{"2": "queued"}},
		"without any":       {`{"status":"ok","messages":null}`, map[string]string{}},
		"of a refused read": {`{"status":"error","messages":[{"status":"delivered","smscId":"1"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := asking(t, 200, tc.body)
			receipts, err := p.AskReceipts(t.Context(), sent)
			require.Equal(t, tc.want == nil, err != nil)
			got := map[string]string{}
			for _, r := range receipts {
				got[r.ID] = r.Status
				require.Equal(t, p.ClientID([32]byte{r.ID[0] - '0'}), r.ClientID)
			}
			require.Equal(t, len(tc.want), len(got))
			for id, status := range tc.want {
				require.Equal(t, status, got[id])
			}
		})
	}
}

func TestAskedAboutNobodyMakesNoRequest(t *testing.T) {
	p, last := asking(t, 200, `{"status":"ok"}`)
	receipts, err := p.AskReceipts(t.Context(), []providers.Sent{{}, {ID: "no id"}})
	require.NoError(t, err)
	require.Empty(t, receipts)
	r, _ := last()
	require.Nil(t, r)
}

// full is a reply of a whole read, with rows of the longest ids that the document allows.
func full() string {
	rows := make([]string, maxRead)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"status":"delivery error","smscId":"%072d","clientId":"%072d","smsCount":"10","msgCost":"23.50"}`, i, i)
	}
	return `{"status":"ok","messages":[` + strings.Join(rows, ",") + `]}`
}

func TestTheLongestReadIsReadWhole(t *testing.T) {
	require.Less(t, len(full()), providers.MaxBody/2)
	p, _ := asking(t, 200, full())
	receipts, skipped, err := p.ReadReceipts(t.Context(), maxRead)
	require.NoError(t, err)
	require.Zero(t, skipped)
	require.Len(t, receipts, maxRead)
}

func BenchmarkReadReceipts(b *testing.B) {
	p, _ := asking(b, 200, full())
	b.ReportAllocs()
	for b.Loop() {
		if receipts, _, err := p.ReadReceipts(b.Context(), maxRead); err != nil || len(receipts) != maxRead {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*maxRead)/b.Elapsed().Seconds(), "receipts/s")
}

// Whatever comes back: no panic, an answer or a refusal, and words that are fit to be kept.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"", "queue is empty", "{}", `{"status":"ok","messages":[{"status":"delivered","smscId":1,"clientId":"` + id1 + `"}]}`,
		`{"status":"ok","balance":[{"credit":0.0,"balance":"0.00","type":"RUB"},{"credit":1000000,"balance":-508784,"type":"SMS"}]}`,
		`{"status":"ok","balance":"0.00"}`, `{"status":"ok","senders":[{"status":"active","info":"","name":"MyBrand"}]}`, `{"status":"ok","version":"2"}`} {
		f.Add(200, []byte(seed))
		f.Add(500, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		p, _ := asking(t, status, string(body))
		receipts, skipped, err := p.ReadReceipts(t.Context(), 1000)
		require.GreaterOrEqual(t, skipped, 0)
		asked, askErr := p.AskReceipts(t.Context(), []providers.Sent{{ID: "1", Key: [32]byte{1}}})
		for _, r := range append(receipts, asked...) {
			require.NotEmpty(t, r.Status)
			require.NotEmpty(t, r.ID+r.ClientID)
			require.True(t, json.Valid(fmt.Appendf(nil, "%q", r.ID)))
		}
		_, balanceErr := p.Balance(t.Context())
		senders, sendersErr := p.Senders(t.Context())
		for _, s := range senders {
			require.NotEmpty(t, s.Name)
		}
		got, _, versionErr := p.Version(t.Context())
		require.Equal(t, versionErr != nil, got == "")
		for _, err := range []error{err, askErr, balanceErr, sendersErr, versionErr} {
			if err != nil {
				var refusal *providers.Refusal
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, providers.Redact(refusal.Message), refusal.Message)
				require.NotEmpty(t, refusal.Message)
			}
		}
	})
}
