package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// The fields of the Go types are those of the schemas, with their types, and required where the encoder never leaves them out.
func TestFields(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		"job.schema.json":   reflect.TypeFor[job.Job](),
		"event.schema.json": reflect.TypeFor[job.Event](),
	} {
		doc := read(t, name)
		checkStruct(t, doc, name, doc, typ)
	}
}

func checkStruct(t *testing.T, doc object, path string, schema object, typ reflect.Type) {
	properties := schema["properties"].(object)
	var fields, always []string
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, name)
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
		p, ok := properties[name].(object)
		require.True(t, ok, "%s: no field %s", path, name)
		checkType(t, doc, path+" "+name, resolve(t, doc, p), f.Type)
	}
	require.ElementsMatch(t, fields, slices.Collect(maps.Keys(properties)), path)
	require.ElementsMatch(t, always, words(schema["required"]), path)
}

func checkType(t *testing.T, doc object, path string, p object, typ reflect.Type) {
	want := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean", reflect.Map: "object"}[typ.Kind()]
	switch {
	case typ == reflect.TypeFor[time.Time]():
		require.Equal(t, "date-time", p["format"], path)
		want = "string"
	case typ == reflect.TypeFor[json.RawMessage]():
		want = "object"
	case typ.Kind() == reflect.Pointer:
		want = "object"
		checkStruct(t, doc, path, p, typ.Elem())
	case typ.Kind() == reflect.Map:
		require.Equal(t, object{"type": "string"}, p["additionalProperties"], path)
	}
	require.NotEmpty(t, want, path)
	require.Equal(t, want, p["type"], path)
}

// words are the strings of a list of a document.
func words(list any) []string {
	var out []string
	items, _ := list.([]any)
	for _, item := range items {
		out = append(out, item.(string))
	}
	return out
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func TestEnums(t *testing.T) {
	j, e := read(t, "job.schema.json"), read(t, "event.schema.json")
	require.Equal(t, texts(job.Channels()), words(at(t, j, "#/properties/channel")["enum"]))
	require.Equal(t, texts(job.Channels()), words(at(t, e, "#/properties/channel")["enum"]))
	require.Equal(t, texts(job.Lanes()), words(at(t, e, "#/properties/lane")["enum"]))
	require.Equal(t, texts(job.States()), words(at(t, e, "#/properties/state")["enum"]))
	require.Equal(t, texts(job.Codes()), words(at(t, e, "#/properties/error/properties/code")["enum"]))
}

func TestBounds(t *testing.T) {
	j, e := read(t, "job.schema.json"), read(t, "event.schema.json")
	for _, doc := range []object{j, e} {
		require.Equal(t, json.Number("16"), at(t, doc, "#/properties/metadata")["maxProperties"])
	}
	require.Equal(t, 16, job.MaxMetadata)
	require.Contains(t, j["description"], "at most 64 KiB")
	require.Equal(t, 64<<10, job.MaxBytes)
	require.Contains(t, j["description"], "at most 10 segments")
	require.Equal(t, 10, job.MaxSegments)
	n, _ := job.Segments(strings.Repeat("a", 1530))
	require.Equal(t, job.MaxSegments, n)
	n, _ = job.Segments(strings.Repeat("я", 670))
	require.Equal(t, job.MaxSegments, n)
}
