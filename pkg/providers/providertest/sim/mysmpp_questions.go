package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	strictjson "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MySMPPPrice is what MySMPP's simulator charges for one part, as it stands in its replies.
const MySMPPPrice = "10.6000000"

// ShowBalance makes balance.php answer with this JSON; empty: plenty.
func (m *MySMPPServer) ShowBalance(body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remains = body
}

type mysmppCredentials struct {
	Login    *string `json:"login"`
	Password *string `json:"password"`
	Token    *string `json:"token"`
}

// check asks for exactly one way to authenticate.
func (c mysmppCredentials) check() error {
	switch {
	case c.Token != nil && (c.Login != nil || c.Password != nil):
		return errors.New("token is given beside login and password")
	case c.Token == nil && (c.Login == nil || c.Password == nil):
		return errors.New("neither token nor both of login and password are given")
	}
	return nil
}

func (m *MySMPPServer) balance(r Request) Answer {
	var c mysmppCredentials
	err := decodeStrict(r.Body, &c, math.MaxInt)
	if err == nil {
		err = c.check()
	}
	switch {
	case err != nil:
		m.Violate("mysmpp: balance: %v", err)
		return mysmppRefusal(mysmppFormat)
	case !m.account.admits(c):
		return mysmppRefusal(mysmppLogin)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	body := m.remains
	if body == "" {
		body = `{"money":"1000000.00","currency":"RUB","information":[{"type_sms":"sms","area":"Россия","num_sms":94339}]}`
	}
	return Answer{ContentType: mysmppType, Body: []byte(body)}
}

// mysmppAsked is the question about one message. What the document calls an integer may be quoted, as in its example of a send.
type mysmppAsked struct {
	Login    *string        `json:"login"`
	Password *string        `json:"password"`
	Token    *string        `json:"token"`
	ID       jsontext.Value `json:"id_sms"`
	Detail   jsontext.Value `json:"detail"`
}

// state answers state.php. Of a message that nobody knows it says nothing.
func (m *MySMPPServer) state(r Request) Answer {
	var question []mysmppAsked
	err := decodeStrict(r.Body, &question, math.MaxInt)
	if err == nil && len(question) == 0 {
		err = errors.New("nobody is asked for")
	}
	admitted := true
	for i, q := range question {
		c := mysmppCredentials{q.Login, q.Password, q.Token}
		switch id, detail := unquoted(q.ID), unquoted(q.Detail); {
		case err != nil:
		case c.check() != nil:
			err = fmt.Errorf("[%d]: %w", i, c.check())
		case id == "" || !only(id, isDigit):
			err = fmt.Errorf("[%d]: id_sms is no integer", i)
		case detail != "0" && detail != "1":
			err = fmt.Errorf("[%d]: detail is neither 0 nor 1", i)
		default:
			admitted = admitted && m.account.admits(c)
		}
	}
	switch {
	case err != nil:
		m.Violate("mysmpp: state: %v", err)
		return mysmppRefusal(mysmppFormat)
	case !admitted:
		return mysmppRefusal(mysmppLogin)
	}
	rows := []string{}
	for i, q := range question {
		if row, known := m.of(unquoted(q.ID)); known {
			rows = append(rows, m.stateRow(row, unquoted(q.Detail) == "1", i%2 == 0))
		}
	}
	switch {
	case len(rows) == 0:
	case r.Fault == WrongRows:
		rows = append(rows, rows[0])
	case r.Fault == MissingRows:
		rows = rows[1:]
	}
	return Answer{ContentType: mysmppType, Body: []byte("[" + strings.Join(rows, ",") + "]")}
}

// stateRow is one row of a reply, with numbers as such or quoted. Every message has one part.
func (m *MySMPPServer) stateRow(row StatusRow, detail, numbers bool) string {
	quote := `"`
	if numbers {
		quote = ""
	}
	state, _ := json.Marshal(row.Status) // can't fail: it is a string
	s := fmt.Sprintf(`{"id_sms":%[1]s%[2]s%[1]s,"time_change_state":%[3]q,"state":%[4]s`, quote, row.ID, m.clock(row), state)
	if detail {
		s += fmt.Sprintf(`,"num_parts":%[1]s1%[1]s,"price":%[1]s%[2]s%[1]s`, quote, MySMPPPrice)
	}
	return s + "}"
}

// clock is when a state came, in the account's zone; empty for a message that has none yet.
func (m *MySMPPServer) clock(row StatusRow) string {
	if row.At.IsZero() || row.Status == mysmppSend {
		return ""
	}
	return row.At.In(m.account.Zone).Format(time.DateTime)
}

// unquoted is the text of a JSON string or number.
func unquoted(v jsontext.Value) string {
	if v.Kind() == '"' {
		var s string
		if strictjson.Unmarshal(v, &s) != nil {
			return ""
		}
		return s
	}
	return string(v)
}

// Question implements [Questioner].
func (m *MySMPPServer) Question(r *http.Request) bool {
	return r.URL.Path == mysmppStatePath || r.URL.Path == mysmppBalancePath
}
