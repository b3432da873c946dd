package prostor

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/providers"
)

// reply is what the replies to send, status and statusQueue have in common. A balance beside the rows isn't read: its types vary from reply to
// reply, and a result has no place for it.
type reply struct {
	Status      providers.Scalar `json:"status"`
	Description providers.Scalar `json:"description"`
	Messages    rows             `json:"messages"`
}

// row is what a reply says of one message.
type row struct {
	Status   providers.Scalar
	SMSCID   providers.Scalar // string, or number above int32
	ClientID providers.Scalar
	SMSCount providers.Scalar
	MsgCost  providers.Scalar // with a rouble balance only
}

// rows are a reply's messages. What isn't a list reads as none, and what isn't an object in it as a row about nobody:
// neither makes the other rows unreadable.
type rows []row

// UnmarshalJSONFrom reads whatever there is, in one pass: a reply has 200 of them.
func (rs *rows) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*rs = nil
	if dec.PeekKind() != '[' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		r, err := readRow(dec)
		if err != nil {
			return err
		}
		*rs = append(*rs, r)
	}
	_, err := dec.ReadToken()
	return err
}

// readRow reads the next value as a row.
func readRow(dec *jsontext.Decoder) (r row, err error) {
	if dec.PeekKind() != '{' {
		return r, dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return r, err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return r, err
		}
		field := r.field(name.String())
		value, err := dec.ReadValue()
		if err != nil {
			return r, err
		}
		if field != nil {
			if err := field.UnmarshalJSON(value); err != nil {
				return r, err
			}
		}
	}
	_, err = dec.ReadToken()
	return r, err
}

// field is the row's field of that name; nil: none that matters.
func (r *row) field(name string) *providers.Scalar {
	switch name {
	case "status":
		return &r.Status
	case "smscId":
		return &r.SMSCID
	case "clientId":
		return &r.ClientID
	case "smsCount":
		return &r.SMSCount
	case "msgCost":
		return &r.MsgCost
	}
	return nil
}

// lenient takes texts in another encoding than UTF-8, which are of no consequence to the verdict. A name given twice stays
// an error: nobody knows which one counts.
func lenient() json.Options { return jsontext.AllowInvalidUTF8(true) }

// roubles is the currency of every msgCost: it is shown with a rouble balance only.
const roubles = "RUB"

const byteOrderMark = "\xef\xbb\xbf"

// parse reads the body of a reply to send; ok is false where it isn't a JSON object. Its rows may lie in room.
func parse(body []byte, room rows) (r reply, ok bool) {
	if r, ok = parseFlat(string(body), room); ok {
		return r, true
	}
	r = reply{}
	ok = decode(body, &r)
	return r, ok
}

// decode reads a reply's body into v; false where it isn't a JSON object. What stood before a fault is in v even then.
func decode(body []byte, v any) bool {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte(byteOrderMark)))
	return len(body) > 0 && body[0] == '{' && json.Unmarshal(body, v, lenient()) == nil
}

// accepted tells whether the packet was taken: exactly ok, in Latin letters or, as the document has it in places, in
// Cyrillic ones.
func (r reply) accepted() bool { return r.Status == "ok" || r.Status == "ок" }

// read makes the results of msgs from what came back.
func (p *provider) read(r providers.Reply, msgs []providers.Message, m *memory) []providers.Result {
	if r.Fate != providers.Answered || r.Status >= 300 && r.Status < 400 {
		return providers.All(len(msgs), r.Result(p.secrets(msgs...)...))
	}
	parsed, ok := parse(r.Body, m.rows)
	if cap(parsed.Messages) > cap(m.rows) {
		m.rows = parsed.Messages
	}
	switch {
	case !ok:
		return providers.All(len(msgs), p.packetResult(r, r.Plain(), p.secrets(msgs...)))
	case len(parsed.Messages) > 0:
		return p.rowResults(parsed, msgs, m.byID)
	case parsed.accepted():
		return providers.All(len(msgs), ambiguous("the packet was accepted, but the reply has no rows"))
	case parsed.Description != "":
		return providers.All(len(msgs), p.packetResult(r, string(parsed.Description), p.secrets(msgs...)))
	default:
		return providers.All(len(msgs), p.packetResult(r, string(parsed.Status), p.secrets(msgs...)))
	}
}

// packetResult is what words about the whole packet mean. Where they are unknown, an HTTP status that is about the account or
// its pace decides; one that says that the address is wrong counts only where there are no words of the API at all.
func (p *provider) packetResult(r providers.Reply, words string, secrets []providers.Secret) providers.Result {
	v, known := p.phrases.Find(words)
	if known && v.Outcome != providers.Submitted { // nothing is submitted without a row
		return v.Result(words, secrets...)
	}
	byStatus := r.Result(secrets...)
	if words == "" || r.Plain() != "" {
		return byStatus
	}
	if byStatus.Outcome == providers.Misconfigured {
		return ambiguousOf(words, secrets)
	}
	byStatus.Message = cmp.Or(providers.Redact(words, secrets...), byStatus.Message)
	return byStatus
}

// rowResults matches rows and messages by clientId. byID is empty and for its use.
func (p *provider) rowResults(parsed reply, msgs []providers.Message, byID map[[20]byte]int) []providers.Result {
	const several = -1
	for i := range parsed.Messages {
		id, ours := providers.ParseBase32ID(strings.TrimSpace(string(parsed.Messages[i].ClientID)))
		if !ours {
			continue
		}
		if _, again := byID[id]; again {
			i = several
		}
		byID[id] = i
	}
	results := make([]providers.Result, len(msgs))
	for i := range msgs {
		switch at, found := byID[[20]byte(msgs[i].Key[:20])]; {
		case !found:
			results[i] = ambiguous("the reply has no row for this message")
		case at == several:
			results[i] = ambiguous("the reply has several rows for this message")
		default:
			p.rowResult(&results[i], &parsed.Messages[at], parsed.accepted(), &msgs[i])
		}
	}
	return results
}

// rowResult fills in what one row says. An accepted row counts only in an accepted packet; a refused one in any.
func (p *provider) rowResult(res *providers.Result, r *row, packetAccepted bool, m *providers.Message) {
	words := string(r.Status)
	v, _ := p.phrases.Find(words)
	switch {
	case v.Outcome != providers.Submitted:
		*res = v.Result(words, p.secrets(*m)...)
		res.Status = res.Message
	case !packetAccepted:
		*res = ambiguous("the message's row is accepted, but the packet isn't")
		res.Status = statusAccepted
	default:
		res.Outcome, res.Status = providers.Submitted, statusAccepted
	}
	if id := string(r.SMSCID); validID(id) {
		res.ID = id
	}
	res.Segments = r.SMSCount.Count()
	if res.Cost = r.MsgCost.Amount(); res.Cost != "" {
		res.Currency = roubles
	}
}

// secrets are what no words may hold.
func (p *provider) secrets(msgs ...providers.Message) []providers.Secret {
	s := []providers.Secret{p.settings.Password, providers.Secret(p.settings.Login)}
	for _, m := range msgs {
		s = append(s, providers.Secret(m.Text))
	}
	return s
}

func ambiguous(words string) providers.Result { return ambiguousOf(words, nil) }

func ambiguousOf(words string, secrets []providers.Secret) providers.Result {
	return providers.Verdict{Outcome: providers.Ambiguous}.Result(words, secrets...)
}

// validID tells whether an id is one by which the message can be asked for: the document says A-F and 0-9, at most 72;
// other letters and dashes, which sibling services use, do no harm.
func validID(s string) bool {
	if len(s) < 1 || len(s) > 72 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
