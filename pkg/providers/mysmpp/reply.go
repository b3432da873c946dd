package mysmpp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// reply is the body of an answer: either an error about the packet, or a row for each of its phones.
type reply struct {
	Error       providers.Scalar `json:"error"`
	Information []row            `json:"information"`
}

// row is what became of one phone.
type row struct {
	State providers.Scalar `json:"state"`
	ID    providers.Scalar `json:"id_sms"`
	Error providers.Scalar `json:"error"`
}

// reader tells what replies mean.
type reader struct {
	meanings, repeats providers.Phrases
	states            providers.ReceiptWords
	secrets           []providers.Secret
}

// results tells what became of the messages that were asked for, in the order of the packet's phones.
func (rd reader) results(r providers.Reply, asked []providers.Message) []providers.Result {
	var body reply
	redirected := r.Status >= 300 && r.Status < 400
	unread := r.Fate != providers.Answered || redirected || json.Unmarshal(r.Body, &body) != nil
	if !unread && len(body.Information) == len(asked) {
		results := make([]providers.Result, len(asked))
		for i, m := range asked {
			results[i] = rd.row(body.Information[i], append(slices.Clip(rd.secrets), providers.Secret(m.Text)))
		}
		return results
	}

	// What is said of the packet is said of every message, and may repeat the text of any.
	secrets := slices.Clone(rd.secrets)
	for _, m := range asked {
		secrets = append(secrets, providers.Secret(m.Text))
	}
	slices.Sort(secrets)
	secrets = slices.Compact(secrets)
	var res providers.Result
	switch words := strings.TrimSpace(string(body.Error)); {
	case unread, words == "" && body.Information == nil:
		res = r.Result(secrets...)
	case words != "" && len(body.Information) == 0:
		res = rd.packetError(r, words, len(asked), secrets)
	default: // nobody can tell whose the rows are
		res = providers.Verdict{Outcome: providers.Ambiguous}.Result(
			fmt.Sprintf("the reply has %d rows for %d phones", len(body.Information), len(asked)))
	}
	return providers.All(len(asked), res)
}

// packetError is the result of each of n messages whose packet was refused as a whole.
func (rd reader) packetError(r providers.Reply, words string, n int, secrets []providers.Secret) providers.Result {
	v, known := rd.meanings.Find(words)
	switch {
	case !known:
		// The words say nothing; the status may.
		byStatus := r.Result()
		if o := byStatus.Outcome; o == providers.Unauthorized || o == providers.InsufficientFunds || o == providers.Throttled {
			res := providers.Verdict{Outcome: o}.Result(words, secrets...)
			res.RetryAfter = byStatus.RetryAfter
			return res
		}
	case n > 1 && (v.Outcome == providers.Rejected || v.Outcome == providers.ClosedDestination):
		// The words are about one message, and nobody can tell about which, nor what became of the others.
		v = providers.Verdict{Outcome: providers.Ambiguous}
	}
	return v.Result(words, secrets...)
}

// row is the result of one message. Only a state with an id and without an error is success; words that aren't known, or
// that contradict the state, leave the message ambiguous.
func (rd reader) row(r row, secrets []providers.Secret) providers.Result {
	id, state, words := r.id(), strings.ToLower(strings.TrimSpace(string(r.State))), strings.TrimSpace(string(r.Error))
	_, repeated := rd.repeats.Find(words)
	// The document knows `send`; the others are those of a status request, in which a repeated message, whose earlier id
	// comes back, may be already.
	_, _, known := rd.states.Find(state)

	res := providers.Result{Outcome: providers.Submitted}
	switch {
	case id != "" && (repeated || known && words == ""):
	case words == "" && known:
		res = providers.Verdict{Outcome: providers.Ambiguous}.Result(fmt.Sprintf("state %s without an id", state), secrets...)
	default:
		// A sibling interface of the platform puts the words where the state belongs.
		words = cmp.Or(words, string(r.State), "neither a known state nor an error")
		v, _ := rd.meanings.Find(words)
		if known && id != "" && v.Outcome.SurelyNotSent() {
			v = providers.Verdict{Outcome: providers.Ambiguous}
		}
		res = v.Result(words, secrets...)
	}
	if !res.Outcome.SurelyNotSent() {
		res.ID = id
	}
	if res.Status = state; !known {
		res.Status = providers.Redact(state, secrets...)
	}
	return res
}

// id is the provider's number of the message; empty where there is none.
func (r row) id() string {
	if id := strings.TrimSpace(string(r.ID)); validID(id) {
		return id
	}
	return ""
}

// validID tells whether an id is one of the provider's: a number above 0.
func validID(id string) bool {
	return len(id) <= 32 && strings.Trim(id, "0123456789") == "" && strings.Trim(id, "0") != ""
}
