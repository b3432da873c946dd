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

// MySMPPServer simulates the JSON interface of MySMPP: send for sms and viber, state and balance requests, and the webhook. It takes a
// message with a client_id_sms that it had before without sending it again, and gives back the id of the first. Its words are Russian, as
// on the wire; numbers are now quoted, now not. A verdict of [Server.Verdict] stands as the error of the recipient's row.
type MySMPPServer struct {
	*Server
	*statuses
	account MySMPP

	mu      sync.Mutex
	ids     map[string]int64 // by client_id_sms
	last    int64
	remains string // the body of the balance; empty: plenty
	hooked  bool

	posting  sync.Mutex
	poster   *http.Client
	unposted []hookRow
}

// NewMySMPP makes a simulator of MySMPP. It isn't listening yet.
func NewMySMPP(account MySMPP) *MySMPPServer {
	if account.Zone == nil {
		account.Zone = time.FixedZone("Europe/Moscow", 3*60*60)
	}
	if account.Now == nil {
		account.Now = time.Now
	}
	m := &MySMPPServer{account: account, statuses: newStatuses(mysmppSend, "deliver"), ids: map[string]int64{}, last: 2592608029,
		poster: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	m.Server = New(m)
	return m
}

// The paths of the API, and what its bodies are.
const (
	mysmppSendPath    = "/json"
	mysmppStatePath   = "/json/state.php"
	mysmppBalancePath = "/json/balance.php"
	mysmppType        = "text/json; charset=utf-8"
)

// mysmppSend is the state of a message that was taken.
const mysmppSend = "send"

// What the simulator says of a packet as a whole.
const (
	mysmppFormat = "Неправильный формат JSON документа"
	mysmppNoPost = "POST данные отсутствуют"
	mysmppLogin  = "Неправильный логин или пароль"
	// mysmppStalled is a part of the words for a message that is sent once there is money for it.
	mysmppStalled = "будет отправлен"
)

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

// Answer implements [Answerer].
func (m *MySMPPServer) Answer(r Request) Answer {
	known := r.URL.Path == mysmppSendPath || m.Question(r.Request)
	if !known || r.URL.RawQuery != "" {
		m.Violate("mysmpp: %s is no path of the API", r.URL.Path)
		return Answer{Status: http.StatusNotFound, ContentType: "text/html", Body: []byte("<html>404 Not Found</html>")}
	}
	if r.Method != http.MethodPost || len(r.Body) == 0 {
		m.Violate("mysmpp: %s with %d bytes; the document has POST with a body", r.Method, len(r.Body))
		return mysmppRefusal(mysmppNoPost)
	}
	if t, params, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "text/json" || !strings.EqualFold(params["charset"], "utf-8") {
		m.Violate("mysmpp: the content type is %q, not text/json; charset=utf-8", r.Header.Get("Content-Type"))
		return mysmppRefusal(mysmppFormat)
	}
	switch r.URL.Path {
	case mysmppStatePath:
		return m.state(r)
	case mysmppBalancePath:
		return m.balance(r)
	default:
		return m.send(r)
	}
}

func (m *MySMPPServer) send(r Request) Answer {
	packet, err := decodeMySMPP(r.Body, m.account.Zone, m.account.Now())
	if err != nil {
		m.Violate("mysmpp: %v", err)
		return mysmppRefusal(mysmppFormat)
	}
	if !m.account.admits(mysmppCredentials{packet.Login, packet.Password, packet.Token}) {
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

func (a MySMPP) admits(p mysmppCredentials) bool {
	if p.Token != nil {
		return a.Token != "" && *p.Token == a.Token
	}
	return a.Login != "" && *p.Login == a.Login && *p.Password == a.Password
}

// take judges one message, and gives the copy that its recipient gets, if any.
func (m *MySMPPServer) take(g mysmppGroup, p mysmppPhone) (mysmppRow, []Copy) {
	words, scripted := m.Scripted(*p.Phone)
	if !scripted {
		words = judgeMySMPP(g, p)
	}
	stalled := strings.Contains(words, mysmppStalled)
	if words != "" && !stalled {
		return mysmppRow{Error: words}, nil
	}
	id, repeated := m.id(p.ClientID)
	row := mysmppRow{State: mysmppSend, ID: id, Error: words}
	if id%2 == 0 {
		row.ID = strconv.FormatInt(id, 10)
	}
	if repeated {
		return row, nil
	}
	m.note(id, p)
	return row, []Copy{{To: *p.Phone, ID: cmp.Or(value(p.ClientID), strconv.FormatInt(id, 10))}}
}

// note keeps a message that was taken, for those who ask and for the webhook.
func (m *MySMPPServer) note(id int64, p mysmppPhone) {
	countsOnly := m.countsOnly()
	if !m.keeps(countsOnly) {
		return
	}
	m.mu.Lock()
	hooked := m.hooked
	m.mu.Unlock()
	queue := ""
	if hooked {
		queue = hookQueue
	}
	m.keep(id, value(p.ClientID), *p.Phone, queue, countsOnly)
}

// id is the number of a message: a new one, or the one that the same client id got before.
func (m *MySMPPServer) id(client *string) (id int64, repeated bool) {
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
	return Answer{Status: status, ContentType: mysmppType, Body: body, Taken: took}
}

// value is what p points to, or nothing.
func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
