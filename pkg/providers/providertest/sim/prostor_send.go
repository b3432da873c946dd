package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type prostorPacket struct {
	ScheduleTime       *string          `json:"scheduleTime"`
	Messages           []prostorMessage `json:"messages"`
	StatusQueueName    *string          `json:"statusQueueName"`
	ShowBillingDetails bool             `json:"showBillingDetails"`
	Login              *string          `json:"login"`
	Password           *string          `json:"password"`
}

type prostorMessage struct {
	Phone    *string        `json:"phone"`
	Sender   *string        `json:"sender"`
	ClientID *string        `json:"clientId"`
	Text     jsontext.Value `json:"text"`
}

// send answers send.json.
func (p *Prostor) send(r Request) Answer {
	var packet prostorPacket
	if err := json.Unmarshal(r.Body, &packet, json.RejectUnknownMembers(true)); err != nil {
		p.Violate("send: %v", err)
		return prostorError("invalid request")
	}
	if a, ok := p.authorized(packet.Login, packet.Password); !ok {
		return a
	}
	if a, ok := p.checkPacket(packet); !ok {
		return a
	}
	n, countsOnly := p.packets.Add(1), p.countsOnly()
	keeps := p.keeps(countsOnly)
	rows := make([][]byte, 0, len(packet.Messages)+1)
	var taken []Copy
	seen := make(map[string]bool, len(packet.Messages))
	for i, m := range packet.Messages {
		if m.ClientID != nil {
			if seen[*m.ClientID] {
				p.Violate("message %d: its clientId isn't unique", i)
			}
			seen[*m.ClientID] = true
		}
		status, segments := p.judge(i, m)
		if status == "accepted" {
			taken = append(taken, Copy{To: digitsOf(*m.Phone), ID: *m.ClientID})
		}
		id := p.smscID.Add(1)
		if status == "accepted" && keeps {
			p.keep(id, *m.ClientID, digitsOf(*m.Phone), value(packet.StatusQueueName), countsOnly)
		}
		rows = append(rows, p.row(id, m, status, segments, packet.ShowBillingDetails))
	}
	switch r.Fault {
	case MissingRows:
		rows = rows[:len(rows)-1]
	case WrongRows:
		rows = append(rows, rows[0])
	}
	return Answer{Body: p.sendReply(rows, n%2 == 0, packet.ShowBillingDetails), Taken: taken}
}

// checkPacket checks what all messages of a packet share.
func (p *Prostor) checkPacket(packet prostorPacket) (Answer, bool) {
	switch n := len(packet.Messages); {
	case n == 0:
		p.Violate("send: no messages")
		return prostorError("absent required param: messages"), false
	case n > prostorMaxBatch:
		p.Violate("send: %d messages; at most %d are allowed", n, prostorMaxBatch)
		return prostorError("too many messages"), false
	}
	if at := packet.ScheduleTime; at != nil {
		if _, err := time.Parse("2006-01-02T15:04:05Z", *at); err != nil {
			p.Violate("send: scheduleTime %q", *at)
			return prostorError("invalid schedule time format"), false
		}
	}
	if q := packet.StatusQueueName; q != nil && !prostorQueueName(*q) {
		p.Violate("send: statusQueueName %q", *q)
		return prostorError("invalid status queue name"), false
	}
	return Answer{}, true
}

// judge is the status of one message, and the segments it is charged for where it was accepted.
func (p *Prostor) judge(i int, m prostorMessage) (status string, segments int) {
	switch {
	case m.ClientID == nil:
		p.Violate("message %d: no clientId", i)
		return "absent required param: clientId", 0
	case *m.ClientID == "" || len(*m.ClientID) > 72 || !only(*m.ClientID, isUpper, isDigit):
		p.Violate("message %d: clientId %q", i, *m.ClientID)
		return "invalid client id", 0
	case m.Phone == nil:
		p.Violate("message %d: no phone", i)
		return "absent required param: phone", 0
	case !strings.HasPrefix(*m.Phone, "+") || len(*m.Phone) < 8 || len(*m.Phone) > 16 || !only((*m.Phone)[1:], isDigit):
		p.Violate("message %d: phone of another format than +71234567890", i)
		return "invalid mobile phone", 0
	case m.Text == nil:
		p.Violate("message %d: no text", i)
		return "absent required param: text", 0
	case m.Text.Kind() != '"':
		p.Violate("message %d: text is no string", i)
		return "text must be string", 0
	case m.Sender != nil && !p.senderAllowed(*m.Sender):
		return "sender address invalid", 0
	}
	text, err := jsontext.AppendUnquote(nil, m.Text)
	if err != nil || len(text) == 0 {
		return "text is empty", 0
	}
	if words, scripted := p.Scripted(*m.Phone); scripted && words != "accepted" {
		return words, 0
	}
	segments = prostorSegments(string(text))
	if !p.charge(segments) {
		return "not enough balance", 0
	}
	return "accepted", segments
}

// row is what the reply says of one message. A refused one has an smscId too, as in the document's example.
func (p *Prostor) row(id int64, m prostorMessage, status string, segments int, billing bool) []byte {
	b := make([]byte, 0, 160)
	b = append(b, `{"status":`...)
	b, _ = jsontext.AppendQuote(b, status) // fails on broken UTF-8 only, which it replaces
	b = append(b, `,"smscId":`...)
	if id%2 == 0 {
		b = strconv.AppendInt(b, id, 10)
	} else {
		b = strconv.AppendQuote(b, strconv.FormatInt(id, 10))
	}
	if m.ClientID != nil {
		client := *m.ClientID
		if id%3 == 0 {
			client = strings.ToLower(client)
		}
		b = append(b, `,"clientId":`...)
		b, _ = jsontext.AppendQuote(b, client) // likewise
	}
	if billing && status == "accepted" {
		count, cost := `,"smsCount":`, `,"msgCost":`
		if id%2 == 0 {
			b = strconv.AppendInt(append(b, count...), int64(segments), 10)
			b = append(appendRoubles(append(append(b, cost...), '"'), int64(segments)*ProstorMsgCost), '"')
		} else {
			b = append(strconv.AppendInt(append(append(b, count...), '"'), int64(segments), 10), '"')
			b = appendRoubles(append(b, cost...), int64(segments)*ProstorMsgCost)
		}
	}
	return append(b, '}')
}

// sendReply joins the rows, the last one first.
func (p *Prostor) sendReply(rows [][]byte, cyrillic, billing bool) []byte {
	b := make([]byte, 0, 200*(len(rows)+1))
	if cyrillic {
		b = append(b, `{"status":"ок","balance":`...)
	} else {
		b = append(b, `{"status":"ok","balance":`...)
	}
	if billing {
		b = fmt.Appendf(b, `[{"credit":0.0,"balance":%q,"type":"RUB"}]`, p.balanceNow())
	} else {
		b = append(b, "[]"...)
	}
	b = append(b, `,"messages":[`...)
	for i := len(rows) - 1; i >= 0; i-- {
		b = append(b, rows[i]...)
		if i > 0 {
			b = append(b, ',')
		}
	}
	return append(b, "]}"...)
}

// prostorSegments counts the segments of a text: 160 and 153 characters of ASCII, for GSM-7; 70 and 67 UTF-16 units of
// anything else.
func prostorSegments(text string) int {
	units, one, many := len(text), 160, 153
	if !only(text, func(c byte) bool { return c < 0x80 }) {
		units, one, many = len(utf16.Encode([]rune(text))), 70, 67
	}
	if units <= one {
		return 1
	}
	return (units + many - 1) / many
}

// only tells whether every byte is of one of the classes.
func only(s string, classes ...func(byte) bool) bool {
	for i := range len(s) {
		ok := false
		for _, is := range classes {
			ok = ok || is(s[i])
		}
		if !ok {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isUpper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func isLetter(c byte) bool { return isUpper(c) || c >= 'a' && c <= 'z' }
