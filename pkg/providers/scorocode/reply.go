package scorocode

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// reply is the body of any answer, whatever its HTTP status.
type reply struct {
	Error   json.RawMessage  `json:"error"` // true or false
	Count   providers.Scalar `json:"count"` // recipients found
	ErrCode providers.Scalar `json:"errCode"`
	ErrMsg  providers.Scalar `json:"errMsg"`
}

// interpret tells what became of the message.
func interpret(r providers.Reply, secrets []providers.Secret) providers.Result {
	var body reply
	redirected := r.Status >= 300 && r.Status < 400
	if r.Fate != providers.Answered || redirected || json.Unmarshal(r.Body, &body) != nil {
		return r.Result(secrets...)
	}
	switch string(bytes.Trim(body.Error, `"`)) {
	case "true":
		return refused(r, body, secrets)
	case "false":
		if body.ErrCode == "" && body.ErrMsg == "" {
			return counted(body.Count, secrets)
		}
		return providers.Verdict{Outcome: providers.Ambiguous}.Result("no error, but: "+string(body.ErrMsg), secrets...)
	}
	return r.Result(secrets...)
}

// counted is the result of a message that Scorocode took for count recipients.
func counted(count providers.Scalar, secrets []providers.Secret) providers.Result {
	n, err := strconv.Atoi(strings.TrimSpace(string(count)))
	switch {
	case err != nil || n < 0:
		return providers.Verdict{Outcome: providers.Ambiguous}.Result("no error, but no count of recipients either", secrets...)
	case n == 0:
		return providers.Verdict{Outcome: providers.Rejected, Code: providers.NoRecipients}.Result("the query finds nobody", secrets...)
	}
	return providers.Result{Outcome: providers.Submitted, Recipients: n}
}

// refused is the result of an error. Its code decides; where it has none that says anything, the HTTP status.
func refused(r providers.Reply, body reply, secrets []providers.Secret) providers.Result {
	code, err := strconv.Atoi(strings.TrimSpace(string(body.ErrCode)))
	if err != nil || code < 400 || code > 599 {
		code = r.Status
	}
	words := strings.TrimSpace(string(body.ErrMsg))
	res := meaning(code, words).Result(words, secrets...)
	if res.Outcome == providers.Throttled {
		res.RetryAfter = r.RetryAfter
	}
	return res
}

// meaning is what an error code says. The document tells 4XX and 5XX apart and no more.
func meaning(code int, words string) providers.Verdict {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return providers.Verdict{Outcome: providers.Unauthorized}
	case http.StatusPaymentRequired:
		return providers.Verdict{Outcome: providers.InsufficientFunds}
	case http.StatusTooManyRequests:
		return providers.Verdict{Outcome: providers.Throttled}
	case http.StatusRequestTimeout:
		return providers.Verdict{Outcome: providers.Ambiguous} // a timeout doesn't say how far it came
	}
	switch {
	case code < 400 || code > 499:
		return providers.Verdict{Outcome: providers.Ambiguous}
	case strings.HasPrefix(strings.ToLower(words), "invalid collection"):
		return providers.Verdict{Outcome: providers.Misconfigured}
	}
	return providers.Verdict{Outcome: providers.Rejected, Code: providers.InvalidContent}
}
