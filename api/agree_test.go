package api

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawDocument makes the members of a job from good and bad values alike.
func drawDocument(t *rapid.T) []byte {
	time := rapid.SampledFrom([]string{`"2026-11-22T20:00:00Z"`, `"2026-11-22T20:00:00.5+03:00"`, `"2027-01-01T00:00:00-01:00"`, `"2026-11-22"`, `"2026-02-30T00:00:00Z"`, `7`})
	inner := rapid.SampledFrom([]string{`{}`, `{"a":1}`, `{"a":{"b":[1.5,null]},"c":"я"}`, `[]`, `"x"`, `null`, `true`})
	quoted := rapid.Map(rapid.String(), func(s string) string {
		data, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(data)
	})
	either := func(good ...string) *rapid.Generator[string] {
		return rapid.OneOf(rapid.SampledFrom(good), rapid.SampledFrom(good), quoted, inner)
	}
	pick := func(pools map[string]*rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string { return drawObject(t, pools) })
	}
	everyone := rapid.SampledFrom([]string{`true`, `false`, `"true"`})
	audience := pick(map[string]*rapid.Generator[string]{"collection": either(`"users"`, `"roles"`, `"devices"`), "query": inner, "everyone": everyone})
	gcm := pick(map[string]*rapid.Generator[string]{"protocol": either(`"http"`, `"xmpp"`), "notification": inner, "data": inner, "more": inner})
	apns := pick(map[string]*rapid.Generator[string]{
		"id":    either(`"123e4567-e89b-12d3-a456-42665544000"`),
		"topic": inner, "collapseId": quoted, "expiration": time, "priority": either(`5`, `10`, `"5"`, `7`, `5.0`), "aps": inner,
	})
	push := pick(map[string]*rapid.Generator[string]{"gcm": rapid.OneOf(gcm, inner), "apns": rapid.OneOf(apns, inner)})
	text := rapid.OneOf(quoted, either(`"Hi"`, `"\u0410"`, `" "`, `""`))
	return []byte(drawObject(t, map[string]*rapid.Generator[string]{
		"id": either(`"a"`, `"ord-42"`, `"A_1.b:c"`), "channel": either(`"sms"`, `"viber"`, `"push"`), "to": either(`"+79612242243"`, `"8 (961) 224-22-43"`, `"112"`),
		"audience": rapid.OneOf(audience, inner), "sender": either(`"MyShop"`, `""`), "text": text, "push": rapid.OneOf(push, inner),
		"send_at": time, "expires_at": time, "metadata": rapid.OneOf(inner, pick(map[string]*rapid.Generator[string]{"k": quoted, "l": text})),
		"colour": rapid.Just(`1`),
	}))
}

// likely are the members that a job nearly always has.
var likely = map[string]bool{"id": true, "channel": true, "to": true, "text": true, "collection": true}

func drawObject(t *rapid.T, members map[string]*rapid.Generator[string]) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(members)) {
		dice := rapid.IntRange(0, 9).Draw(t, "has "+name)
		if dice > 7 && likely[name] || dice > 2 && !likely[name] {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":` + members[name].Draw(t, name))
	}
	return "{" + b.String() + "}"
}

func TestJobsAgree(t *testing.T) {
	schema := compile(t, "job.schema.json")
	rapid.Check(t, func(t *rapid.T) { agree(t, schema, drawDocument(t)) })
}

func FuzzJob(f *testing.F) {
	schema := compile(f, "job.schema.json")
	for _, pattern := range []string{"jobs/valid/*.json", "jobs/invalid/*.json"} {
		for _, data := range goldens(f, pattern) {
			f.Add(data)
		}
	}
	// Numbers of millions of digits are the validator's to expand, and no concern of ours.
	enormous := regexp.MustCompile(`[eE][+-]?[0-9]{4}`)
	// In an hour or two of the years 1 and 2 the offset decides; nobody sends then.
	ancient := regexp.MustCompile(`"000[12]-`)
	f.Fuzz(func(t *testing.T, data []byte) {
		if enormous.Match(data) || ancient.Match(data) {
			t.Skip()
		}
		agree(t, schema, data)
	})
}
