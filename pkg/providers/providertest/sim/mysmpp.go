package sim

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// MySMPP is the account that a simulator of MySMPP serves. A client authenticates with Login and Password, or with
// Token; what is empty is no way in.
type MySMPP struct {
	Login, Password string
	Token           string
	Zone            *time.Location   // of validity periods; nil: Europe/Moscow as UTC+3
	Now             func() time.Time // nil: time.Now
}

// NewMySMPP makes a simulator of MySMPP: its JSON send request for sms and viber. It takes a message with a
// client_id_sms that it had before without sending it again, and gives back the id of the first. Its words are Russian, as
// on the wire. A verdict of [Server.Verdict] stands as the error of the recipient's row.
func NewMySMPP(account MySMPP) *Server {
	if account.Zone == nil {
		account.Zone = time.FixedZone("Europe/Moscow", 3*60*60)
	}
	if account.Now == nil {
		account.Now = time.Now
	}
	m := &mysmpp{account: account, ids: map[string]int64{}, last: 2592608029}
	m.server = New(m)
	return m.server
}

// What the simulator says of a packet as a whole.
const (
	mysmppFormat = "Неправильный формат JSON документа"
	mysmppNoPost = "POST данные отсутствуют"
	mysmppLogin  = "Неправильный логин или пароль"
	// mysmppStalled is a part of the words for a message that is sent once there is money for it.
	mysmppStalled = "будет отправлен"
)

type mysmpp struct {
	account MySMPP
	server  *Server

	mu   sync.Mutex
	ids  map[string]int64 // by client_id_sms
	last int64
}

type mysmppReply struct {
	Error       string      `json:"error,omitempty"`
	Information []mysmppRow `json:"information,omitempty"`
}

// mysmppRow is what became of one phone. The id is written as a number or as a string, both of which the document has.
type mysmppRow struct {
	State string `json:"state,omitempty"`
	ID    any    `json:"id_sms,omitempty"`
	Error string `json:"error,omitempty"`
}

func (m *mysmpp) Answer(r Request) Answer {
	if r.URL.Path != "/json" || r.URL.RawQuery != "" {
		m.server.Violate("mysmpp: %s is no path of the API", r.URL.Path)
		return Answer{Status: http.StatusNotFound, ContentType: "text/html", Body: []byte("<html>404 Not Found</html>")}
	}
	if r.Method != http.MethodPost || len(r.Body) == 0 {
		m.server.Violate("mysmpp: %s with %d bytes; the document has POST with a body", r.Method, len(r.Body))
		return mysmppRefusal(mysmppNoPost)
	}
	if t, params, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "text/json" || !strings.EqualFold(params["charset"], "utf-8") {
		m.server.Violate("mysmpp: the content type is %q, not text/json; charset=utf-8", r.Header.Get("Content-Type"))
		return mysmppRefusal(mysmppFormat)
	}
	packet, err := decodeMySMPP(r.Body, m.account.Zone, m.account.Now())
	if err != nil {
		m.server.Violate("mysmpp: %v", err)
		return mysmppRefusal(mysmppFormat)
	}
	if !m.account.admits(packet) {
		return mysmppRefusal(mysmppLogin)
	}
	var (
		rows []mysmppRow
		took []Copy
	)
	for _, g := range packet.Message {
		for _, p := range g.Phones {
			row, taken := m.take(g, p)
			rows = append(rows, row)
			took = append(took, taken...)
		}
	}
	switch r.Fault {
	case WrongRows:
		rows = append(rows, rows[0])
	case MissingRows:
		rows = rows[:len(rows)-1]
	}
	return mysmppAnswer(http.StatusOK, mysmppReply{Information: rows}, took)
}

func (a MySMPP) admits(p mysmppPacket) bool {
	if p.Token != nil {
		return a.Token != "" && *p.Token == a.Token
	}
	return a.Login != "" && *p.Login == a.Login && *p.Password == a.Password
}

// take judges one message, and gives the copy that its recipient gets, if any.
func (m *mysmpp) take(g mysmppGroup, p mysmppPhone) (mysmppRow, []Copy) {
	words, scripted := m.server.Scripted(*p.Phone)
	if !scripted {
		words = judgeMySMPP(g, p)
	}
	stalled := strings.Contains(words, mysmppStalled)
	if words != "" && !stalled {
		return mysmppRow{Error: words}, nil
	}
	id, repeated := m.id(p.ClientID)
	row := mysmppRow{State: "send", ID: id, Error: words}
	if id%2 == 0 {
		row.ID = strconv.FormatInt(id, 10)
	}
	if repeated {
		return row, nil
	}
	return row, []Copy{{To: *p.Phone, ID: cmp.Or(value(p.ClientID), strconv.FormatInt(id, 10))}}
}

// id is the number of a message: a new one, or the one that the same client id got before.
func (m *mysmpp) id(client *string) (id int64, repeated bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if client != nil {
		if id, repeated = m.ids[*client]; repeated {
			return id, true
		}
	}
	m.last++
	if client != nil {
		m.ids[*client] = m.last
	}
	return m.last, false
}

// judgeMySMPP is what the document refuses one message for; empty where it is good.
func judgeMySMPP(g mysmppGroup, p mysmppPhone) string {
	sender, limit := *g.Sender, 11
	if strings.Trim(sender, "0123456789") == "" {
		limit = 15
	}
	switch {
	case len(*p.Phone) >= 15:
		return "Номер телефона должен быть меньше 15 символов"
	case utf8.RuneCountInString(sender) > limit:
		return "Отправитель не должен превышать 15 символов для цифровых номеров и 11 символов для буквенно-числовых"
	case *g.Text == "":
		return "Нет текста сообщения"
	}
	return ""
}

func mysmppRefusal(words string) Answer {
	return mysmppAnswer(http.StatusBadRequest, mysmppReply{Error: words}, nil)
}

func mysmppAnswer(status int, reply mysmppReply, took []Copy) Answer {
	body, err := json.Marshal(reply)
	if err != nil {
		return Answer{Status: http.StatusInternalServerError} // can't be: it is made of strings and integers
	}
	return Answer{Status: status, ContentType: "text/json; charset=utf-8", Body: body, Taken: took}
}

// value is what p points to, or nothing.
func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
