package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// post sends a request to a simulator as no provider would.
func post(t *testing.T, s *sim.Server, method, path, contentType, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL().String()+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func start(t *testing.T, s *sim.Server) *sim.Server {
	t.Helper()
	require.NoError(t, s.Start("127.0.0.1:0"))
	t.Cleanup(s.Close)
	return s
}

const (
	textJSON    = "text/json; charset=utf-8"
	mysmppPhone = `{"phone":"79612242243","client_id_sms":"101","validity_period":"2026-11-22 15:00:01"}`
	mysmppGroup = `{"type_send_1":"sms","sender":"Shop","text":"hi","phones":[` + mysmppPhone + `]}`
	mysmppGood  = `{"token":"t0ken","message":[` + mysmppGroup + `]}`
)

func newMySMPP(t *testing.T) *sim.Server { return newMySMPPServer(t).Server }

func newMySMPPServer(t *testing.T) *sim.MySMPPServer {
	m := sim.NewMySMPP(sim.MySMPP{Login: "shop", Password: "pw", Token: "t0ken",
		Now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }})
	start(t, m.Server)
	return m
}

func TestMySMPPTakesWhatTheDocumentShows(t *testing.T) {
	s := newMySMPP(t)
	for _, auth := range []string{`"token":"t0ken"`, `"login":"shop","password":"pw"`} {
		status, body := post(t, s, "POST", "/json", textJSON, strings.Replace(mysmppGood, `"token":"t0ken"`, auth, 1))
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"information":[{"state":"send","id_sms":"2592608030"}]}`, body, "a repeat gets the id of the first")
	}
	require.Equal(t, 2, s.Requests())
	require.Equal(t, map[sim.Copy]int{{To: "79612242243", ID: "101"}: 1}, s.All(), "a repeat reaches nobody")
	require.Empty(t, s.Violations())

	_, body := post(t, s, "POST", "/json", textJSON, strings.ReplaceAll(mysmppGood, "101", "102"))
	require.JSONEq(t, `{"information":[{"state":"send","id_sms":2592608031}]}`, body, "another id is another message; ids come as numbers too")
}

func TestMySMPPIsAsStrictAsTheDocument(t *testing.T) {
	change := func(from, to string) string {
		changed := strings.Replace(mysmppGood, from, to, 1)
		require.NotEqual(t, mysmppGood, changed)
		return changed
	}
	for name, tc := range map[string]struct{ method, path, contentType, body string }{
		"GET":                    {"GET", "/json", textJSON, mysmppGood},
		"another path":           {"POST", "/json/", textJSON, mysmppGood},
		"a query":                {"POST", "/json?x=1", textJSON, mysmppGood},
		"no body":                {"POST", "/json", textJSON, ""},
		"application/json":       {"POST", "/json", "application/json; charset=utf-8", mysmppGood},
		"no charset":             {"POST", "/json", "text/json", mysmppGood},
		"another charset":        {"POST", "/json", "text/json; charset=cp1251", mysmppGood},
		"no JSON":                {"POST", "/json", textJSON, "login=shop"},
		"two values":             {"POST", "/json", textJSON, mysmppGood + "{}"},
		"both ways to log in":    {"POST", "/json", textJSON, change(`{"token"`, `{"login":"shop","password":"pw","token"`)},
		"no way to log in":       {"POST", "/json", textJSON, change(`"token":"t0ken",`, ``)},
		"half a login":           {"POST", "/json", textJSON, change(`"token":"t0ken"`, `"login":"shop"`)},
		"null":                   {"POST", "/json", textJSON, change(`{"token"`, `{"login":null,"token"`)},
		"an unknown field":       {"POST", "/json", textJSON, change(`{"token"`, `{"tokens":"","token"`)},
		"another case":           {"POST", "/json", textJSON, change(`"sender"`, `"Sender"`)},
		"a field twice":          {"POST", "/json", textJSON, change(`{"token"`, `{"token":"x","token"`)},
		"no messages":            {"POST", "/json", textJSON, change(mysmppGroup, ``)},
		"another type":           {"POST", "/json", textJSON, change(`"sms","sender"`, `"SMS","sender"`)},
		"no sender":              {"POST", "/json", textJSON, change(`"sender":"Shop",`, ``)},
		"an empty sender":        {"POST", "/json", textJSON, change(`"Shop"`, `""`)},
		"no text":                {"POST", "/json", textJSON, change(`"text":"hi",`, ``)},
		"a text of another type": {"POST", "/json", textJSON, change(`"hi"`, `7`)},
		"no phones":              {"POST", "/json", textJSON, change(mysmppPhone, ``)},
		"no phone":               {"POST", "/json", textJSON, change(`"phone":"79612242243",`, ``)},
		"a plus":                 {"POST", "/json", textJSON, change(`"79612242243"`, `"+79612242243"`)},
		"a bare phone":           {"POST", "/json", textJSON, change(`"79612242243"`, `79612242243`)},
		"an id of letters":       {"POST", "/json", textJSON, change(`"101"`, `"a1"`)},
		"an id of 19 digits":     {"POST", "/json", textJSON, change(`"101"`, `"1234567890123456789"`)},
		"an RFC 3339 validity":   {"POST", "/json", textJSON, change(`2026-11-22 15:00:01`, `2026-11-22T15:00:01Z`)},
		"a validity in the past": {"POST", "/json", textJSON, change(`15:00:01`, `14:59:59`)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySMPP(t)
			status, body := post(t, s, tc.method, tc.path, tc.contentType, tc.body)
			require.GreaterOrEqual(t, status, 400)
			require.NotContains(t, body, "information")
			require.Len(t, s.Violations(), 1)
			require.Zero(t, s.Messages())
		})
	}
}

// What the document refuses one message for is no breach of it, and keeps nobody else from getting theirs.
func TestMySMPPRefusesOneByOne(t *testing.T) {
	s := newMySMPP(t)
	s.Verdict("+7 (961) 224-22-49", "Номер телефона присутствует в стоп-листе")
	group := func(sender, text, phone string) string {
		return fmt.Sprintf(`{"type_send_1":"sms","sender":%q,"text":%q,"phones":[{"phone":%q}]}`, sender, text, phone)
	}
	status, body := post(t, s, "POST", "/json", textJSON, `{"token":"t0ken","message":[`+strings.Join([]string{
		group("Shop", "hi", "79612242240"),
		group("TwelveLetter", "hi", "79612242241"),
		group("1234567890123456", "hi", "79612242242"),
		group("123456789012345", "hi", "79612242243"),
		group("Shop", "", "79612242244"),
		group("Shop", "hi", "123456789012345"),
		group("Shop", "hi", "79612242249"),
	}, ",")+`]}`)
	require.Equal(t, 200, status)
	const long = "Отправитель не должен превышать 15 символов для цифровых номеров и 11 символов для буквенно-числовых"
	require.JSONEq(t, `{"information":[{"state":"send","id_sms":"2592608030"},{"error":"`+long+`"},{"error":"`+long+`"},{"state":"send","id_sms":2592608031},
		{"error":"Нет текста сообщения"},{"error":"Номер телефона должен быть меньше 15 символов"},{"error":"Номер телефона присутствует в стоп-листе"}]}`, body)
	require.Equal(t, map[sim.Copy]int{{To: "79612242240", ID: "2592608030"}: 1, {To: "79612242243", ID: "2592608031"}: 1}, s.All())
	require.Empty(t, s.Violations())
}

func TestMySMPPKnowsItsAccount(t *testing.T) {
	s := newMySMPP(t)
	for _, auth := range []string{`"token":"other"`, `"login":"shop","password":"other"`, `"token":""`} {
		status, body := post(t, s, "POST", "/json", textJSON, strings.Replace(mysmppGood, `"token":"t0ken"`, auth, 1))
		require.Equal(t, 400, status)
		require.JSONEq(t, `{"error":"Неправильный логин или пароль"}`, body)
	}
	require.Zero(t, s.Messages())
	require.Empty(t, s.Violations())
}

func TestMySMPPHoldsWhatWaitsForMoney(t *testing.T) {
	s := newMySMPP(t)
	s.Verdict("79612242243", "Недостаточно средств. SMS будет отправлена, как только будут деньги")
	_, body := post(t, s, "POST", "/json", textJSON, mysmppGood)
	require.Contains(t, body, "Недостаточно средств")
	s.Verdict("79612242243", "")
	_, body = post(t, s, "POST", "/json", textJSON, mysmppGood)
	require.JSONEq(t, `{"information":[{"state":"send","id_sms":"2592608030"}]}`, body)
	require.Equal(t, 1, s.Copies(sim.Copy{To: "79612242243", ID: "101"}), "it is sent once, when there is money")
}
