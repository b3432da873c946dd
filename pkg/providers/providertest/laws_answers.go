package providertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// askOver asks everything over a transport of the test's own.
func (s Subject) askOver(t T, rt roundTripper, check func(question, *providers.Refusal)) {
	t.Helper()
	p := s.open(t, &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, &http.Client{Transport: rt}, patience)
	for _, q := range questions(p) {
		_, refusal := s.asked(t.Context(), t, q, s.someSent(2))
		check(q, refusal)
	}
}

func checkQuestionTransport(t T, s Subject) {
	refused := func(want providers.Outcome) func(question, *providers.Refusal) {
		return func(q question, r *providers.Refusal) {
			t.Helper()
			require.NotNil(t, r, q.name)
			require.Equal(t, want, r.Outcome, "%s: %s", q.name, r.Message)
		}
	}
	broken := errors.New("the wire broke")
	s.askOver(t, func(*http.Request) (*http.Response, error) { return nil, broken }, refused(providers.Unavailable))
	s.askOver(t, func(r *http.Request) (*http.Response, error) {
		drain(r)
		return nil, broken
	}, refused(providers.Ambiguous))
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.askOver(t, func(r *http.Request) (*http.Response, error) {
			drain(r)
			resp := respond(r, status, "text/html", http.NoBody)
			resp.Header.Set("Location", "http://127.0.0.1:2/elsewhere")
			return resp, nil
		}, refused(providers.Misconfigured))
	}
	s.askOver(t, func(r *http.Request) (*http.Response, error) {
		drain(r)
		return respond(r, 200, "application/json", &endless{start: strings.NewReader(`{"status":"ok",`)}), nil
	}, refused(providers.Ambiguous))
}

func checkQuestionContext(t T, s Subject) {
	st := s.stand(t, patience)
	for _, q := range questions(st.provider) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before, _ := st.Asked()
		_, refusal := s.asked(ctx, t, q, s.someSent(2))
		require.NotNil(t, refusal, "%s has an answer after its context ended", q.name)
		after, _ := st.Asked()
		require.Equal(t, before, after, "%s: a request was made after its context ended", q.name)

		st.BreakQuestions(sim.Hang, 1)
		ctx, cancel = context.WithCancel(t.Context())
		_, arrived := st.Asked()
		go func() {
			<-arrived
			cancel()
		}()
		_, refusal = s.asked(ctx, t, q, s.someSent(2))
		cancel()
		require.NotNil(t, refusal, "%s has an answer from a provider that hangs", q.name)
		require.Equal(t, providers.Ambiguous, refusal.Outcome, "%s: %s", q.name, refusal.Message)
	}
}

// checkAnswerSecrets makes the provider repeat the credentials in every place where words may stand.
func checkAnswerSecrets(t T, s Subject) {
	echo := strings.NewReplacer("%", strings.ReplaceAll(strings.Join(s.Secrets, " "), `"`, `\"`))
	for _, status := range []int{200, 400, 401, 403, 429, 500} {
		for _, shape := range []string{"%", `{"error":"%"}`, `{"status":"error","description":"%"}`, `{"status":"%"}`,
			`{"status":"ok","messages":[{"smscId":"10","status":"%"}],"senders":[{"name":"A","status":"%","info":"%"}],"balance":[{"balance":1,"type":"%"}],"version":"%"}`,
			`[{"id_sms":"10","state":"%"}]`, `{"money":"1","currency":"%","information":[{"type_sms":"%","area":"%","num_sms":1}]}`} {
			s.askOver(t, func(r *http.Request) (*http.Response, error) {
				drain(r)
				return respond(r, status, "application/json", strings.NewReader(echo.Replace(shape))), nil
			}, func(question, *providers.Refusal) {})
		}
		s.askOver(t, func(r *http.Request) (*http.Response, error) {
			return respond(r, status, "text/plain", bytes.NewReader(drain(r))), nil
		}, func(question, *providers.Refusal) {})
	}
}

// checkAnyAnswer is checkAnyBytes for questions.
func checkAnyAnswer(t T, s Subject) {
	st := s.stand(t, patience)
	inner := st.client.Transport
	rapid.Check(t, func(rt *rapid.T) {
		status := rapid.SampledFrom([]int{200, 200, 200, 204, 301, 400, 401, 403, 404, 429, 500}).Draw(rt, "status")
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
		qs := questions(p)
		if len(qs) == 0 {
			return
		}
		// Whether there is an answer is of no matter here.
		_, _ = s.asked(t.Context(), rt, rapid.SampledFrom(qs).Draw(rt, "question"), s.someSent(rapid.IntRange(1, 3).Draw(rt, "messages")))
	})
}
