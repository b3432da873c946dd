package providertest

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/providers"
)

// checkSecrets makes the provider repeat what it was told: credentials, phone and text beside its verdict, and the
// whole request as its reply.
func checkSecrets(t T, s Subject) {
	for words := range s.Refusals {
		st := s.stand(t, patience)
		msgs := s.batch(0, 2)
		m := msgs[0]
		st.Verdict(s.Copy(m).To, strings.Join(append([]string{words, m.To, m.Text}, s.Secrets...), " "))
		results := st.send(t.Context(), msgs)
		require.NotEqual(t, providers.Submitted, results[0].Outcome)
	}
	for _, status := range []int{200, 302, 400, 401, 402, 403, 404, 429, 500, 503} {
		for _, shape := range []string{"%", `{"error":"%"}`, `{"error":true,"errCode":400,"errMsg":"%"}`,
			`{"status":"error","description":"%"}`, `{"status":"%"}`} {
			s.sendOver(t, s.batch(0, 1), func(r *http.Request) (*http.Response, error) {
				drain(r)
				m := s.Message(0)
				echo := strings.Join(append([]string{"you sent", m.To, m.Text}, s.Secrets...), " ")
				return respond(r, status, "application/json", strings.NewReader(strings.ReplaceAll(shape, "%", echo))), nil
			})
			s.sendOver(t, s.batch(0, 1), func(r *http.Request) (*http.Response, error) {
				return respond(r, status, "text/plain", bytes.NewReader(drain(r))), nil
			})
		}
	}
}

// checkAnyBytes gives back what no simulator would: any bytes, and true replies with pieces torn out, doubled or
// replaced. A provider neither panics nor loses a message.
func checkAnyBytes(t T, s Subject) {
	st := s.stand(t, patience)
	inner := st.client.Transport
	rapid.Check(t, func(rt *rapid.T) {
		msgs := s.batch(0, rapid.IntRange(1, 4).Draw(rt, "messages"))
		status := rapid.SampledFrom([]int{200, 200, 200, 201, 204, 301, 400, 401, 402, 403, 404, 412, 429, 500, 503, 599}).Draw(rt, "status")
		genuine := rapid.Bool().Draw(rt, "genuine")
		p := s.open(rt, st.URL(), &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if !genuine {
				drain(r)
				body := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(jsonText(3), func(s string) []byte { return []byte(s) }))
				return respond(r, status, "application/json", bytes.NewReader(body.Draw(rt, "body"))), nil
			}
			resp, err := inner.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close() //nolint:errcheck // it was read whole
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				body = mutate(rt, body)
			}
			return respond(r, status, "application/json", bytes.NewReader(body)), nil
		})}, patience)
		checkShape(rt, s, msgs, p.Send(t.Context(), msgs))
	})
}

// mutate replaces a piece of a reply.
func mutate(t *rapid.T, body []byte) []byte {
	from := rapid.IntRange(0, len(body)).Draw(t, "from")
	to := min(len(body), from+rapid.IntRange(0, 20).Draw(t, "length"))
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"", "null", "0", "-1", "1e400", "[]", "{}", `"`, ",", "99999999999999999999", string(body[from:to]) + string(body[from:to])}),
		rapid.String(),
	).Draw(t, "piece")
	return append(append(bytes.Clone(body[:from]), piece...), body[to:]...)
}

// jsonText makes well-formed JSON with the names that providers use.
func jsonText(depth int) *rapid.Generator[string] {
	scalar := rapid.SampledFrom([]string{"null", "true", "false", "0", "-508784", "2592608030", "0.00", "1e309", `""`, `"ok"`, `"error"`,
		`"accepted"`, `"send"`, `"2.35"`, `"\u0000"`, `"\ud800"`, `"not enough balance"`})
	if depth == 0 {
		return scalar
	}
	name := rapid.SampledFrom([]string{"status", "description", "messages", "clientId", "smscId", "smsCount", "msgCost", "balance",
		"information", "id_sms", "state", "num_sms", "price", "error", "errCode", "errMsg", "count", "result"})
	member := rapid.Custom(func(t *rapid.T) string {
		return `"` + name.Draw(t, "name") + `":` + jsonText(depth-1).Draw(t, "value")
	})
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(member, 0, 5), func(ms []string) string { return "{" + strings.Join(ms, ",") + "}" }),
		rapid.Map(rapid.SliceOfN(jsonText(depth-1), 0, 4), func(vs []string) string { return "[" + strings.Join(vs, ",") + "]" }))
}
