package receipts

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/providers"
)

type noQueue struct{ providers.ReceiptQueue }

func defaults() *Account {
	return &Account{Every: time.Second, Idle: 15 * time.Second, AskAfter: 10 * time.Minute, GiveUp: 72 * time.Hour}
}

// Often while rows come or young messages wait, without a pause while replies are full, and seldom else.
func TestReadsAreOftenWhileThereIsSomethingToExpect(t *testing.T) {
	a := defaults()
	var p pace
	require.Zero(t, p.afterAnswer(a, 1000, 1000, false))
	require.Equal(t, a.Every, p.afterAnswer(a, 1, 1000, false))
	require.Equal(t, a.Every, p.afterAnswer(a, 0, 1000, true))
	require.Equal(t, a.Idle, p.afterAnswer(a, 0, 1000, false))

	now := time.Now()
	require.True(t, a.expecting(1, now.Add(-time.Minute), now))
	require.False(t, a.expecting(0, now, now))
	require.False(t, a.expecting(1, now.Add(-time.Hour), now), "what is that old is asked about")
}

func TestFailuresArePaced(t *testing.T) {
	a := defaults()
	var p pace
	last := time.Duration(0)
	for range 100 {
		d := p.afterFailure(a, nil)
		require.GreaterOrEqual(t, d, max(last, a.Every))
		require.LessOrEqual(t, d, failedLongest)
		last = d
	}
	require.Equal(t, failedLongest, last)
	require.Equal(t, time.Hour, p.afterFailure(a, &providers.Refusal{RetryAfter: time.Hour}))
	p.afterAnswer(a, 0, 0, false)
	require.Equal(t, a.Every, p.afterFailure(a, nil))
}

// A message is asked about ever more seldom, some dozens of times in all, and at its end for the last time.
func TestQuestionsArePacedByAge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := defaults()
		if rapid.Bool().Draw(t, "with a queue") {
			a.Queue = noQueue{}
		}
		a.Idle = time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Minute)).Draw(t, "idle"))
		a.GiveUp = time.Duration(rapid.Int64Range(int64(a.AskAfter), int64(200*time.Hour)).Draw(t, "give up"))
		sent := time.Now()
		end := sent.Add(a.GiveUp)
		now := sent.Add(min(a.firstAsk(), a.GiveUp))
		asked := 0
		for now.Before(end) {
			asked++
			next := a.nextAsk(sent, now)
			require.True(t, next.After(now))
			require.False(t, next.After(end))
			require.True(t, next.Equal(end) || next.Sub(now) >= a.firstAsk())
			now = next
		}
		require.Less(t, asked, 100)
	})
}
