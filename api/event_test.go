package api

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

func TestGoldenEventsFit(t *testing.T) {
	schema := compile(t, "event.schema.json")
	for name, data := range goldens(t, "events/*.json") {
		require.NoError(t, check(schema, data), name)
	}
}

// drawEvent makes an event as workers tell them.
func drawEvent(t *rapid.T) *job.Event {
	token := rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,31}`)
	words := rapid.Map(rapid.String(), func(s string) string { return job.Mask(s, 500) })
	count := rapid.IntRange(0, 1_000_000)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(0, rapid.Int64Range(0, 4_000_000_000_000_000_000).Draw(t, "ns"))
	})
	e := &job.Event{
		Job: rapid.StringMatching(`[A-Za-z0-9_.:-]{1,64}`).Draw(t, "job"), Tenant: token.Draw(t, "tenant"), Route: token.Draw(t, "route"),
		Lane: rapid.SampledFrom(job.Lanes()).Draw(t, "lane"), Channel: rapid.SampledFrom(job.Channels()).Draw(t, "channel"),
		State: rapid.SampledFrom(job.States()).Draw(t, "state"), Sequence: rapid.IntRange(1, 100).Draw(t, "sequence"),
		At: at.Draw(t, "at"), Attempt: count.Draw(t, "attempt"),
	}
	e.Final = e.State.Final(rapid.Bool().Draw(t, "reports delivery"))
	if e.State == job.Duplicate || e.State == job.Rejected && rapid.Bool().Draw(t, "on admission") {
		e.Sequence = 0
		e.Publication = rapid.StringMatching(`[A-Z0-9_]{1,114}:[1-9][0-9]{0,18}`).Draw(t, "publication")
		e.Tenant = rapid.StringMatching(`[^.*> \x00-\x1f]{1,80}`).Draw(t, "any token")
		if rapid.Bool().Draw(t, "no id") {
			e.Job, e.Channel = e.Publication, ""
		}
	}
	if rapid.Bool().Draw(t, "asked") {
		e.Account, e.Provider = token.Draw(t, "account"), token.Draw(t, "provider")
		e.ProviderID, e.ProviderStatus = words.Draw(t, "provider id"), words.Draw(t, "provider status")
		e.Segments, e.Recipients = count.Draw(t, "segments"), count.Draw(t, "recipients")
		e.Cost = rapid.StringMatching(`(-?[0-9]{1,9}(\.[0-9]{1,9})?)?`).Draw(t, "cost")
		e.Currency = rapid.SampledFrom([]string{"", "RUB", "SMS"}).Draw(t, "currency")
	}
	switch e.State {
	case job.Scheduled, job.Submitted, job.Delivered, job.Duplicate:
	default:
		e.Error = &job.Reason{Code: rapid.SampledFrom(job.Codes()).Draw(t, "code"), Message: words.Draw(t, "message")}
	}
	if e.State == job.Retrying {
		e.RetryAt = at.Draw(t, "retry at")
	}
	e.Metadata = rapid.MapOfN(rapid.String(), rapid.String(), 0, job.MaxMetadata).Draw(t, "metadata")
	return e
}

func TestEncodedEventsFit(t *testing.T) {
	schema := compile(t, "event.schema.json")
	rapid.Check(t, func(t *rapid.T) {
		data, err := drawEvent(t).Encode()
		require.NoError(t, err)
		require.NoError(t, check(schema, data), "%s", data)
	})
}

// What no worker tells doesn't fit; what a later one may tell beside does.
func TestEventRules(t *testing.T) {
	schema := compile(t, "event.schema.json")
	const whole = `{"job":"a","tenant":"shop","route":"otp","lane":"urgent","channel":"sms","state":"submitted","final":false,"sequence":1,` +
		`"at":"2026-11-22T20:00:00.123Z"}`
	require.NoError(t, check(schema, []byte(whole)))
	for _, c := range []struct {
		old, new string
		fits     bool
	}{
		{`"final":false`, `"final":true`, true},
		{`"final":false`, `"final":false,"later":{"x":[1]}`, true},
		{`"channel":"sms",`, ``, true},
		{`"job":"a",`, ``, false},
		{`"job":"a"`, `"job":"a b"`, false},
		{`"job":"a"`, `"job":""`, false},
		{`"tenant":"shop"`, `"tenant":"Shop"`, false},
		{`"route":"otp"`, `"route":"-otp"`, false},
		{`"urgent"`, `"Urgent"`, false},
		{`"submitted"`, `"sent"`, false},
		{`"submitted"`, `"delivered"`, false}, // not final
		{`"submitted","final":false`, `"delivered","final":true`, true},
		{`"submitted"`, `"scheduled"`, true},
		{`"submitted","final":false`, `"scheduled","final":true`, false},
		{`"submitted"`, `"waiting"`, false}, // no reason
		{`"submitted"`, `"waiting","error":{"code":"insufficient_funds"}`, true},
		{`"submitted"`, `"waiting","error":{"code":"no_money"}`, false},
		{`"submitted"`, `"waiting","error":{"message":"no money"}`, false},
		{`"submitted"`, `"retrying","error":{"code":"unavailable"}`, false}, // no time
		{`"submitted"`, `"retrying","error":{"code":"unavailable"},"retry_at":"2026-11-22T20:00:05Z"`, true},
		{`"submitted"`, `"retrying","error":{"code":"unavailable"},"retry_at":"2026-11-22T20:00:05+03:00"`, false},
		{`"submitted"`, `"duplicate"`, false}, // about no publication
		{`"sequence":1`, `"sequence":0`, false},
		{`"submitted","final":false,"sequence":1`, `"duplicate","final":false,"sequence":0,"publication":"S:1"`, true},
		{`"submitted","final":false,"sequence":1`, `"duplicate","final":false,"sequence":0,"publication":"S:0"`, false},
		{`"submitted","final":false,"sequence":1`, `"expired","final":true,"sequence":0,"publication":"S:1","error":{"code":"expired"}`, false},
		{`"sequence":1`, `"sequence":-1`, false},
		{`"sequence":1`, `"sequence":1,"cost":2.35`, false},
		{`"sequence":1`, `"sequence":1,"cost":"2,35"`, false},
		{`"sequence":1`, `"sequence":1,"segments":0`, false},
		{`"sequence":1`, `"sequence":1,"metadata":{"k":1}`, false},
		{`"2026-11-22T20:00:00.123Z"`, `"2026-11-22T20:00:00Z"`, false},
	} {
		require.Contains(t, whole, c.old)
		data := strings.Replace(whole, c.old, c.new, 1)
		err := check(schema, []byte(data))
		require.Equal(t, c.fits, err == nil, "%s: %v", data, err)
	}
}
