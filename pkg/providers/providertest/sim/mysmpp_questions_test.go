package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

const (
	statePath   = "/json/state.php"
	balancePath = "/json/balance.php"
)

// sendMySMPP sends messages with the client ids 1 to n, and returns their ids.
func sendMySMPP(t *testing.T, m *sim.MySMPPServer, n int) []string {
	t.Helper()
	var phones, ids []string
	for i := range n {
		phones = append(phones, fmt.Sprintf(`{"phone":"7961224%04d","client_id_sms":"%d"}`, i, i+1))
	}
	_, body := post(t, m.Server, "POST", "/json", textJSON, `{"token":"t0ken","message":[{"type_send_1":"sms","sender":"Shop","text":"hi","phones":[`+strings.Join(phones, ",")+`]}]}`)
	require.Contains(t, body, `"state":"send"`)
	for i := range n {
		ids = append(ids, m.IDOf(fmt.Sprint(i+1)))
	}
	return ids
}

func TestMySMPPStates(t *testing.T) {
	m := newMySMPPServer(t)
	ids := sendMySMPP(t, m, 3)
	require.True(t, m.Deliver(ids[1], "deliver"))
	_, body := post(t, m.Server, "POST", statePath, textJSON,
		`[{"token":"t0ken","id_sms":"`+ids[0]+`","detail":"1"},{"token":"t0ken","id_sms":`+ids[1]+`,"detail":0},{"login":"shop","password":"pw","id_sms":7,"detail":1}]`)
	require.Regexp(t, `^\[{"id_sms":`+ids[0]+`,"time_change_state":"","state":"send","num_parts":1,"price":10.6000000},`+
		`{"id_sms":"`+ids[1]+`","time_change_state":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d","state":"deliver"}\]$`, body)
	_, body = post(t, m.Server, "POST", balancePath, textJSON, `{"login":"shop","password":"pw"}`)
	require.Contains(t, body, `"money":"1000000.00"`)
	m.ShowBalance(`{"money":0}`)
	_, body = post(t, m.Server, "POST", balancePath, textJSON, `{"token":"t0ken"}`)
	require.Equal(t, `{"money":0}`, body)
	for _, path := range []string{statePath, balancePath} {
		wrong := `{"token":"wrong"}`
		if path == statePath {
			wrong = `[{"token":"wrong","id_sms":1,"detail":1}]`
		}
		status, body := post(t, m.Server, "POST", path, textJSON, wrong)
		require.Equal(t, 400, status)
		require.Contains(t, body, "Неправильный логин")
	}
	require.Empty(t, m.Violations())
	require.Equal(t, 1, m.Requests(), "questions are no sends")
}

func TestMySMPPQuestionsAreStrict(t *testing.T) {
	for name, tc := range map[string]struct{ path, contentType, body string }{
		"content type":    {statePath, "application/json", `[{"token":"t0ken","id_sms":1,"detail":1}]`},
		"no list":         {statePath, textJSON, `{"token":"t0ken","id_sms":1,"detail":1}`},
		"nobody":          {statePath, textJSON, `[]`},
		"no credentials":  {statePath, textJSON, `[{"id_sms":1,"detail":1}]`},
		"two credentials": {statePath, textJSON, `[{"token":"t0ken","login":"shop","password":"pw","id_sms":1,"detail":1}]`},
		"no id":           {statePath, textJSON, `[{"token":"t0ken","detail":1}]`},
		"another id":      {statePath, textJSON, `[{"token":"t0ken","id_sms":"A1","detail":1}]`},
		"no detail":       {statePath, textJSON, `[{"token":"t0ken","id_sms":1}]`},
		"another detail":  {statePath, textJSON, `[{"token":"t0ken","id_sms":1,"detail":true}]`},
		"another field":   {statePath, textJSON, `[{"token":"t0ken","id_sms":1,"detail":1,"phone":"7"}]`},
		"balance: list":   {balancePath, textJSON, `[{"token":"t0ken"}]`},
		"balance: nobody": {balancePath, textJSON, `{}`},
		"another path":    {"/json/states.php", textJSON, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMySMPPServer(t)
			status, _ := post(t, m.Server, "POST", tc.path, tc.contentType, tc.body)
			require.GreaterOrEqual(t, status, 400)
			require.Len(t, m.Violations(), 1)
		})
	}
}

func TestMySMPPPostsUntilItIsEchoed(t *testing.T) {
	m := newMySMPPServer(t)
	m.Hook()
	ids := sendMySMPP(t, m, 2)
	require.True(t, m.Deliver(ids[0], "deliver"))
	require.True(t, m.Deliver(ids[1], "expired"))
	var posts []string
	answer := ""
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			posts = append(posts, string(b))
		}
		_, _ = io.WriteString(w, answer) // a client that left shows in the test
	}))
	defer hook.Close()

	echoed, left, err := m.Post(t.Context(), hook.URL)
	require.Error(t, err, "no echo at all")
	require.Equal(t, []int{0, 2}, []int{echoed, left})
	answer = `[{"id_sms":` + ids[1] + `}]`
	echoed, left, err = m.Post(t.Context(), hook.URL)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{echoed, left})
	require.Empty(t, m.Violations())
	answer = `[{"id_sms":77}]`
	for attempt, rest := range []int{1, 1, 0} {
		_, left, err = m.Post(t.Context(), hook.URL)
		require.NoError(t, err)
		require.Equal(t, rest, left, "after attempt %d of five", attempt+3)
	}
	require.Len(t, m.Violations(), 3, "an id that wasn't posted")
	require.Len(t, posts, 5)
	require.Regexp(t, `^\[{"id_sms":`+ids[0]+`,"time":"[-: \d]{19}","state":"deliver"},{"id_sms":`+ids[1]+`,"time":"[-: \d]{19}","state":"expired"}\]$`, posts[0])
	require.NotContains(t, posts[4], ids[1])
	_, _, err = m.Post(t.Context(), hook.URL)
	require.NoError(t, err)
	require.Len(t, posts, 5, "nothing is left to post")
}
