package prostor

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gonets/gonets/pkg/providers"
)

// reply is the body of a reply to send. Its balance isn't read here: its types vary from reply to reply, and a result
// has no place for it.
type reply struct {
	Status      providers.Scalar `json:"status"`
	Description providers.Scalar `json:"description"`
	Messages    rows             `json:"messages"`
}

// row is what the reply says of one message.
type row struct {
	Status   providers.Scalar `json:"status"`
	SMSCID   providers.Scalar `json:"smscId"` // string, or number above int32
	ClientID providers.Scalar `json:"clientId"`
	SMSCount providers.Scalar `json:"smsCount"`
	MsgCost  providers.Scalar `json:"msgCost"` // with a rouble balance only
}

// rows are a reply's messages. What isn't a list reads as none, and what isn't an object in it as a row about nobody:
// neither makes the other rows unreadable.
type rows []row

// UnmarshalJSON reads whatever there is.
func (rs *rows) UnmarshalJSON(b []byte) error {
	*rs = nil
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	var values []jsontext.Value
	if err := json.Unmarshal(b, &values, lenient()); err != nil {
		return err
	}
	for _, v := range values {
		var r row
		if v.Kind() == '{' {
			if err := json.Unmarshal(v, &r, lenient()); err != nil {
				return err
			}
		}
		*rs = append(*rs, r)
	}
	return nil
}

// lenient takes texts in another encoding than UTF-8, which are of no consequence to the verdict. A name given twice stays
// an error: nobody knows which one counts.
func lenient() json.Options { return jsontext.AllowInvalidUTF8(true) }

const byteOrderMark = "\xef\xbb\xbf"

// parse reads a reply's body; ok is false where it isn't a JSON object.
func parse(body []byte) (r reply, ok bool) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte(byteOrderMark)))
	if len(body) == 0 || body[0] != '{' {
		return reply{}, false
	}
	err := json.Unmarshal(body, &r, lenient())
	return r, err == nil
}

// accepted tells whether the packet was taken: exactly ok, in Latin letters or, as the document has it in places, in
// Cyrillic ones.
func (r reply) accepted() bool { return r.Status == "ok" || r.Status == "ок" }

// read makes the results of msgs from what came back.
func (p *provider) read(r providers.Reply, msgs []providers.Message) []providers.Result {
	if r.Fate != providers.Answered || r.Status >= 300 && r.Status < 400 {
		return providers.All(len(msgs), r.Result(p.secrets(msgs...)...))
	}
	parsed, ok := parse(r.Body)
	switch {
	case !ok:
		return providers.All(len(msgs), p.packetResult(r, r.Plain(), msgs))
	case len(parsed.Messages) > 0:
		return p.rowResults(parsed, msgs)
	case parsed.accepted():
		return providers.All(len(msgs), ambiguous("the packet was accepted, but the reply has no rows"))
	case parsed.Description != "":
		return providers.All(len(msgs), p.packetResult(r, string(parsed.Description), msgs))
	default:
		return providers.All(len(msgs), p.packetResult(r, string(parsed.Status), msgs))
	}
}

// packetResult is what words about the whole packet mean. Where they are unknown, an HTTP status that is about the account or
// its pace decides; one that says that the address is wrong counts only where there are no words of the API at all.
func (p *provider) packetResult(r providers.Reply, words string, msgs []providers.Message) providers.Result {
	secrets := p.secrets(msgs...)
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

// rowResults matches rows and messages by clientId.
func (p *provider) rowResults(parsed reply, msgs []providers.Message) []providers.Result {
	byID := make(map[string][]row, len(parsed.Messages))
	for _, r := range parsed.Messages {
		id := strings.ToUpper(strings.TrimSpace(string(r.ClientID)))
		byID[id] = append(byID[id], r)
	}
	results := make([]providers.Result, len(msgs))
	for i, m := range msgs {
		switch found := byID[providers.Base32ID(m.Key)]; len(found) {
		case 0:
			results[i] = ambiguous("the reply has no row for this message")
		case 1:
			results[i] = p.rowResult(found[0], parsed.accepted(), m)
		default:
			results[i] = ambiguous("the reply has several rows for this message")
		}
	}
	return results
}

// rowResult is what one row says. An accepted row counts only in an accepted packet; a refused one in any.
func (p *provider) rowResult(r row, packetAccepted bool, m providers.Message) providers.Result {
	words := string(r.Status)
	v, _ := p.phrases.Find(words)
	var res providers.Result
	switch {
	case v.Outcome != providers.Submitted:
		res = v.Result(words, p.secrets(m)...)
		res.Status = res.Message
	case !packetAccepted:
		res = ambiguous("the message's row is accepted, but the packet isn't")
		res.Status = statusAccepted
	default:
		res.Outcome, res.Status = providers.Submitted, statusAccepted
	}
	if id := string(r.SMSCID); validID(id) {
		res.ID = id
	}
	res.Segments = r.SMSCount.Count()
	if res.Cost = r.MsgCost.Amount(); res.Cost != "" {
		res.Currency = "RUB"
	}
	return res
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
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return len(s) >= 1 && len(s) <= 72 && strings.Trim(s, allowed) == ""
}
