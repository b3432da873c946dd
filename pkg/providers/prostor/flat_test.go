package prostor

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// agree sees that what is read as flat is what the JSON library reads, and never what that one refuses.
func agree(t *testing.T, body string) (flat bool) {
	t.Helper()
	got, ok := parseFlat(body, nil)
	if !ok {
		return false
	}
	var want reply
	require.NoError(t, json.Unmarshal([]byte(body), &want, lenient()), "%q", body)
	require.Equal(t, want, got, "%q", body)
	return true
}

const flatRow = `{"status":"accepted","smscId":"12345","clientId":"` + id1 + `"}`

func TestFlatRepliesAgree(t *testing.T) {
	for _, body := range []string{
		`{"status":"ok","balance":[],"messages":[` + flatRow + `,{"status":"sender address invalid","smscId":12346,"clientId":"x"}]}`,
		`{"status":"ок","balance":[{"credit":0.0,"balance":"0.00","type":"RUB"}],"messages":[{"smsCount":1,"msgCost":-2.50,"clientId":99999999999999999999}]}`,
		`{"status":"error","description":"error authorization"}`,
		" {\r\n\t\"status\" : 0 , \"messages\" : [ " + flatRow + " , " + flatRow + " ] , \"balance\" : -1e5 } \n",
		"{\"balance\":\"\xf1\xf7\",\"messages\":[" + flatRow + "]}",
	} {
		require.True(t, agree(t, body), body)
	}
	for _, body := range []string{
		``, `{}`, `{`, `[]`, `{"status"}`, `{"status":}`, `{"status":"ok"`, `{"status":"ok"}x`, `{"status":"ok",}`, `{"status":"ok" "description":""}`, `{"status":"ok","status":"ok"}`,
		`{"status":true}`, `{"status":01}`, `{"status":1.}`, `{"status":.5}`, `{"status":-}`, `{"status":1e5}`, `{"status":+1}`, `{"status":"\u043e\u043a"}`, "{\"status\":\"\xf1\"}",
		"{\"status\":\"a\nb\"}", `{"info":1}`, `{"balance":[}`, `{"balance":{"a":1,"a":1}}`, `{"messages":[]}`, `{"messages":{}}`, `{"messages":[null]}`, `{"messages":[{}]}`,
		`{"messages":[` + flatRow + `,]}`, `{"messages":[` + flatRow, `{"messages":[{"status":"accepted","status":"accepted"}]}`, `{"messages":[{"status":""}]}`,
		`{"messages":[{"status":"","status":"a"}]}`, `{"messages":[{"status":null}]}`, `{"messages":[{"wap":"1"}]}`, `{"messages":[{"status":["a"]}]}`,
	} {
		require.False(t, agree(t, body), body)
	}
}

func FuzzFlatReplies(f *testing.F) {
	f.Add(`{"status":"ok","balance":[{"credit":0.0}],"messages":[` + flatRow + `,{"smsCount":1,"msgCost":2.50}]}`)
	f.Add(`{"status":"error","description":"\u043e"}`)
	f.Fuzz(func(t *testing.T, body string) { agree(t, body) })
}

// packet is the body of a send request as the JSON library writes it.
type packet struct {
	ScheduleTime       string    `json:"scheduleTime,omitempty"`
	Messages           []message `json:"messages"`
	StatusQueueName    string    `json:"statusQueueName,omitempty"`
	ShowBillingDetails bool      `json:"showBillingDetails"`
	Login              string    `json:"login"`
	Password           string    `json:"password"`
}

type message struct {
	Phone    string `json:"phone"`
	Sender   string `json:"sender,omitempty"`
	ClientID string `json:"clientId"`
	Text     string `json:"text"`
}

// What is written by hand is what the JSON library writes, whatever the texts are.
func FuzzPackets(f *testing.F) {
	f.Add("", "", "", "", "")
	f.Add("Shop", "Код: \"1\" \\ \n\x00\u2028<b>😀", "queue", "login", "pass\"word")
	f.Add("\xff", "\xff\xfe", "\xc0", "\xed\xa0\x80", "\x7f")
	f.Add("\ufffd", "\xef", "\xef\xbf", "\xf4\x90\x80\x80", "\u2029")
	f.Fuzz(func(t *testing.T, sender, text, queue, login, password string) {
		p := &provider{settings: Settings{Login: login, Password: providers.Secret(password), StatusQueue: queue},
			endpoint: providers.Endpoint{Sender: "Account", Now: func() time.Time { return noon }}}
		msgs := []providers.Message{newMessage(1, "+71234567890", text), newMessage(2, "+71234567891", "second")}
		msgs[0].Sender = sender
		want := packet{StatusQueueName: queue, ShowBillingDetails: true, Login: login, Password: password}
		if len(text)%2 == 1 {
			msgs[0].SendAt = noon.Add(time.Hour)
			want.ScheduleTime = "2026-11-22T13:00:00Z"
		}
		want.Messages = []message{{"+71234567890", sender, id1, text}, {"+71234567891", "Account", id2, "second"}}
		if sender == "" {
			want.Messages[0].Sender = "Account"
		}
		body, err := json.Marshal(want, lenient())
		require.NoError(t, err)
		require.Equal(t, string(body), string(p.appendPacket(nil, msgs)))
	})
}
