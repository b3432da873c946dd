// Package api holds the interface documents to the Go types, to the real decoder and encoder, and to what really goes over the wire.
package api

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// object is a JSON object as a document has it.
type object = map[string]any

// offline loads nothing: what a document refers to must be given to the compiler, or is missing.
type offline struct{}

func (offline) Load(url string) (any, error) { return nil, errors.New("not here: " + url) }

func compiler() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.UseLoader(offline{})
	c.AssertFormat()
	return c
}

// read reads a document, YAML or JSON.
func read(t testing.TB, name string) object {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	if filepath.Ext(name) == ".yaml" {
		data, err = yaml.YAMLToJSON(data)
		require.NoError(t, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return doc.(object)
}

// compile compiles a schema, which checks it against its own meta-schema.
func compile(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	c := compiler()
	require.NoError(t, c.AddResource(name, read(t, name)))
	s, err := c.Compile(name)
	require.NoError(t, err)
	return s
}

// check validates a JSON text.
func check(s *jsonschema.Schema, data []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// resolve follows references within the document.
func resolve(t testing.TB, doc, node object) object {
	t.Helper()
	for {
		ref, ok := node["$ref"].(string)
		if !ok || !strings.HasPrefix(ref, "#") {
			return node
		}
		node = at(t, doc, ref)
	}
}

// at is what a reference such as #/components/messages/job names.
func at(t testing.TB, doc object, ref string) object {
	t.Helper()
	var node any = doc
	for token := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		inside, ok := node.(object)
		require.True(t, ok, ref)
		node, ok = inside[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		require.True(t, ok, ref)
	}
	found, ok := node.(object)
	require.True(t, ok, ref)
	return resolve(t, doc, found)
}

// walk calls visit with every object of a document.
func walk(node any, visit func(object)) {
	switch n := node.(type) {
	case object:
		visit(n)
		for _, inside := range n {
			walk(inside, visit)
		}
	case []any:
		for _, inside := range n {
			walk(inside, visit)
		}
	}
}

// TestSchemas: each has a name and a dialect, and keeps its own rules in its examples.
func TestSchemas(t *testing.T) {
	for _, name := range []string{"job.schema.json", "event.schema.json"} {
		doc, schema := read(t, name), compile(t, name)
		require.Equal(t, "https://json-schema.org/draft/2020-12/schema", doc["$schema"])
		require.True(t, strings.HasSuffix(doc["$id"].(string), "/api/"+name))
		examples := 0
		for _, e := range doc["examples"].([]any) {
			require.NoError(t, schema.Validate(e))
			examples++
		}
		require.GreaterOrEqual(t, examples, 3)
		for field, p := range doc["properties"].(object) {
			checkField(t, doc, name+" "+field, p.(object))
		}
	}
}

func checkField(t *testing.T, doc object, path string, p object) {
	target := resolve(t, doc, p)
	c := compiler()
	require.NoError(t, c.AddResource("field.json", object{"$defs": doc["$defs"], "allOf": []any{p}}))
	schema, err := c.Compile("field.json")
	require.NoError(t, err)
	for _, from := range []object{p, target} {
		examples, _ := from["examples"].([]any)
		for _, e := range examples {
			require.NoError(t, schema.Validate(e), path)
		}
	}
}
