package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

const wire = "../pkg/dispatch/job/testdata/"

func goldens(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(wire + pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names)
	all := make(map[string][]byte, len(names))
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		all[strings.TrimSuffix(filepath.Base(name), ".json")] = data
	}
	return all
}

// unsaid is what the decoder refuses and a schema can't tell; the descriptions do.
var unsaid = map[string]string{
	"to: has not the length of a phone in its country": "numbering plans",
	"to: is not a phone, or has no country code":       "numbering plans, and the region, which is the worker's",
	"to: must be one phone: digits, spaces and + - . ( ) only": "letters and signs beyond ASCII: regular expressions don't agree about them in " +
		"all languages, so the pattern takes them for digits or spaces",
	"to: is empty":                        "the same: nothing but spaces beyond ASCII",
	"text: is longer than 10 segments":    "segments",
	"expires_at: is before send_at":       "an order between two fields",
	"push.apns.priority: must be 5 or 10": "the spelling of a number, such as 5.0",
	"is larger than 64 KiB":               "bytes",
}

// unread is what no schema ever sees: the JSON itself is wrong, or wrong to all but lax parsers.
var unread = regexp.MustCompile(`is given twice$|valid JSON|not valid UTF-8$|not one valid JSON object$|ends too soon$`)

// agree holds the schema to the decoder: what one takes the other does, but for the unsaid.
func agree(t require.TestingT, schema *jsonschema.Schema, data []byte) {
	_, refused := job.Decode(data, "RU")
	unfit := check(schema, data)
	switch {
	case refused == nil:
		require.NoError(t, unfit, "the decoder takes it: %s", data)
	case unfit == nil && !unread.MatchString(refused.Error()):
		require.Contains(t, unsaid, refused.Error(), "the schema takes it: %s", data)
	}
}

func TestValidJobsFit(t *testing.T) {
	schema := compile(t, "job.schema.json")
	for name, data := range goldens(t, "jobs/valid/*.json") {
		require.NoError(t, check(schema, data), name)
	}
}

// Those invalid jobs that the schema takes are known by name.
func TestInvalidJobsDoNotFit(t *testing.T) {
	schema := compile(t, "job.schema.json")
	beyond := map[string]bool{
		"duplicate-escaped": true, "duplicate-id": true, "duplicate-metadata": true, "audience-query-duplicate-key": true, "push-duplicate-key": true,
		"utf8-invalid": true, "utf8-surrogate": true, "large": true,
		"expires-before-send": true, "text-long-cyrillic": true, "to-foreign-without-plus": true, "to-short": true,
	}
	for name, data := range goldens(t, "jobs/invalid/*.json") {
		agree(t, schema, data)
		unfit := check(schema, data)
		require.Equal(t, beyond[name], unfit == nil, "%s: %v", name, unfit)
		delete(beyond, name)
	}
	require.Empty(t, beyond, "no such files")
}

// base is a job with some of its members replaced; null leaves one out.
func base(members string) []byte {
	fields := map[string]json.RawMessage{}
	for _, text := range []string{`{"id":"a","channel":"sms","to":"+79612242243","text":"Hi"}`, members} {
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			panic(err)
		}
	}
	for name, value := range fields {
		if string(value) == "null" {
			delete(fields, name)
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return data
}

func TestJobEdges(t *testing.T) {
	schema := compile(t, "job.schema.json")
	for members, fits := range map[string]bool{
		`{}`:                                 true,
		`{"send_at":"2026-11-22T20:00:00Z"}`: true,
		`{"send_at":"2026-11-22T20:00:00.123456789+03:00"}`:              true,
		`{"send_at":"2026-11-22T20:00:00-12:30"}`:                        true,
		`{"send_at":"2024-02-29T20:00:00Z"}`:                             true,
		`{"send_at":"0002-01-02T00:00:00Z"}`:                             true,
		`{"send_at":"2026-11-22t20:00:00z"}`:                             false,
		`{"send_at":"2026-11-22 20:00:00Z"}`:                             false,
		`{"send_at":"2026-11-22T20:00:00"}`:                              false,
		`{"send_at":"2026-11-22T2:00:00Z"}`:                              false,
		`{"send_at":"2026-11-22T20:00:00,5Z"}`:                           false,
		`{"send_at":"2026-11-22T20:00:00.Z"}`:                            false,
		`{"send_at":"2026-11-22T20:00:00+24:00"}`:                        false,
		`{"send_at":"2026-11-22T20:00:00+03:60"}`:                        false,
		`{"send_at":"2026-02-29T20:00:00Z"}`:                             false,
		`{"send_at":"2026-13-01T20:00:00Z"}`:                             false,
		`{"send_at":"2026-11-22T24:00:00Z"}`:                             false,
		`{"send_at":"2016-12-31T23:59:60Z"}`:                             false,
		`{"send_at":"0001-01-01T00:00:00Z"}`:                             false,
		`{"send_at":"0000-01-01T00:00:00Z"}`:                             false,
		`{"send_at":""}`:                                                 false,
		`{"send_at":1795377600}`:                                         false,
		`{"to":" +7.961.224.22.43 "}`:                                    true,
		`{"to":"+(7)9612242243"}`:                                        true,
		`{"to":"(961) 2242243"}`:                                         true,
		`{"to":"٨٩٦١٢٢٤٢٢٤٣"}`:                                           true,
		`{"to":"+7\u00a0961\u2011224-22-43"}`:                            true,
		`{"to":"+"}`:                                                     false,
		`{"to":" - "}`:                                                   false,
		`{"to":"+7+9612242243"}`:                                         false,
		`{"to":"9612242243+"}`:                                           false,
		`{"to":"+79612242243 ext. 5"}`:                                   false,
		`{"to":"+79612242243,5"}`:                                        false,
		`{"to":"+79612242243/44"}`:                                       false,
		`{"to":"+7961224224\u0000"}`:                                     false,
		`{"sender":""}`:                                                  true,
		`{"sender":"я\u00a0` + strings.Repeat("я", 62) + `"}`:            true,
		`{"sender":"` + strings.Repeat("я", 65) + `"}`:                   false,
		`{"sender":"a\u0085"}`:                                           false,
		`{"text":"` + strings.Repeat("a", 1530) + `"}`:                   true,
		`{"text":"` + strings.Repeat("a", 1531) + `"}`:                   false,
		`{"text":"\u0085\u00a0\u1680\u2003\u2028\u202f\u3000\t "}`:       false,
		`{"text":"\u200b"}`:                                              true,
		`{"text":"` + strings.Repeat("a", 1531) + `","channel":"viber"}`: true,
		`{"channel":"viber","to":null,"audience":{"collection":"devices","everyone":true}}`: true,
		`{"to":null,"audience":{"collection":"devices","everyone":true}}`:                   false,
		`{"to":null,"audience":{"collection":"users","everyone":false,"query":{"a":1}}}`:    true,
		`{"to":null,"audience":{"collection":"users","everyone":false}}`:                    false,
		`{"to":null,"audience":{"collection":"users","everyone":true,"query":{"a":1}}}`:     false,
		`{"to":null}`: false,
		`{"channel":"push","text":null,"push":{"gcm":{"a":1}}}`:                                                                                 true,
		`{"channel":"push","text":null,"push":{"gcm":{"a":1},"apns":{}}}`:                                                                       true,
		`{"channel":"push","text":null,"push":{"gcm":{},"apns":{}}}`:                                                                            false,
		`{"channel":"push","push":{"gcm":{"a":1}}}`:                                                                                             false,
		`{"push":{"gcm":{"a":1}}}`:                                                                                                              false,
		`{"channel":"push","text":null,"push":{"apns":{"id":"123E4567-e89b-12d3-a456-426655440000"}}}`:                                          true,
		`{"channel":"push","text":null,"push":{"apns":{"id":"123e4567-e89b-12d3-a456-4266554400000"}}}`:                                         false,
		`{"channel":"push","text":null,"push":{"apns":{"priority":7}}}`:                                                                         false,
		`{"channel":"push","text":null,"push":{"apns":{"expiration":"2026-11-22"}}}`:                                                            false,
		`{"metadata":{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","a":"","b":"","c":"","d":"","e":"","f":"","g":""}}`:        true,
		`{"metadata":{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":""}}`: false,
		`{"metadata":{}}`: true,
	} {
		data := base(members)
		_, err := job.Decode(data, "RU")
		require.Equal(t, fits, err == nil, "decoder, %s: %v", members, err)
		err = check(schema, data)
		require.Equal(t, fits, err == nil, "schema, %s: %v", members, err)
	}
}

// Everything that the schema leaves to the descriptions is real.
func TestUnsaid(t *testing.T) {
	schema := compile(t, "job.schema.json")
	met := map[string]bool{}
	for _, members := range []string{
		`{"to":"112"}`, `{"to":"+99912345678"}`, `{"to":"восемь"}`, `{"to":"\u00a0"}`, `{"text":"` + strings.Repeat("я", 671) + `"}`,
		`{"send_at":"2026-11-22T20:00:00Z","expires_at":"2026-11-22T19:00:00Z"}`,
		`{"channel":"push","text":null,"push":{"apns":{"priority":5.0}}}`, `{"channel":"viber","text":"` + strings.Repeat("a", job.MaxBytes) + `"}`,
	} {
		data := base(members)
		require.NoError(t, check(schema, data), members)
		_, err := job.Decode(data, "RU")
		require.Error(t, err, members)
		require.Contains(t, unsaid, err.Error())
		met[err.Error()] = true
	}
	require.Len(t, met, len(unsaid), "each is met")
}

// A job in its normal form fits, as does whatever a producer in Go encodes.
func TestNormalFormsFit(t *testing.T) {
	schema := compile(t, "job.schema.json")
	for name, data := range goldens(t, "jobs/valid/*.json") {
		j, err := job.Decode(data, "RU")
		require.NoError(t, err)
		normal, err := j.Encode()
		require.NoError(t, err)
		require.NoError(t, check(schema, normal), name)
	}
}
