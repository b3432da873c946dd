package config

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxSize and maxDepth bound what is read: far above any real file.
const (
	maxSize  = 256 << 10
	maxDepth = 32
)

// kind is what a YAML value is; the types of scalars don't matter here.
type kind int

const (
	null kind = iota
	scalar
	mapping
	sequence
	broken // reported already
)

func (k kind) String() string {
	return [...]string{"nothing", "a single value", "a mapping", "a list", "a broken value"}[k]
}

// node is a YAML value with its place.
type node struct {
	kind    kind
	line    int
	text    string  // of a scalar, as written
	entries []entry // of a mapping
	items   []node  // of a sequence
}

// entry is a key of a mapping, and its value.
type entry struct {
	key   string
	line  int
	value node
}

// find returns the entry with that key, nil where there is none.
func (n node) find(key string) *entry {
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	return nil
}

// parse makes a tree of the file. Faults go to report; what could not be read is left out of the tree.
func parse(data []byte, report func(line int, path, problem string)) (root node) {
	root = node{kind: mapping, line: 1}
	if len(data) > maxSize {
		report(0, "", fmt.Sprintf("is larger than %d KiB", maxSize>>10))
		return node{kind: broken}
	}
	defer func() {
		if recover() != nil { // the parser is not ours, and the file may be anything
			report(0, "", "is no YAML that can be read")
			root = node{kind: broken}
		}
	}()
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, message := 0, "is no YAML that can be read"
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			message = syntax.Message // never the source, which may hold secrets
			if syntax.Token != nil && syntax.Token.Position != nil {
				line = syntax.Token.Position.Line
			}
		}
		report(line, "", "YAML: "+message)
		return node{kind: broken}
	}
	b := builder{report}
	var seen bool
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if seen {
			report(line(doc.Body), "", "a second document; put everything in one")
			break
		}
		seen = true
		root = b.build(doc.Body, "", 0)
	}
	return root
}

type builder struct {
	report func(line int, path, problem string)
}

func (b builder) build(n ast.Node, path string, depth int) node {
	out := node{line: line(n)}
	refuse := func(problem string) node {
		b.report(out.line, path, problem)
		out.kind = broken
		return out
	}
	if depth > maxDepth {
		return refuse(fmt.Sprintf("nested deeper than %d", maxDepth))
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		out.kind = null
	case *ast.StringNode:
		out.kind, out.text = scalar, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = scalar, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = scalar, n.GetToken().Value
	case *ast.MappingNode:
		out.kind = mapping
		for _, v := range n.Values {
			b.add(&out, v, path, depth)
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		b.add(&out, n, path, depth)
	case *ast.SequenceNode:
		out.kind = sequence
		for i, v := range n.Values {
			out.items = append(out.items, b.build(v, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return refuse("anchors and aliases are not supported; write the value out")
	case *ast.TagNode:
		return refuse("tags are not supported; a value's type is that of its key")
	default:
		return refuse("is not supported here")
	}
	return out
}

func (b builder) add(out *node, v *ast.MappingValueNode, path string, depth int) {
	at := line(v.Key)
	switch v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	case *ast.MergeKeyNode:
		b.report(at, path, "merging (<<) is not supported; write the keys out")
		return
	default:
		b.report(at, path, "a key must be plain text")
		return
	}
	key := v.Key.GetToken().Value
	path = join(path, key)
	if first := out.find(key); first != nil {
		b.report(at, path, fmt.Sprintf("given before, on line %d; give it once", first.line))
		return
	}
	out.entries = append(out.entries, entry{key: key, line: at, value: b.build(v.Value, path, depth+1)})
}

func line(n ast.Node) int {
	if n == nil {
		return 0
	}
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		t = m.Values[0].Key.GetToken()
	}
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
