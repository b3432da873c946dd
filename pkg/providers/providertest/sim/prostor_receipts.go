package sim

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

type prostorRead struct {
	Login    *string `json:"login"`
	Password *string `json:"password"`
	Limit    *string `json:"statusQueueLimit"`
	Name     *string `json:"statusQueueName"`
}

// statusQueue answers statusQueue.json. What it returns, or would have returned had the reply not got lost, has left the queue.
func (p *Prostor) statusQueue(r Request) Answer {
	var q prostorRead
	if err := decodeStrict(r.Body, &q, math.MaxInt); err != nil {
		p.Violate("statusQueue: %v", err)
		return prostorError("invalid request")
	}
	if a, ok := p.authorized(q.Login, q.Password); !ok {
		return a
	}
	limit, err := strconv.Atoi(value(q.Limit))
	switch {
	case err != nil || limit < 1 || limit > prostorMaxRead:
		p.Violate("statusQueue: statusQueueLimit %q; a string of a number from 1 to %d is needed", value(q.Limit), prostorMaxRead)
		return prostorError("absent required param: statusQueueLimit")
	case !prostorQueueName(value(q.Name)):
		p.Violate("statusQueue: statusQueueName %q", value(q.Name))
		return prostorError("invalid status queue name")
	}
	turn := p.turn.Add(1)
	rows := p.read(*q.Name, limit)
	switch {
	case len(rows) == 0 && turn%2 == 0:
		return Answer{Body: []byte(`{"status":"queue is empty"}`)}
	case len(rows) == 0:
		return prostorError("queue is empty")
	}
	return p.rows(rows, turn, r.Fault)
}

type prostorAsk struct {
	Login    *string `json:"login"`
	Password *string `json:"password"`
	Messages []struct {
		SMSCID   *string `json:"smscId"`
		ClientID *string `json:"clientId"`
	} `json:"messages"`
}

// status answers status.json. A message that nobody knows is queued, as sibling services say of it; an id that can't be one is incorrect.
func (p *Prostor) status(r Request) Answer {
	var q prostorAsk
	if err := decodeStrict(r.Body, &q, math.MaxInt); err != nil {
		p.Violate("status: %v", err)
		return prostorError("invalid request")
	}
	if a, ok := p.authorized(q.Login, q.Password); !ok {
		return a
	}
	switch n := len(q.Messages); {
	case n == 0:
		p.Violate("status: no messages")
		return prostorError("absent required param: messages")
	case n > prostorMaxAsk:
		p.Violate("status: %d messages; at most %d are allowed", n, prostorMaxAsk)
		return prostorError("too many messages")
	}
	rows := make([]StatusRow, 0, len(q.Messages)+1)
	for i, m := range q.Messages {
		if m.SMSCID == nil {
			p.Violate("status: message %d: no smscId", i)
			return prostorError("absent required param: smscId")
		}
		row := StatusRow{ID: *m.SMSCID, ClientID: value(m.ClientID)}
		switch kept, known := p.of(*m.SMSCID); {
		case known:
			row.Status = kept.Status
		case !only(*m.SMSCID, isDigit, func(c byte) bool { return c >= 'A' && c <= 'F' }):
			row.Status = "incorrect id"
		default:
			row.Status = "queued"
		}
		rows = append(rows, row)
	}
	slices.Reverse(rows)
	return p.rows(rows, p.turn.Add(1), r.Fault)
}

// rows is a reply of rows, each of them in one of its forms.
func (p *Prostor) rows(rows []StatusRow, turn int64, f Fault) Answer {
	switch f {
	case WrongRows:
		rows = append(rows, rows[0])
	case MissingRows:
		rows = rows[:len(rows)-1]
	}
	b := append(make([]byte, 0, 100*(len(rows)+1)), p.ok(turn)...)
	b = append(b, `"messages":[`...)
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(append(b, `{"status":`...), row.Status) // fails on broken UTF-8 only, which it replaces
		b = appendScalar(append(b, `,"smscId":`...), row.ID, (turn+int64(i))%2 == 0)
		switch client := row.ClientID; {
		case client == "" || (turn+int64(i))%3 == 0:
		case (turn+int64(i))%3 == 1:
			client = strings.ToLower(client)
			fallthrough
		default:
			b, _ = jsontext.AppendQuote(append(b, `,"clientId":`...), client) // likewise
		}
		b = append(b, '}')
	}
	return Answer{Body: append(b, "]}"...)}
}

func prostorQueueName(s string) bool {
	return len(s) >= 3 && len(s) <= 16 && only(s, isLetter, isDigit)
}
