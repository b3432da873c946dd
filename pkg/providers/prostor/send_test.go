package prostor

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// The ids of the messages with keys 1, 2 and 3, see newMessage.
const (
	id1 = "AEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	id2 = "AIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	id3 = "AMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func newMessage(key byte, to, text string) providers.Message {
	return providers.Message{Key: [32]byte{key}, Channel: providers.SMS, To: to, Text: text}
}

// request sends msgs and returns the request that was made.
func request(t *testing.T, s Settings, msgs ...providers.Message) (r *http.Request, body string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r, body = req, string(b)
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	client := providers.NewClient()
	defer client.CloseIdleConnections()
	p, err := s.Open(providers.Endpoint{URL: u, Client: client, Timeout: 30 * time.Second, Sender: "Account", Now: func() time.Time { return noon }})
	require.NoError(t, err)
	require.Len(t, p.Send(t.Context(), msgs), len(msgs))
	return r, body
}

func TestRequests(t *testing.T) {
	settings := Settings{Login: "login", Password: "password"}
	queued := Settings{Login: "login", Password: `pass"word`, StatusQueue: "myQueue"}
	later := newMessage(1, "+71234567890", "later")
	later.SendAt = time.Date(2026, 11, 23, 17, 30, 1, 0, time.FixedZone("MSK", 3*3600))
	due := newMessage(1, "+71234567890", "due")
	due.SendAt = noon
	expiring := newMessage(1, "+71234567890", "expiring")
	expiring.ExpiresAt = noon.Add(time.Hour)
	branded := newMessage(2, "+71234567891", "Сообщение <b> & \u2028 \"кавычки\" 🙂\nвторая строка")
	branded.Sender = "MySender"
	for name, tc := range map[string]struct {
		s    Settings
		msgs []providers.Message
	}{
		"packet":    {queued, []providers.Message{newMessage(1, "+71234567890", "Message text here"), branded, newMessage(3, "+71234567892", "text")}},
		"scheduled": {settings, []providers.Message{later}},
		"due":       {settings, []providers.Message{due}},
		"expiring":  {settings, []providers.Message{expiring}},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := request(t, tc.s, tc.msgs...)
			require.Equal(t, "POST /messages/v2/send.json", r.Method+" "+r.URL.String())
			require.Equal(t, "application/json; charset=utf-8", r.Header.Get("Content-Type"))
			golden, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			require.NoError(t, err)
			require.JSONEq(t, string(golden), body)
			require.True(t, json.Valid([]byte(body)))
		})
	}
}

// What the API has no place for is refused without asking, and doesn't keep the others from being sent.
func TestRefusedWithoutAsking(t *testing.T) {
	push := providers.Message{Key: [32]byte{1}, Channel: providers.Push, To: "+71234567890"}
	audience := providers.Message{Key: [32]byte{1}, Channel: providers.SMS, Audience: &providers.Audience{Collection: "users", Everyone: true}}
	for name, tc := range map[string]struct {
		m    providers.Message
		code providers.Code
	}{
		"push": {push, providers.InvalidContent}, "audience": {audience, providers.InvalidRecipient},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := request(t, Settings{}, tc.m)
			require.Nil(t, r)
			p := testProvider(t, 200, `{"status":"ok","messages":[{"clientId":"`+id2+`","status":"accepted"}]}`)
			results := p.Send(t.Context(), []providers.Message{tc.m, newMessage(2, "+71234567890", "text")})
			require.Equal(t, providers.Rejected, results[0].Outcome)
			require.Equal(t, tc.code, results[0].Code)
			require.Equal(t, providers.Submitted, results[1].Outcome)
		})
	}
}

func TestPacketKeyIsTheScheduleTime(t *testing.T) {
	key := Kind().Traits.PacketKey
	at := func(at time.Time) providers.Message { return providers.Message{SendAt: at} }
	require.Empty(t, key(at(time.Time{})))
	require.Equal(t, "2026-11-22T12:00:00Z", key(at(noon)))
	require.Equal(t, key(at(noon)), key(at(noon.In(time.FixedZone("MSK", 3*3600)))))
	require.Equal(t, "2026-11-22T12:00:01Z", key(at(noon.Add(time.Millisecond))), "never before its time")
}

func TestSettingsFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		s      Settings
		fields []string
	}{
		"all":              {Settings{Login: "l", Password: "p", StatusQueue: "gonets1"}, nil},
		"without queue":    {Settings{Login: "l", Password: "p"}, nil},
		"nothing":          {Settings{}, []string{"login", "password"}},
		"short queue":      {Settings{Login: "l", Password: "p", StatusQueue: "ab"}, []string{"status_queue"}},
		"long queue":       {Settings{Login: "l", Password: "p", StatusQueue: "abcdefghijklmnop1"}, []string{"status_queue"}},
		"longest queue":    {Settings{Login: "l", Password: "p", StatusQueue: "abcdefghijklmno1"}, nil},
		"queue with dash":  {Settings{Login: "l", Password: "p", StatusQueue: "my-queue"}, []string{"status_queue"}},
		"Cyrillic queue":   {Settings{Login: "l", Password: "p", StatusQueue: "очередь"}, []string{"status_queue"}},
		"password missing": {Settings{Login: "l"}, []string{"password"}},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			for _, f := range tc.s.Validate() {
				require.NotEmpty(t, f.Problem)
				fields = append(fields, f.Field)
			}
			require.Equal(t, tc.fields, fields)
		})
	}
}
