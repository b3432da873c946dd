package mysmpp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/providers"
)

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	moscow = must(time.LoadLocation(DefaultTimezone))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestGroups(t *testing.T) {
	msg := func(to string, key byte, change func(*providers.Message)) providers.Message {
		m := providers.Message{Key: [32]byte{key}, Channel: providers.SMS, To: to, Sender: "Shop", Text: "one"}
		if change != nil {
			change(&m)
		}
		return m
	}
	two := func(m *providers.Message) { m.Text = "two" }
	p := newPlan([]providers.Message{
		msg("+79000000001", 1, nil),
		msg("+79000000002", 2, two),
		msg("+79000000003", 3, func(m *providers.Message) { m.Sender = "" }),
		msg("+79000000004", 4, func(m *providers.Message) { m.Channel = providers.Viber }),
		msg("+79000000005", 5, func(m *providers.Message) { m.Sender = "Other" }),
		msg("+79000000006", 6, nil),
		msg("+79000000007", 7, two),
	}, "", moscow, noon)

	var got [][]string
	for _, g := range p.groups {
		row := []string{g.Type, g.Sender, g.Text}
		for _, ph := range g.Phones {
			row = append(row, ph.Phone)
		}
		got = append(got, row)
	}
	require.Equal(t, [][]string{
		{"sms", "Shop", "one", "79000000001", "79000000006"},
		{"sms", "Shop", "two", "79000000002", "79000000007"},
		{"viber", "Shop", "one", "79000000004"},
		{"sms", "Other", "one", "79000000005"},
	}, got)
	require.Equal(t, []int{0, 5, 1, 6, 3, 4}, p.order)
	require.Equal(t, providers.Rejected, p.results[2].Outcome)
	require.Equal(t, providers.InvalidSender, p.results[2].Code)
}

func TestAccountSenderFillsIn(t *testing.T) {
	m := providers.Message{Channel: providers.SMS, To: "+79000000001", Text: "one"}
	p := newPlan([]providers.Message{m}, "Account", moscow, noon)
	require.Equal(t, "Account", p.groups[0].Sender)
}

// Every message is either answered without asking or stands in the packet exactly once, at its place in the order.
func TestPlanLosesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		msgs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) providers.Message {
			return providers.Message{
				Key:     [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")),
				Channel: rapid.SampledFrom([]providers.Channel{providers.SMS, providers.Viber, providers.Push}).Draw(t, "channel"),
				To:      rapid.SampledFrom([]string{"+79000000001", "+79000000002", "", "+7900x", "+"}).Draw(t, "to"),
				Sender:  rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "sender"),
				Text:    rapid.SampledFrom([]string{"x", "y"}).Draw(t, "text"),
			}
		}), 1, 40).Draw(t, "msgs")
		p := newPlan(msgs, "", moscow, noon)
		seen := map[int]bool{}
		at := 0
		for _, g := range p.groups {
			require.NotEmpty(t, g.Phones)
			for _, ph := range g.Phones {
				i := p.order[at]
				at++
				require.False(t, seen[i])
				seen[i] = true
				m := msgs[i]
				require.Equal(t, "+"+ph.Phone, m.To)
				require.Equal(t, []string{string(m.Channel), m.Sender, m.Text}, []string{g.Type, g.Sender, g.Text})
				require.Regexp(t, `^[0-9]{18}$`, ph.ClientIDSMS)
			}
		}
		require.Len(t, p.order, at)
		for i, r := range p.results {
			require.NotEqual(t, seen[i], r.Outcome.SurelyNotSent())
		}
	})
}

func TestRefusedWithoutAsking(t *testing.T) {
	for name, tc := range map[string]struct {
		m    providers.Message
		code providers.Code
	}{
		"no sender": {providers.Message{Channel: providers.SMS, To: "+79000000001", Text: "x"}, providers.InvalidSender},
		"push":      {providers.Message{Channel: providers.Push, To: "+79000000001", Sender: "S"}, providers.InvalidContent},
		"audience": {providers.Message{Channel: providers.SMS, Sender: "S", Text: "x",
			Audience: &providers.Audience{Collection: "users", Everyone: true}}, providers.InvalidRecipient},
		"no phone":  {providers.Message{Channel: providers.SMS, Sender: "S", Text: "x"}, providers.InvalidRecipient},
		"no digits": {providers.Message{Channel: providers.SMS, To: "+7 900", Sender: "S", Text: "x"}, providers.InvalidRecipient},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlan([]providers.Message{tc.m}, "", moscow, noon)
			require.Empty(t, p.groups)
			require.Empty(t, p.order)
			require.Equal(t, providers.Rejected, p.results[0].Outcome)
			require.Equal(t, tc.code, p.results[0].Code)
			require.NotContains(t, p.results[0].Message, "900")
		})
	}
}

func TestValidityPeriod(t *testing.T) {
	berlin := must(time.LoadLocation("Europe/Berlin"))
	// Berlin's clocks go back from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC.
	firstHalfPastTwo := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		expires, now time.Time
		zone         *time.Location
		want         string
		late         bool
	}{
		"never":                          {time.Time{}, noon, moscow, "", false},
		"in the account's zone":          {noon.Add(time.Hour), noon, moscow, "2026-11-22 16:00:00", false},
		"another zone":                   {noon.Add(time.Hour), noon, berlin, "2026-11-22 14:00:00", false},
		"down to the second":             {noon.Add(90*time.Second + 999*time.Millisecond), noon, moscow, "2026-11-22 15:01:30", false},
		"the next second":                {noon.Add(time.Second), noon.Add(999 * time.Millisecond), moscow, "2026-11-22 15:00:01", false},
		"within the same second":         {noon.Add(999 * time.Millisecond), noon, moscow, "", true},
		"now":                            {noon, noon, moscow, "", true},
		"past":                           {noon.Add(-time.Hour), noon, moscow, "", true},
		"an hour repeated, nameable":     {firstHalfPastTwo.Add(70 * time.Minute), firstHalfPastTwo, berlin, "2026-10-25 02:40:00", false},
		"an hour repeated, wall is past": {firstHalfPastTwo.Add(45 * time.Minute), firstHalfPastTwo, berlin, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, late := validityPeriod(tc.expires, tc.zone, tc.now)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.late, late)
		})
	}
}

func TestLateMessageIsLeftToDispatch(t *testing.T) {
	p := newPlan([]providers.Message{{Channel: providers.SMS, To: "+79000000001", Sender: "S", Text: "x",
		ExpiresAt: noon.Add(-time.Second)}}, "", moscow, noon)
	require.Empty(t, p.groups)
	require.Equal(t, providers.Unavailable, p.results[0].Outcome)
}
