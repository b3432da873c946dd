package prostor

import (
	"cmp"
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/providers"
)

// question is the body of every request but send. Each path has its own fields beside the credentials.
type question struct {
	Login            string  `json:"login"`
	Password         string  `json:"password"`
	Messages         []asked `json:"messages,omitempty"`
	StatusQueueLimit string  `json:"statusQueueLimit,omitempty"` // a string, as the document's example has it
	StatusQueueName  string  `json:"statusQueueName,omitempty"`
}

// asked is a message whose status is asked for.
type asked struct {
	SMSCID   string `json:"smscId"`
	ClientID string `json:"clientId,omitempty"`
}

// answer is the body of the reply to a question, with the fields of all paths.
type answer struct {
	reply
	Balance list[purse]       `json:"balance"`
	Senders list[senderEntry] `json:"senders"`
	Version providers.Scalar  `json:"version"`

	http       providers.Reply
	understood bool // the body is a JSON object
}

// ask makes the one request of a question.
func (p *provider) ask(ctx context.Context, path string, q question) (a answer) {
	q.Login, q.Password = p.settings.Login, string(p.settings.Password)
	body, err := json.Marshal(q, jsontext.AllowInvalidUTF8(true))
	if err != nil { // can't be: it is made of strings
		return answer{http: providers.Reply{Fate: providers.NotSent, Err: err}}
	}
	r := p.endpoint.Post(ctx, path, contentType, body)
	if r.Fate == providers.Answered && (r.Status < 300 || r.Status >= 400) {
		a.understood = decode(r.Body, &a)
	}
	a.http = r
	return a
}

// answered tells whether the question was taken.
func (a answer) answered() bool { return a.understood && a.accepted() }

// words are what the reply says of the question as a whole.
func (a answer) words() string {
	if !a.understood {
		return a.http.Plain()
	}
	return string(cmp.Or(a.Description, a.Status))
}

// says tells whether the words stand in the reply, wherever the API puts them.
func (a answer) says(words string) bool {
	for _, said := range []string{string(a.Status), string(a.Description), a.words()} {
		if strings.Contains(strings.ToLower(said), words) {
			return true
		}
	}
	return false
}

// refusal is why the question has no answer.
func (p *provider) refusal(a answer) error {
	if a.http.Fate != providers.Answered || a.http.Status >= 300 && a.http.Status < 400 {
		return a.http.Result(p.secrets()...).Refusal()
	}
	return p.packetResult(a.http, a.words(), p.secrets()).Refusal()
}

// unreadable is the refusal of a question that was taken, and whose answer isn't there.
func unreadable(words string) error {
	return &providers.Refusal{Outcome: providers.Ambiguous, Message: words}
}

// list is a part of an answer that should be a list of objects. One value without a list reads as a list of it, and what
// can't be read as a T reads as a zero T: it makes nothing else unreadable. A missing one and null are nil, an empty one isn't.
type list[T any] []T

// UnmarshalJSONFrom reads whatever there is.
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	switch dec.PeekKind() {
	case 'n':
		return dec.SkipValue()
	case '[':
	default:
		return l.read(dec)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*l = list[T]{}
	for dec.PeekKind() != ']' {
		if err := l.read(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// read appends the next value.
func (l *list[T]) read(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var t, none T
	if json.Unmarshal(v, &t, lenient()) != nil {
		t = none
	}
	*l = append(*l, t)
	return nil
}
