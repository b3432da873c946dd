package api

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

const document = "asyncapi.yaml"

func TestAsyncAPI(t *testing.T) {
	const official = "http://asyncapi.com/definitions/3.0.0/asyncapi.json"
	c := compiler()
	require.NoError(t, c.AddResource(official, read(t, "testdata/asyncapi-3.0.0.json")))
	schema, err := c.Compile(official)
	require.NoError(t, err)
	doc := read(t, document)
	require.NoError(t, schema.Validate(doc))

	doc["channels"].(object)["jobs"].(object)["adress"] = "x"
	require.Error(t, schema.Validate(doc), "it is checked in depth")
}

func TestReferences(t *testing.T) {
	doc := read(t, document)
	found := 0
	walk(doc, func(node object) {
		ref, ok := node["$ref"].(string)
		if !ok {
			return
		}
		found++
		if file, ok := strings.CutPrefix(ref, "./"); ok {
			_, err := os.Stat(file)
			require.NoError(t, err)
			return
		}
		at(t, doc, ref)
	})
	require.Greater(t, found, 20)
	// A message named by an operation must be one of the channel that the operation names.
	for name := range doc["operations"].(object) {
		op := at(t, doc, "#/operations/"+name)
		for _, side := range []any{op, op["reply"]} {
			s, ok := side.(object)
			if !ok {
				continue
			}
			for _, m := range s["messages"].([]any) {
				require.Contains(t, m.(object)["$ref"], s["channel"].(object)["$ref"].(string)+"/messages/", name)
			}
		}
	}
}

// The subjects are those of the code, and so are what their tokens may be.
func TestSubjects(t *testing.T) {
	doc := read(t, document)
	fill := strings.NewReplacer("{lane}", "bulk", "{route}", "otp", "{tenant}", "shop", "{state}", "failed", "{reason}", "ambiguous")
	subject := func(channel string) string {
		return fill.Replace(at(t, doc, "#/channels/"+channel)["address"].(string))
	}
	require.Equal(t, job.Address{Lane: job.Bulk, Route: "otp", Tenant: "shop"}.JobSubject("dispatch"), subject("jobs"))
	require.Equal(t, (&job.Event{Tenant: "shop", Route: "otp", State: job.Failed}).Subject("dispatch"), subject("status"))
	require.Equal(t, "dispatch.dead.shop.otp.ambiguous", subject("dead")) // TestDeadLetter shows that it is so

	token := regexp.MustCompile(`\{(\w+)\}`)
	for name, c := range doc["channels"].(object) {
		address, _ := c.(object)["address"].(string)
		var tokens []string
		for _, m := range token.FindAllStringSubmatch(address, -1) {
			tokens = append(tokens, m[1])
		}
		parameters, _ := c.(object)["parameters"].(object)
		require.ElementsMatch(t, tokens, slices.Collect(maps.Keys(parameters)), name)
	}
	require.Equal(t, texts(job.Lanes()), words(at(t, doc, "#/components/parameters/lane")["enum"]))
	require.Equal(t, texts(job.States()), words(at(t, doc, "#/channels/status/parameters/state")["enum"]))
	require.Equal(t, texts(job.Codes()), words(at(t, doc, "#/channels/dead/parameters/reason")["enum"]))
	patterns := []*regexp.Regexp{
		regexp.MustCompile(at(t, doc, "#/components/parameters/route")["x-pattern"].(string)),
		regexp.MustCompile(at(t, doc, "#/components/parameters/tenant")["x-pattern"].(string)),
		regexp.MustCompile(at(t, read(t, "event.schema.json"), "#/$defs/token")["pattern"].(string)),
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9._-]{0,34}`), rapid.String()).Draw(t, "token")
		for _, p := range patterns {
			require.Equal(t, job.ValidToken(s), p.MatchString(s), s)
		}
	})
}

// headersOf compiles the headers of a message of the document.
func headersOf(t *testing.T, message string) (schema *jsonschema.Schema, properties object, required []string) {
	t.Helper()
	doc := read(t, document)
	headers := at(t, doc, "#/components/messages/"+message+"/headers")
	c := compiler()
	require.NoError(t, c.AddResource(document, doc))
	schema, err := c.Compile(document + "#/components/messages/" + message + "/headers")
	require.NoError(t, err)
	return schema, headers["properties"].(object), words(headers["required"])
}

// flat are headers as a JSON object, each with one value.
func flat(t require.TestingT, headers map[string][]string) object {
	out := object{}
	for key, values := range headers {
		require.Len(t, values, 1)
		out[key] = values[0]
	}
	return out
}

func TestEventHeaders(t *testing.T) {
	schema, properties, required := headersOf(t, "event")
	e := &job.Event{Job: "a", Tenant: "shop", Route: "otp", State: job.Submitted, Sequence: 1, At: time.Now()}
	require.ElementsMatch(t, slices.Collect(maps.Keys(e.Headers(job.Trace{}))), required)
	trace := job.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", State: "a=b"}
	require.ElementsMatch(t, slices.Collect(maps.Keys(e.Headers(trace))), slices.Collect(maps.Keys(properties)))
	rapid.Check(t, func(t *rapid.T) {
		require.NoError(t, schema.Validate(flat(t, drawEvent(t).Headers(trace))))
	})
	types := words(properties["ce-type"].(object)["enum"])
	for i, s := range job.States() {
		require.Equal(t, "gonets.message."+string(s), types[i])
	}
}

func TestJobHeaders(t *testing.T) {
	_, properties, required := headersOf(t, "job")
	require.Empty(t, required)
	require.ElementsMatch(t, []string{"Nats-Msg-Id", "traceparent", "tracestate"}, slices.Collect(maps.Keys(properties)))
	body := []byte(`{"id":"ord-42","channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 4711"}`)
	require.Contains(t, words(properties["Nats-Msg-Id"].(object)["examples"]), job.MsgID("shop", "ord-42", body))
}
