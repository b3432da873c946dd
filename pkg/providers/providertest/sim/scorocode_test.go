package sim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

const (
	applicationJSON = "application/json"
	pushPath        = "/api/v1/sendpush"
	smsPath         = "/api/v1/sendsms"

	scorocodeKeys = `"app":"a","cli":"c","acc":"k","sess":"s"`
	scorocodeSMS  = `{` + scorocodeKeys + `,"coll":"users","query":{"phone":{"$exists":true}},"msg":{"text":"SMS text"}}`
	scorocodePush = `{` + scorocodeKeys + `,"coll":"devices","query":{"userId":"u1"},"msg":{"data":{` +
		`"gcm":{"protocol":"http","notification":{"body":"great match!","icon":"myicon"},"data":{"key":"value"}},` +
		`"apns":{"id":"123e4567-e89b-12d3-a456-426655440000","topic":"com.sideshow.Apns2","collapseId":"my_collapse",` +
		`"expiration":"2026-01-02T15:04:05+03:00","priority":5,"aps":{"badge":5},"acme1":"bar","acme2":[null]}}}}`
)

func newScorocode(t *testing.T) *sim.Server {
	return start(t, sim.NewScorocode(sim.Scorocode{App: "a", ClientKey: "c", MessageKey: "k", MasterKey: "m", Session: "s",
		Collections: map[string][]map[string]string{
			"users":   {{"_id": "u1", "phone": "1"}, {"_id": "u2", "phone": "2"}, {"_id": "u3"}},
			"devices": {{"_id": "d1", "userId": "u1"}},
		}}))
}

func TestScorocodeTakesWhatTheDocumentShows(t *testing.T) {
	s := newScorocode(t)
	status, body := post(t, s, "POST", smsPath, applicationJSON, scorocodeSMS)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"error":false,"count":2}`, body)
	_, body = post(t, s, "POST", pushPath, applicationJSON, scorocodePush)
	require.JSONEq(t, `{"error":false,"count":1}`, body)
	_, body = post(t, s, "POST", smsPath, applicationJSON, strings.Replace(scorocodeSMS, `"query":{"phone":{"$exists":true}},`, "", 1))
	require.JSONEq(t, `{"error":false,"count":3}`, body, "without a query: everyone")
	require.Equal(t, 6, s.Messages())
	require.Equal(t, 2, s.Copies(sim.Copy{To: "u1", ID: `{"text":"SMS text"}`}), "nothing tells a repeat from another message")
	require.Empty(t, s.Violations())
}

func TestScorocodeIsAsStrictAsTheDocument(t *testing.T) {
	sms := func(from, to string) string { return replaced(t, scorocodeSMS, from, to) }
	push := func(from, to string) string { return replaced(t, scorocodePush, from, to) }
	for name, tc := range map[string]struct{ method, path, contentType, body string }{
		"GET":                        {"GET", smsPath, applicationJSON, scorocodeSMS},
		"another path":               {"POST", smsPath + "/", applicationJSON, scorocodeSMS},
		"another type":               {"POST", smsPath, textJSON, scorocodeSMS},
		"no JSON":                    {"POST", smsPath, applicationJSON, "{"},
		"an unknown field":           {"POST", smsPath, applicationJSON, sms(`"coll"`, `"collection":"users","coll"`)},
		"a field twice":              {"POST", smsPath, applicationJSON, sms(`"coll"`, `"coll":"users","coll"`)},
		"no app":                     {"POST", smsPath, applicationJSON, sms(`"app":"a",`, ``)},
		"an empty session":           {"POST", smsPath, applicationJSON, sms(`"sess":"s"`, `"sess":""`)},
		"no collection":              {"POST", smsPath, applicationJSON, sms(`"coll":"users",`, ``)},
		"sms to devices":             {"POST", smsPath, applicationJSON, sms(`"users"`, `"devices"`)},
		"an empty query":             {"POST", smsPath, applicationJSON, sms(`{"phone":{"$exists":true}}`, `{}`)},
		"a null query":               {"POST", smsPath, applicationJSON, sms(`{"phone":{"$exists":true}}`, `null`)},
		"a list for a query":         {"POST", smsPath, applicationJSON, sms(`{"phone":{"$exists":true}}`, `[]`)},
		"no text":                    {"POST", smsPath, applicationJSON, sms(`"text":"SMS text"`, ``)},
		"an empty text":              {"POST", smsPath, applicationJSON, sms(`"SMS text"`, `""`)},
		"a push by sms":              {"POST", smsPath, applicationJSON, sms(`"text":"SMS text"`, `"text":"x","data":{}`)},
		"an sms by push":             {"POST", pushPath, applicationJSON, scorocodeSMS},
		"nothing to push":            {"POST", pushPath, applicationJSON, `{` + scorocodeKeys + `,"coll":"devices","msg":{"data":{}}}`},
		"another protocol":           {"POST", pushPath, applicationJSON, push(`"http"`, `"HTTP"`)},
		"a gcm field nobody knows":   {"POST", pushPath, applicationJSON, push(`"protocol"`, `"priority":"high","protocol"`)},
		"a notification that's text": {"POST", pushPath, applicationJSON, push(`{"body":"great match!","icon":"myicon"}`, `"x"`)},
		"the document's broken UUID": {"POST", pushPath, applicationJSON, push(`426655440000`, `42665544000`)},
		"a UUID without dashes":      {"POST", pushPath, applicationJSON, push(`123e4567-e89b-12d3-a456-426655440000`, `123e4567e89b12d3a456426655440000`)},
		"an expiration in numbers":   {"POST", pushPath, applicationJSON, push(`"2026-01-02T15:04:05+03:00"`, `1767355445`)},
		"an expiration without zone": {"POST", pushPath, applicationJSON, push(`15:04:05+03:00`, `15:04:05`)},
		"priority 7":                 {"POST", pushPath, applicationJSON, push(`"priority":5`, `"priority":7`)},
		"priority in quotes":         {"POST", pushPath, applicationJSON, push(`"priority":5`, `"priority":"5"`)},
		"a topic that is none":       {"POST", pushPath, applicationJSON, push(`"com.sideshow.Apns2"`, `7`)},
		"aps as text":                {"POST", pushPath, applicationJSON, push(`{"badge":5}`, `"x"`)},
		"a custom key twice":         {"POST", pushPath, applicationJSON, push(`"acme1"`, `"acme2":1,"acme1"`)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScorocode(t)
			status, body := post(t, s, tc.method, tc.path, tc.contentType, tc.body)
			require.GreaterOrEqual(t, status, 400)
			require.Contains(t, body, `"error":true`)
			require.Len(t, s.Violations(), 1)
			require.Zero(t, s.Messages())
		})
	}
}

func replaced(t *testing.T, in, from, to string) string {
	t.Helper()
	out := strings.Replace(in, from, to, 1)
	require.NotEqual(t, in, out)
	return out
}

func TestScorocodeErrors(t *testing.T) {
	s := newScorocode(t)
	for name, tc := range map[string]struct {
		verdict, from, to string
		status            int
		want              string
	}{
		"another client key":      {"", `"cli":"c"`, `"cli":"x"`, 401, `{"error":true,"errCode":401,"errMsg":"Invalid application or client key"}`},
		"another access key":      {"", `"acc":"k"`, `"acc":"x"`, 401, `{"error":true,"errCode":401,"errMsg":"Invalid access key"}`},
		"another session":         {"", `"sess":"s"`, `"sess":"x"`, 401, `{"error":true,"errCode":401,"errMsg":"Invalid session"}`},
		"no session":              {"", `,"sess":"s"`, ``, 401, `{"error":true,"errCode":401,"errMsg":"Invalid session"}`},
		"the master key needs no": {"", `"acc":"k","sess":"s"`, `"acc":"m"`, 200, `{"error":false,"count":2}`},
		"nobody":                  {"", `"$exists":true`, `"$eq":"3"`, 200, `{"error":false,"count":0}`},
		"all but one":             {"", `"$exists":true`, `"$ne":"1"`, 200, `{"error":false,"count":2}`},
		"a bad operator":          {"", `"$exists":true`, `"$gt":"3"`, 400, `{"error":true,"errCode":400,"errMsg":"Invalid query: phone: \"$gt\" is no operator; known are $exists, $eq, $ne and $in"}`},
		"scripted":                {"402 Payment required", `SMS text`, `text`, 402, `{"error":true,"errCode":402,"errMsg":"Payment required"}`},
		"scripted without a code": {"Bad luck", `SMS text`, `text`, 400, `{"error":true,"errCode":400,"errMsg":"Bad luck"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.Verdict("u1", tc.verdict)
			status, body := post(t, s, "POST", smsPath, applicationJSON, replaced(t, scorocodeSMS, tc.from, tc.to))
			require.Equal(t, tc.status, status)
			require.JSONEq(t, tc.want, body)
		})
	}
	require.Empty(t, s.Violations())
}

func TestScorocodeWithoutCollectionsCounts(t *testing.T) {
	s := start(t, sim.NewScorocode(sim.Scorocode{App: "a", ClientKey: "c", MessageKey: "k", Session: "s", Count: 3}))
	_, body := post(t, s, "POST", smsPath, applicationJSON, scorocodeSMS)
	require.JSONEq(t, `{"error":false,"count":3}`, body)
	_, body = post(t, s, "POST", smsPath, applicationJSON, replaced(t, scorocodeSMS, `"query":{"phone":{"$exists":true}},`, ""))
	require.JSONEq(t, `{"error":false,"count":3}`, body)
	require.Equal(t, map[sim.Copy]int{
		{To: `{"phone":{"$exists":true}}`, ID: `{"text":"SMS text"}`}: 1,
		{To: "everyone", ID: `{"text":"SMS text"}`}:                   1,
	}, s.All())
}
