package mysmpp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

var testReader = reader{meanings: dictionary(), repeats: repeats(), states: states(), secrets: []providers.Secret{"shop-login", "s3cret"}}

func answered(status int, body string) providers.Reply {
	return providers.Reply{Fate: providers.Answered, Status: status, Body: []byte(body)}
}

func messages(n int) []providers.Message {
	msgs := make([]providers.Message, n)
	for i := range msgs {
		msgs[i] = providers.Message{Channel: providers.SMS, To: "+79612242243", Sender: "Shop", Text: "Your parcel is here"}
	}
	return msgs
}

// One row, whatever the HTTP status says.
func TestRows(t *testing.T) {
	ambiguous := func(words, id, status string) providers.Result {
		return providers.Result{Outcome: providers.Ambiguous, Code: providers.CodeAmbiguous, Message: words, ID: id, Status: status}
	}
	for name, tc := range map[string]struct {
		row  string
		want providers.Result
	}{
		"taken, id as a string":    {`{"state":"send","id_sms":"2592608030"}`, providers.Result{Outcome: providers.Submitted, ID: "2592608030", Status: "send"}},
		"taken, id as a number":    {`{"state":"send","id_sms":2592608030}`, providers.Result{Outcome: providers.Submitted, ID: "2592608030", Status: "send"}},
		"id beyond a float":        {`{"state":"send","id_sms":12345678901234567891}`, providers.Result{Outcome: providers.Submitted, ID: "12345678901234567891", Status: "send"}},
		"empty error":              {`{"state":"send","id_sms":"1","error":""}`, providers.Result{Outcome: providers.Submitted, ID: "1", Status: "send"}},
		"null error":               {`{"state":"send","id_sms":"1","error":null}`, providers.Result{Outcome: providers.Submitted, ID: "1", Status: "send"}},
		"fields nobody knows":      {`{"state":"Send ","id_sms":" 1 ","parts":2,"x":{"y":[]}}`, providers.Result{Outcome: providers.Submitted, ID: "1", Status: "send"}},
		"a repeat, delivered":      {`{"state":"deliver","id_sms":"7"}`, providers.Result{Outcome: providers.Submitted, ID: "7", Status: "deliver"}},
		"a repeat, in words":       {`{"error":"Данное сообщение уже было отправлено.","id_sms":7}`, providers.Result{Outcome: providers.Submitted, ID: "7"}},
		"a repeat without its id":  {`{"error":"Данное сообщение уже было отправлено"}`, ambiguous("Данное сообщение уже было отправлено", "", "")},
		"taken without an id":      {`{"state":"send"}`, ambiguous("state send without an id", "", "send")},
		"id is zero":               {`{"state":"send","id_sms":0}`, ambiguous("state send without an id", "", "send")},
		"id is null":               {`{"state":"send","id_sms":null}`, ambiguous("state send without an id", "", "send")},
		"id is text":               {`{"state":"send","id_sms":"SMS ID"}`, ambiguous("state send without an id", "", "send")},
		"taken, but refused":       {`{"state":"send","id_sms":"9","error":"Нет отправителя"}`, ambiguous("Нет отправителя", "9", "send")},
		"taken, but what?":         {`{"state":"send","id_sms":"9","error":"Something"}`, ambiguous("Something", "9", "send")},
		"a state nobody knows":     {`{"state":"queued","id_sms":"9"}`, ambiguous("queued", "9", "queued")},
		"an id alone":              {`{"id_sms":"9"}`, ambiguous("neither a known state nor an error", "9", "")},
		"nothing":                  {`{}`, ambiguous("neither a known state nor an error", "", "")},
		"null":                     {`null`, ambiguous("neither a known state nor an error", "", "")},
		"words nobody can read":    {`{"error":"\u0000"}`, ambiguous("no reason was given", "", "")},
		"an error that is no text": {`{"error":{"code":1}}`, ambiguous("neither a known state nor an error", "", "")},
		"unknown words with a phone": {`{"error":"79612242243 of shop-login: Your parcel is here?"}`,
			ambiguous("*** of ******: ******?", "", "")},
		"waiting for money": {`{"state":"send","id_sms":"9","error":"Недостаточно средств, SMS будет отправлена, как только вы заплатите"}`,
			providers.Result{Outcome: providers.Stalled, Code: providers.CodeInsufficientFunds, ID: "9", Status: "send",
				Message: "Недостаточно средств, SMS будет отправлена, как только вы заплатите"}},
		"refused": {`{"error":"Такого отправителя нет."}`,
			providers.Result{Outcome: providers.Rejected, Code: providers.InvalidSender, Message: "Такого отправителя нет."}},
		"refused with the words as the state": {`{"state":"Нет ссылки"}`,
			providers.Result{Outcome: providers.Rejected, Code: providers.InvalidContent, Message: "Нет ссылки", Status: "нет ссылки"}},
		"refused with an empty id": {`{"state":"","id_sms":"","error":"Out of SMS"}`,
			providers.Result{Outcome: providers.InsufficientFunds, Code: providers.CodeInsufficientFunds, Message: "Out of SMS"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{200, 400, 401, 402, 429, 500} {
				got := testReader.results(answered(status, `{"information":[`+tc.row+`]}`), messages(1))
				require.Equal(t, []providers.Result{tc.want}, got, "HTTP %d", status)
			}
		})
	}
}

func TestEveryWordingOfRowAndPacket(t *testing.T) {
	for _, tc := range wordings {
		t.Run(tc.text, func(t *testing.T) {
			for _, body := range []string{`{"information":[{"error":"` + tc.text + `"}]}`, `{"error":"` + tc.text + `"}`} {
				got := testReader.results(answered(200, body), messages(1))[0]
				require.Equal(t, tc.outcome, got.Outcome, body)
				require.Equal(t, tc.code, got.Code, body)
			}
		})
	}
}

func TestRowsKeepTheirOrder(t *testing.T) {
	got := testReader.results(answered(200, `{"information":[{"state":"send","id_sms":1},{"error":"Нет текста сообщения"},{"state":"send","id_sms":"3"}]}`), messages(3))
	require.Equal(t, []string{"1", "", "3"}, []string{got[0].ID, got[1].ID, got[2].ID})
	require.Equal(t, providers.InvalidContent, got[1].Code)
}

// What is said of the packet, or can't be matched to its phones, is said of every message.
func TestPackets(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		body    string
		n       int
		outcome providers.Outcome
		words   string
	}{
		"login":                          {400, `{"error":"Неправильный логин или пароль"}`, 2, providers.Unauthorized, "Неправильный логин или пароль"},
		"login with 200":                 {200, `{"error":"Incorrect login or password"}`, 2, providers.Unauthorized, "Incorrect login or password"},
		"our fault":                      {400, `{"error":"Incorrect JSON document format"}`, 2, providers.Misconfigured, "Incorrect JSON document format"},
		"no money, told at the top":      {200, `{"error":"Закончились SMS","information":[]}`, 2, providers.InsufficientFunds, "Закончились SMS"},
		"one message's fault, of one":    {400, `{"error":"Нет отправителя"}`, 1, providers.Rejected, "Нет отправителя"},
		"one message's fault, of two":    {400, `{"error":"Нет отправителя"}`, 2, providers.Ambiguous, "Нет отправителя"},
		"one destination, of two":        {400, `{"error":"Данное направление закрыто"}`, 2, providers.Ambiguous, "Данное направление закрыто"},
		"unknown words":                  {400, `{"error":"Профилактика"}`, 2, providers.Ambiguous, "Профилактика"},
		"unknown words with 401":         {401, `{"error":"Токен отозван"}`, 2, providers.Unauthorized, "Токен отозван"},
		"unknown words with 402":         {402, `{"error":"Оплатите"}`, 2, providers.InsufficientFunds, "Оплатите"},
		"unknown words with 500":         {500, `{"error":"Ой"}`, 2, providers.Ambiguous, "Ой"},
		"known words with 500":           {500, `{"error":"Account blocked"}`, 2, providers.Unauthorized, "Account blocked"},
		"too few rows":                   {200, `{"information":[{"state":"send","id_sms":1}]}`, 2, providers.Ambiguous, "the reply has 1 rows for 2 phones"},
		"too many rows":                  {200, `{"information":[{"state":"send","id_sms":1},{"error":"No sender"}]}`, 1, providers.Ambiguous, "the reply has 2 rows for 1 phones"},
		"no rows":                        {200, `{"information":[]}`, 1, providers.Ambiguous, "the reply has 0 rows for 1 phones"},
		"too few rows, and an error":     {400, `{"error":"Out of SMS","information":[{"state":"send","id_sms":1}]}`, 2, providers.Ambiguous, "the reply has 1 rows for 2 phones"},
		"an error that is empty":         {200, `{"error":""}`, 2, providers.Ambiguous, "HTTP 200 with a body of 12 bytes that is not understood"},
		"an object for the list":         {200, `{"information":{"0":{"state":"send"}}}`, 1, providers.Ambiguous, "HTTP 200 with a body of 38 bytes that is not understood"},
		"a broken list":                  {200, `{"information":[{"state":"send","id_sms":1},`, 1, providers.Ambiguous, "HTTP 200 with a body of 44 bytes that is not understood"},
		"text":                           {200, `method not found`, 1, providers.Ambiguous, "HTTP 200: method not found"},
		"a page":                         {502, `<html>`, 1, providers.Ambiguous, "HTTP 502 with a body of 6 bytes that is not understood"},
		"nothing":                        {200, ``, 1, providers.Ambiguous, "HTTP 200 without a body"},
		"a path that isn't":              {404, `<html>`, 1, providers.Misconfigured, "HTTP 404 with a body of 6 bytes that is not understood"},
		"a redirect that looks like yes": {302, `{"information":[{"state":"send","id_sms":1}]}`, 1, providers.Misconfigured, "HTTP 302: a redirect, which is not followed; set the account's url to where the API answers"},
	} {
		t.Run(name, func(t *testing.T) {
			got := testReader.results(answered(tc.status, tc.body), messages(tc.n))
			require.Len(t, got, tc.n)
			for _, r := range got {
				require.Equal(t, tc.outcome, r.Outcome)
				require.Equal(t, tc.words, r.Message)
				require.Empty(t, r.ID)
			}
		})
	}
}

// A packet's error may repeat the text of any message; no message's result tells it.
func TestPacketErrorTellsNobodysText(t *testing.T) {
	msgs := messages(3)
	msgs[0].Text, msgs[2].Text = "first text", "third text"
	for _, body := range []string{`{"error":"no: third text, first text"}`, "no: third text, first text"} {
		for _, r := range testReader.results(answered(200, body), msgs) {
			require.Contains(t, r.Message, "no: ******, ******")
		}
	}
}

func TestUnknownWordsWith429(t *testing.T) {
	r := answered(429, `{"error":"Помедленнее"}`)
	r.RetryAfter = 9 * time.Second
	require.Equal(t, providers.Result{Outcome: providers.Throttled, Code: providers.CodeThrottled, Message: "Помедленнее", RetryAfter: 9 * time.Second},
		testReader.results(r, messages(1))[0])
}

func TestNoReply(t *testing.T) {
	for fate, want := range map[providers.Fate]providers.Outcome{providers.NotSent: providers.Unavailable, providers.MaybeSent: providers.Ambiguous} {
		require.Equal(t, want, testReader.results(providers.Reply{Fate: fate}, messages(1))[0].Outcome)
	}
}

// Whatever comes back, each message has a complete result; it is submitted only with an id, and nothing secret is told.
func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"information":[{"state":"send","id_sms":"1"},{"error":"No sender"}]}`, `{"error":"Out of SMS"}`, `{"information":[null,{}]}`,
		`{"information":[{"state":"send","id_sms":1e3},{"id_sms":-1,"state":"send"}]}`, `[]`, `{"error":"s3cret Your parcel is here"}`} {
		f.Add(200, []byte(s))
		f.Add(400, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		msgs := messages(2)
		got := testReader.results(providers.Reply{Fate: providers.Answered, Status: status, Body: body}, msgs)
		require.Len(t, got, len(msgs))
		for _, r := range got {
			if r.Outcome == providers.Submitted {
				require.Regexp(t, `^[0-9]{1,32}$`, r.ID)
				require.Empty(t, r.Code)
				continue
			}
			require.NotEmpty(t, r.Code)
			require.NotEmpty(t, r.Message)
			for _, secret := range []string{"s3cret", "shop-login", "79612242243", msgs[0].Text} {
				require.NotContains(t, r.Message+" "+r.Status, secret)
			}
		}
	})
}
