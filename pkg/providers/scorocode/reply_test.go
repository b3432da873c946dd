package scorocode

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

func answered(status int, body string) providers.Reply {
	return providers.Reply{Fate: providers.Answered, Status: status, Body: []byte(body), RetryAfter: 9 * time.Second}
}

func verdict(o providers.Outcome, c providers.Code, words string) providers.Result {
	return providers.Result{Outcome: o, Code: c, Message: words}
}

// A body that says something decides, whatever the HTTP status.
func TestReplies(t *testing.T) {
	ambiguous := func(words string) providers.Result {
		return verdict(providers.Ambiguous, providers.CodeAmbiguous, words)
	}
	rejected := func(words string) providers.Result {
		return verdict(providers.Rejected, providers.InvalidContent, words)
	}
	for name, tc := range map[string]struct {
		body string
		want providers.Result
	}{
		"taken":                   {`{"count":12,"error":false}`, providers.Result{Outcome: providers.Submitted, Recipients: 12}},
		"taken by many":           {`{"count":3000000,"error":false}`, providers.Result{Outcome: providers.Submitted, Recipients: 3000000}},
		"all as text":             {`{"count":"12","error":"false"}`, providers.Result{Outcome: providers.Submitted, Recipients: 12}},
		"fields nobody knows":     {`{"count":1,"error":false,"errCode":"","errMsg":null,"x":{}}`, providers.Result{Outcome: providers.Submitted, Recipients: 1}},
		"nobody":                  {`{"count":0,"error":false}`, verdict(providers.Rejected, providers.NoRecipients, "the query finds nobody")},
		"no count":                {`{"error":false}`, ambiguous("no error, but no count of recipients either")},
		"a count below zero":      {`{"count":-1,"error":false}`, ambiguous("no error, but no count of recipients either")},
		"a count that is none":    {`{"count":1.5,"error":false}`, ambiguous("no error, but no count of recipients either")},
		"a count beyond numbers":  {`{"count":99999999999999999999,"error":false}`, ambiguous("no error, but no count of recipients either")},
		"no error, but a message": {`{"count":1,"error":false,"errCode":500,"errMsg":"Oh"}`, ambiguous("no error, but: Oh")},
		"401":                     {`{"error":true,"errCode":401,"errMsg":"Invalid session"}`, verdict(providers.Unauthorized, providers.CodeUnauthorized, "Invalid session")},
		"402":                     {`{"error":true,"errCode":402,"errMsg":"Pay"}`, verdict(providers.InsufficientFunds, providers.CodeInsufficientFunds, "Pay")},
		"402 as text":             {`{"error":"true","errCode":"402","errMsg":"Pay"}`, verdict(providers.InsufficientFunds, providers.CodeInsufficientFunds, "Pay")},
		"403":                     {`{"error":true,"errCode":"403","errMsg":"No"}`, verdict(providers.Unauthorized, providers.CodeUnauthorized, "No")},
		"404":                     {`{"error":true,"errCode":404,"errMsg":"Not found"}`, rejected("Not found")},
		"408":                     {`{"error":true,"errCode":408,"errMsg":"Timeout"}`, ambiguous("Timeout")},
		"412":                     {`{"error":true,"errCode":412,"errMsg":"Bad query"}`, rejected("Bad query")},
		"another 4xx":             {`{"error":true,"errCode":"422","errMsg":"Bad apns"}`, rejected("Bad apns")},
		"a collection that isn't": {`{"error":true,"errCode":404,"errMsg":"Invalid collection name"}`, verdict(providers.Misconfigured, providers.CodeMisconfigured, "Invalid collection name")},
		"429": {`{"error":true,"errCode":429,"errMsg":"Slow down"}`,
			providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, Message: "Slow down", RetryAfter: 9 * time.Second}},
		"500":                 {`{"error":true,"errCode":500,"errMsg":"Oh"}`, ambiguous("Oh")},
		"503 as text":         {`{"error":true,"errCode":"503","errMsg":"Invalid collection, or so"}`, ambiguous("Invalid collection, or so")},
		"no words":            {`{"error":true,"errCode":404}`, rejected("no reason was given")},
		"the phone, the text": {`{"error":true,"errCode":404,"errMsg":"+7 961 224-22-43 with k3y: Match begins"}`, rejected("+*** with ******: ******")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{200, 400, 401, 402, 404, 412, 429, 500} {
				require.Equal(t, tc.want, interpret(answered(status, tc.body), []providers.Secret{"k3y", "Match begins"}), "HTTP %d", status)
			}
		})
	}
}

// Where the body says nothing, the HTTP status decides.
func TestStatuses(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		want   providers.Outcome
		code   providers.Code
	}{
		{200, ``, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{}`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{"count":5}`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{"error":null,"count":5}`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{"error":true}`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{"error":true,"errCode":"4XX","errMsg":"?"}`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{"error":true,"errCode":200,"errMsg":"?"}`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `{"error":false,"count":5`, providers.Ambiguous, providers.CodeAmbiguous},
		{200, `<html>`, providers.Ambiguous, providers.CodeAmbiguous},
		{302, `{"error":false,"count":5}`, providers.Misconfigured, providers.CodeMisconfigured},
		{401, `{"error":true}`, providers.Unauthorized, providers.CodeUnauthorized},
		{402, `{"error":true,"errCode":0}`, providers.InsufficientFunds, providers.CodeInsufficientFunds},
		{404, `{"error":true}`, providers.Rejected, providers.InvalidContent},
		{404, `<html>`, providers.Misconfigured, providers.CodeMisconfigured},
		{429, ``, providers.Throttled, providers.CodeThrottled},
		{500, `{"error":true}`, providers.Ambiguous, providers.CodeAmbiguous},
		{503, `busy`, providers.Ambiguous, providers.CodeAmbiguous},
	} {
		t.Run(fmt.Sprint(tc.status, tc.body), func(t *testing.T) {
			got := interpret(answered(tc.status, tc.body), nil)
			require.Equal(t, tc.want, got.Outcome)
			require.Equal(t, tc.code, got.Code)
			require.NotEmpty(t, got.Message)
		})
	}
}

func TestNoReply(t *testing.T) {
	require.Equal(t, providers.Unavailable, interpret(providers.Reply{Fate: providers.NotSent}, nil).Outcome)
	require.Equal(t, providers.Ambiguous, interpret(providers.Reply{Fate: providers.MaybeSent, Status: 200}, nil).Outcome)
}

// What a message says, and to whom, is hidden wherever it stands in push, query and text.
func TestHidden(t *testing.T) {
	p := &provider{settings: *settings}
	got := p.hidden(providers.Message{Text: "words", GCM: []byte(`{"notification":{"title":"Match begins","x":"abc"}}`),
		APNS: []byte(`{"aps":{"alert":["one two"]}}`), Audience: &providers.Audience{Query: []byte(`{"mail":"a@b.example"}`)}})
	require.ElementsMatch(t, []providers.Secret{settings.ClientKey, settings.AccessKey, settings.Session, "words", "Match begins", "one two", "a@b.example"}, got)
}

// Whatever comes back, the result is complete, submitted only with recipients, and nothing secret is told.
func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"count":12,"error":false}`, `{"error":true,"errCode":"402","errMsg":"k3y"}`, `{"error":"true","errCode":[]}`, `{"count":1e3,"error":false}`, `[]`} {
		f.Add(200, []byte(s))
		f.Add(404, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := interpret(providers.Reply{Fate: providers.Answered, Status: status, Body: body}, []providers.Secret{"k3y", "Match begins"})
		if r.Outcome == providers.Submitted {
			require.Positive(t, r.Recipients)
			require.Empty(t, r.Code)
			return
		}
		require.NotEmpty(t, r.Code)
		require.NotEmpty(t, r.Message)
		require.NotContains(t, r.Message, "k3y")
		require.NotContains(t, r.Message, "Match begins")
	})
}
