package prostor

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// canned is a transport that gives everybody the same reply.
type canned struct {
	status int
	body   string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: c.status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Retry-After": {"30"}},
		Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}

func testProvider(t testing.TB, status int, body string) providers.Provider {
	t.Helper()
	p, err := (&Settings{Login: "login1", Password: "s3cret"}).Open(providers.Endpoint{
		URL: &url.URL{Scheme: "https", Host: "api.example"}, Timeout: 30 * time.Second, Client: &http.Client{Transport: canned{status, body}}})
	require.NoError(t, err)
	return p
}

// Replies to a packet of two messages, in the shapes of the document and in those that were seen beside it.
func TestReplies(t *testing.T) {
	rejected := func(c providers.Code, words string) providers.Result {
		return providers.Result{Outcome: providers.Rejected, Code: c, Message: words, Status: words}
	}
	unknown := func(words string) providers.Result {
		return providers.Result{Outcome: providers.Ambiguous, Code: providers.CodeAmbiguous, Message: words}
	}
	of := func(o providers.Outcome, words string) providers.Result {
		return providers.Result{Outcome: o, Code: o.Code(), Message: words}
	}
	withStatus := func(r providers.Result, id string) providers.Result {
		r.ID = id
		r.Status = r.Message
		return r
	}
	accepted := func(id string) providers.Result {
		return providers.Result{Outcome: providers.Submitted, Status: "accepted", ID: id}
	}
	noRow := unknown("the reply has no row for this message")
	rowOf := func(id, status string) string {
		return `{"clientId":"` + id + `","status":"` + status + `","smscId":"A1"}`
	}
	both := func(status string) string {
		return `{"status":"ok","messages":[` + rowOf(id1, status) + `,` + rowOf(id2, "accepted") + `]}`
	}
	for _, tc := range []struct {
		name          string
		status        int
		body          string
		first, second providers.Result
	}{
		{"as documented", 200,
			`{"status":"ok","balance":[],"messages":[{"status":"accepted","smscId":"12345","clientId":"` + id1 + `"},` +
				`{"status":"sender address invalid","smscId":"12346","clientId":"` + id2 + `"}]}`,
			accepted("12345"), withStatus(rejected(providers.InvalidSender, "sender address invalid"), "12346")},
		{"with billing", 200,
			`{"status":"ok","balance":[{"credit":0.0,"balance":"0.00","type":"RUB"},{"credit":1000000,"balance":-508784,"type":"SMS"}],"messages":[` +
				`{"status":"accepted","smscId":2592608030,"clientId":"` + id1 + `","smsCount":2,"msgCost":4.70},` +
				`{"status":"accepted","smscId":99999999999999999999,"clientId":"` + id2 + `","smsCount":"1","msgCost":"2,35"}]}`,
			providers.Result{Outcome: providers.Submitted, Status: "accepted", ID: "2592608030", Segments: 2, Cost: "4.70", Currency: "RUB"},
			providers.Result{Outcome: providers.Submitted, Status: "accepted", ID: "99999999999999999999", Segments: 1, Cost: "2.35", Currency: "RUB"}},
		{"odd types beside the verdict", 200,
			`{"status":"ok","balance":-508784,"messages":[{"status":"accepted","smscId":null,"clientId":"` + id1 + `","smsCount":[],"msgCost":{}},` +
				`{"status":"accepted","smscId":["1"],"clientId":"` + id2 + `","smsCount":null,"msgCost":false}]}`,
			accepted(""), accepted("")},
		{"Cyrillic ok, rows in reverse, ids in small letters", 200,
			`{"status":"ок","messages":[` + rowOf(strings.ToLower(id2), "invalid mobile phone") + `,` + rowOf(strings.ToLower(id1), "accepted") + `]}`,
			accepted("A1"), withStatus(rejected(providers.InvalidRecipient, "invalid mobile phone"), "A1")},
		{"byte order mark", 200, "\xef\xbb\xbf\r\n" + both("accepted"), accepted("A1"), accepted("A1")},
		{"the body counts, not the status", 500, both("accepted"), accepted("A1"), accepted("A1")},
		{"words in another encoding", 200, strings.Replace(both("accepted"), `{"status":"ok"`, "{\"info\":\"\xf1\xf7\xe5\xf2\",\"status\":\"ok\"", 1), accepted("A1"), accepted("A1")},
		{"an id that is none", 200, strings.Replace(both("accepted"), `"smscId":"A1"`, `"smscId":"<b>"`, 1), accepted(""), accepted("A1")},

		{"invalid mobile phone", 200, both("invalid mobile phone"), withStatus(rejected(providers.InvalidRecipient, "invalid mobile phone"), "A1"), accepted("A1")},
		{"text is empty", 200, both("Text is empty."), withStatus(rejected(providers.InvalidContent, "Text is empty."), "A1"), accepted("A1")},
		{"text must be string", 200, both("text must be string"), withStatus(rejected(providers.InvalidContent, "text must be string"), "A1"), accepted("A1")},
		{"wapurl invalid", 200, both("wapurl invalid"), withStatus(rejected(providers.InvalidContent, "wapurl invalid"), "A1"), accepted("A1")},
		{"invalid schedule time format", 200, both("invalid schedule time format"), withStatus(of(providers.Misconfigured, "invalid schedule time format"), "A1"), accepted("A1")},
		{"invalid status queue name", 200, both("invalid status queue name"), withStatus(of(providers.Misconfigured, "invalid status queue name"), "A1"), accepted("A1")},
		{"absent required param", 200, both("absent required param: text"), withStatus(of(providers.Misconfigured, "absent required param: text"), "A1"), accepted("A1")},
		{"not enough balance", 200, both("not enough balance"), withStatus(of(providers.InsufficientFunds, "not enough balance"), "A1"), accepted("A1")},
		{"not enough credits", 200, both("not enough credits"), withStatus(of(providers.InsufficientFunds, "not enough credits"), "A1"), accepted("A1")},
		{"error authorization", 200, both("error authorization"), withStatus(of(providers.Unauthorized, "error authorization"), "A1"), accepted("A1")},
		{"a status nobody knows", 200, both("s3cret said no to +7 (961) 224-22-43"), withStatus(unknown("****** said no to +***"), "A1"), accepted("A1")},
		{"almost accepted", 200, both("not accepted"), withStatus(unknown("not accepted"), "A1"), accepted("A1")},
		{"a state of delivery", 200, both("queued"), withStatus(unknown("queued"), "A1"), accepted("A1")},
		{"a row without status", 200, both(""), withStatus(unknown("no reason was given"), "A1"), accepted("A1")},

		{"a row is missing", 200, `{"status":"ok","messages":[` + rowOf(id2, "accepted") + `]}`, noRow, accepted("A1")},
		{"a row is there twice", 200, `{"status":"ok","messages":[` + rowOf(id1, "accepted") + `,` + rowOf(id2, "accepted") + `,` + rowOf(id1, "accepted") + `]}`,
			unknown("the reply has several rows for this message"), accepted("A1")},
		{"rows of strangers", 200, `{"status":"ok","messages":[` + rowOf("1", "accepted") + `,` + rowOf(id3, "accepted") + `]}`, noRow, noRow},
		{"rows without ids", 200, `{"status":"ok","messages":[{"status":"accepted"},{"status":"accepted"}]}`, noRow, noRow},
		{"rows that are none", 200, `{"status":"ok","messages":[null,"accepted",1,[` + rowOf(id1, "accepted") + `],` + rowOf(id2, "accepted") + `]}`, noRow, accepted("A1")},
		{"no rows", 200, `{"status":"ok","messages":[]}`, unknown("the packet was accepted, but the reply has no rows"), unknown("the packet was accepted, but the reply has no rows")},
		{"rows are no list", 200, `{"status":"ok","messages":"accepted"}`, unknown("the packet was accepted, but the reply has no rows"), unknown("the packet was accepted, but the reply has no rows")},
		{"accepted rows in a refused packet", 200, `{"status":"error","messages":[` + rowOf(id1, "accepted") + `,` + rowOf(id2, "text is empty") + `]}`,
			providers.Result{Outcome: providers.Ambiguous, Code: providers.CodeAmbiguous, Message: "the message's row is accepted, but the packet isn't", Status: "accepted", ID: "A1"},
			withStatus(rejected(providers.InvalidContent, "text is empty"), "A1")},
		{"OK in capitals is not exactly ok", 200, `{"status":"OK","messages":[` + rowOf(id1, "accepted") + `]}`,
			providers.Result{Outcome: providers.Ambiguous, Code: providers.CodeAmbiguous, Message: "the message's row is accepted, but the packet isn't", Status: "accepted", ID: "A1"}, noRow},

		{"packet: authorization", 200, `{"status":"error","description":"error authorization"}`, of(providers.Unauthorized, "error authorization"), of(providers.Unauthorized, "error authorization")},
		{"packet: authorization at 400", 400, `{"status":"error","description":"error authorization"}`, of(providers.Unauthorized, "error authorization"), of(providers.Unauthorized, "error authorization")},
		{"packet: balance at 500", 500, `{"status":"error","description":"Not enough balance."}`, of(providers.InsufficientFunds, "Not enough balance."), of(providers.InsufficientFunds, "Not enough balance.")},
		{"packet: parameter", 200, `{"status":"error","description":"absent required param: messages","messages":[]}`, of(providers.Misconfigured, "absent required param: messages"), of(providers.Misconfigured, "absent required param: messages")},
		{"packet: in the status itself", 200, `{"status":"not enough credits"}`, of(providers.InsufficientFunds, "not enough credits"), of(providers.InsufficientFunds, "not enough credits")},
		{"packet: unknown words", 200, `{"status":"error","description":"try <later>, login1"}`, unknown("try <later>, ******"), unknown("try <later>, ******")},
		{"packet: unknown words at 400", 400, `{"status":"error","description":"hm"}`, unknown("hm"), unknown("hm")},
		{"packet: unknown words at 401", 401, `{"status":"error","description":"hm"}`, of(providers.Unauthorized, "hm"), of(providers.Unauthorized, "hm")},
		{"packet: unknown words at 429", 429, `{"status":"error","description":"hm"}`,
			providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, Message: "hm", RetryAfter: 30 * time.Second},
			providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, Message: "hm", RetryAfter: 30 * time.Second}},
		{"packet: accepted, with no rows", 200, `{"status":"accepted"}`, unknown("accepted"), unknown("accepted")},
		{"packet: a text of ours", 200, `{"status":"error","description":"we don't like: text of the second"}`, unknown("we don't like: ******"), unknown("we don't like: ******")},

		{"plain: method not found", 200, "method not found", of(providers.Misconfigured, "method not found"), of(providers.Misconfigured, "method not found")},
		{"plain: authorization", 200, " error authorization\n", of(providers.Unauthorized, "error authorization"), of(providers.Unauthorized, "error authorization")},
		{"plain: accepted", 200, "accepted", unknown("HTTP 200: accepted"), unknown("HTTP 200: accepted")},
		{"plain: unknown", 404, "nothing here", of(providers.Misconfigured, "HTTP 404: nothing here"), of(providers.Misconfigured, "HTTP 404: nothing here")},
		{"nothing", 200, "", unknown("HTTP 200 without a body"), unknown("HTTP 200 without a body")},
		{"a page", 200, "<html>error authorization</html>", unknown("HTTP 200 with a body of 32 bytes that is not understood"), unknown("HTTP 200 with a body of 32 bytes that is not understood")},
		{"half a reply", 200, both("accepted")[:60], unknown("HTTP 200 with a body of 60 bytes that is not understood"), unknown("HTTP 200 with a body of 60 bytes that is not understood")},
		{"a list", 200, `[` + rowOf(id1, "accepted") + `]`, unknown("HTTP 200 with a body of 83 bytes that is not understood"), unknown("HTTP 200 with a body of 83 bytes that is not understood")},
		{"a name twice", 200, `{"status":"error","status":"ok"}`, unknown("HTTP 200 with a body of 32 bytes that is not understood"), unknown("HTTP 200 with a body of 32 bytes that is not understood")},
		{"a redirect that speaks", 302, both("accepted"), of(providers.Misconfigured, "HTTP 302: a redirect, which is not followed; set the account's url to where the API answers"),
			of(providers.Misconfigured, "HTTP 302: a redirect, which is not followed; set the account's url to where the API answers")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			results := testProvider(t, tc.status, tc.body).Send(t.Context(), []providers.Message{
				newMessage(1, "+71234567890", "text of the first"), newMessage(2, "+71234567891", "text of the second")})
			require.Equal(t, []providers.Result{tc.first, tc.second}, results)
		})
	}
}

// Whatever comes back: no panic, one clean result a message, and success only where the reply is a JSON object that says ok and has
// rows.
func FuzzReplies(f *testing.F) {
	for _, seed := range []string{"", "method not found", "{}", `{"status":"ok","messages":[{"status":"accepted","smscId":1,"clientId":"` + id1 + `"}]}`,
		`{"status":"error","description":"error authorization"}`, `{"status":"ок","messages":{}}`, `{"messages":[[]]}`, "\xef\xbb\xbf{}"} {
		f.Add(200, []byte(seed))
		f.Add(429, []byte(seed))
	}
	msgs := []providers.Message{newMessage(1, "+71234567890", "text of the first"), newMessage(2, "+71234567891", "text of the second")}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		results := testProvider(t, status, string(body)).Send(t.Context(), msgs)
		require.Len(t, results, len(msgs))
		for _, r := range results {
			require.Equal(t, r.Message, providers.Redact(r.Message))
			require.Equal(t, r.Outcome == providers.Submitted, r.Message == "")
			require.Equal(t, r.Outcome == providers.Submitted, r.Code == "")
			if r.Outcome == providers.Submitted {
				parsed, ok := parse(body, nil)
				require.True(t, ok)
				require.True(t, parsed.accepted())
				require.NotEmpty(t, parsed.Messages)
				require.Equal(t, statusAccepted, r.Status)
			}
		}
	})
}
