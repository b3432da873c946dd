package providertest

import (
	"reflect"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

func checkKind(t T, s Subject) {
	k := s.Kind
	require.Regexp(t, `^[a-z][a-z0-9]*$`, k.Name)
	require.NotEmpty(t, k.Traits.Channels)
	require.GreaterOrEqual(t, k.Traits.MaxBatch, 1)
	require.GreaterOrEqual(t, k.Traits.DefaultBatch, 1)
	require.LessOrEqual(t, k.Traits.DefaultBatch, k.Traits.MaxBatch)
	require.GreaterOrEqual(t, k.Traits.DefaultInFlight, 1)
	require.GreaterOrEqual(t, k.Traits.InFlightTotal, 0)
	first, second := s.Message(1), s.Message(2)
	require.NotEqual(t, s.Copy(first), s.Copy(second), "the subject's messages can't be told apart")
	require.True(t, k.Traits.Carries(first.Channel), "the subject's messages are of a channel that isn't carried")
	if key := k.Traits.PacketKey; key != nil {
		require.Equal(t, key(first), key(second), "the subject's messages can't share a packet")
	}

	zero := k.Settings()
	require.NotEmpty(t, zero.Validate(), "an account without credentials is found valid")
	require.NotSame(t, zero, k.Settings(), "two accounts share their settings")
	v := reflect.ValueOf(zero)
	require.Equal(t, reflect.Pointer, v.Kind())
	for i := range v.Elem().NumField() {
		f := v.Elem().Type().Field(i)
		require.NotEmpty(t, f.Tag.Get("yaml"), "settings field %s has no yaml tag", f.Name)
		require.Equal(t, reflect.String, f.Type.Kind(), "settings field %s is no string", f.Name)
	}
}

// Every other message is refused, so that results in another order than the messages show.
func checkOrder(t T, s Subject) {
	for _, n := range []int{1, 2, 3, s.Kind.Traits.MaxBatch} {
		st := s.stand(t, patience)
		msgs := s.batch(0, n)
		refused := func(i int) bool { return i%2 == 1 && len(s.Refusals) > 0 }
		for i, m := range msgs {
			for words := range s.Refusals {
				if refused(i) && s.Refusals[words].Outcome == providers.Rejected {
					st.Verdict(s.Copy(m).To, words)
				}
			}
		}
		results := st.send(t.Context(), msgs)
		for i, r := range results {
			want := providers.Submitted
			if _, scripted := st.Scripted(s.Copy(msgs[i]).To); scripted {
				want = providers.Rejected
			}
			require.Equal(t, want, r.Outcome, "message %d of %d: %s", i, len(msgs), r.Message)
		}
		require.Equal(t, 1, st.Requests())
		st.checkLedger(msgs, results)
	}
}

// outcomes are what a fault of the simulator must be reported as.
func outcomes() map[sim.Fault]providers.Outcome {
	return map[sim.Fault]providers.Outcome{
		sim.None:        providers.Submitted,
		sim.Slow:        providers.Submitted,
		sim.Refused:     providers.Unavailable,
		sim.TooMany:     providers.Throttled,
		sim.Redirect:    providers.Misconfigured,
		sim.ResetBefore: providers.Ambiguous,
		sim.ResetAfter:  providers.Ambiguous,
		sim.Error500:    providers.Ambiguous,
		sim.HTML502:     providers.Ambiguous,
		sim.Truncated:   providers.Ambiguous,
		sim.Garbage:     providers.Ambiguous,
		sim.Huge:        providers.Ambiguous,
	}
}

func checkFaults(t T, s Subject) {
	for fault, want := range outcomes() {
		st := s.stand(t, patience)
		warm := s.batch(1000, 1) // so that the fault meets a connection that is kept
		require.Equal(t, providers.Submitted, st.send(t.Context(), warm)[0].Outcome)
		st.Forget()

		if fault == sim.Refused {
			st.client.CloseIdleConnections() // a request on a kept one would be ambiguous
		}
		st.Break(fault, 1)
		msgs := s.batch(0, 3)
		results := st.send(t.Context(), msgs)
		for i, r := range results {
			require.Equal(t, want, r.Outcome, "%v: message %d: %s", fault, i, r.Message)
			if fault == sim.TooMany {
				require.Equal(t, sim.RetryAfter*time.Second, r.RetryAfter, "Retry-After isn't passed on")
			}
		}
		if fault != sim.Refused {
			require.Equal(t, 1, st.Requests(), "%v: more than one request", fault)
		}
		st.Break(sim.None, 0)
		after := s.batch(2000, 1)
		require.Equal(t, providers.Submitted, st.send(t.Context(), after)[0].Outcome, "after %v", fault)
		st.checkLedger(msgs, results)
	}
	if s.Rowless || s.Kind.Traits.MaxBatch < 2 {
		return
	}
	for _, fault := range []sim.Fault{sim.WrongRows, sim.MissingRows} {
		st := s.stand(t, patience)
		st.Break(fault, 1)
		msgs := s.batch(0, 3)
		results := st.send(t.Context(), msgs)
		ambiguous := 0
		for i, r := range results {
			require.False(t, r.Outcome.SurelyNotSent(), "%v: message %d is reported %v", fault, i, r.Outcome)
			if r.Outcome == providers.Ambiguous {
				ambiguous++
			}
		}
		require.NotZero(t, ambiguous, "%v goes unnoticed", fault)
		st.checkLedger(msgs, results)
	}
}

func checkRefusals(t T, s Subject) {
	require.NotEmpty(t, s.Refusals, "the subject names no refusal")
	for words, want := range s.Refusals {
		st := s.stand(t, patience)
		msgs := s.batch(0, 3)
		st.Verdict(s.Copy(msgs[0]).To, words)
		results := st.send(t.Context(), msgs)
		require.Equal(t, want.Outcome, results[0].Outcome, "%q", words)
		require.Equal(t, want.Result(words).Code, results[0].Code, "%q", words)
		for i, r := range results[1:] {
			require.Equal(t, providers.Submitted, r.Outcome, "message %d beside %q: %s", i+1, words, r.Message)
		}
		st.checkLedger(msgs, results)
	}
}

func checkConcurrency(t T, s Subject) {
	const senders, rounds = 8, 6
	st := s.stand(t, patience)
	faults := []sim.Fault{sim.None, sim.ResetAfter, sim.Slow, sim.TooMany, sim.Truncated}
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		msgs    []providers.Message
		results []providers.Result
	)
	for sender := range senders {
		wg.Go(func() {
			for round := range rounds {
				batch := s.batch((sender*rounds+round)*10, 5)
				st.Break(faults[(sender+round)%len(faults)], 1)
				rs := st.provider.Send(t.Context(), batch)
				mu.Lock()
				msgs, results = append(msgs, batch...), append(results, rs...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	checkShape(t, s, msgs, results)
	require.Equal(t, senders*rounds, st.Requests())
	st.checkLedger(msgs, results)
}

func checkLeaks(t T, s Subject) {
	before := goleak.IgnoreCurrent()
	for fault := range outcomes() {
		st := s.stand(t, patience)
		st.Break(fault, 1)
		st.send(t.Context(), s.batch(0, 2))
		st.client.CloseIdleConnections()
		st.Close()
	}
	require.NoError(t, goleak.Find(before))
}
