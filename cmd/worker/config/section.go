package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// section is a mapping of the file while its keys are read one by one. What was not asked for when it is closed is unknown.
type section struct {
	*loader
	path   string
	line   int // of the section's own key
	node   node
	known  []string
	faulty map[string]bool // keys with a fault
	env    bool            // scalars can be overridden by the environment
}

// value is a scalar on its way to its type.
type value struct {
	text  string // after expansion
	shown string // as it may stand in a fault
	file  string // where it comes from
	line  int
}

func (l *loader) section(n node, path string, line int) *section {
	s := &section{loader: l, path: path, line: line, node: n, faulty: map[string]bool{}}
	switch n.kind {
	case scalar, sequence:
		l.fault(line, path, fmt.Sprintf("is %s; give keys with values", n.kind))
		s.node = node{kind: broken}
	}
	return s
}

// sub reads a section within this one; a missing one is empty.
func (s *section) sub(key string) *section {
	s.known = append(s.known, key)
	sub := s.section(node{kind: null}, join(s.path, key), s.line)
	if e := s.node.find(key); e != nil {
		sub = s.section(e.value, join(s.path, key), e.line)
	}
	sub.env = s.env
	return sub
}

// given tells whether the file or the environment has the key.
func (s *section) given(key string) bool {
	if s.node.find(key) != nil {
		return true
	}
	_, ok := s.overrides[variable(join(s.path, key))]
	return s.env && ok
}

// fault reports a fault of the key, at its line or the section's.
func (s *section) fault(key, format string, args ...any) {
	s.faultAt(value{}, key, format, args...)
}

func (s *section) faultAt(v value, key, format string, args ...any) {
	s.faulty[key] = true
	if v.file == "" {
		if s.node.kind == broken {
			return // reported as a whole
		}
		v.file, v.line = s.file, s.line
		for _, k := range []string{key, key + fileSuffix} {
			if e := s.node.find(k); e != nil {
				v.line = e.line
			}
			if name := variable(join(s.path, k)); s.env && s.overridden(name) {
				v.file, v.line = name, 0
			}
		}
	}
	s.faults = append(s.faults, Fault{File: v.file, Line: v.line, Path: join(s.path, key), Problem: fmt.Sprintf(format, args...)})
}

func (l *loader) overridden(name string) bool {
	_, ok := l.overrides[name]
	return ok
}

// value finds the key's scalar in the environment or the file; false where it is missing or faulty.
func (s *section) value(key string) (value, bool) {
	s.known = append(s.known, key)
	if s.env {
		name := variable(join(s.path, key))
		s.variables = append(s.variables, name)
		if text, ok := s.overrides[name]; ok {
			return value{text: text, shown: show(text), file: name}, true
		}
	}
	e := s.node.find(key)
	if e == nil {
		return value{}, false
	}
	v := value{text: e.value.text, shown: show(e.value.text), file: s.file, line: e.line}
	switch e.value.kind {
	case scalar:
	case null:
		s.faultAt(v, key, "has no value; give one or leave the key out")
		return value{}, false
	case broken:
		s.faulty[key] = true
		return value{}, false
	default:
		s.faultAt(v, key, "is %s; give a single value", e.value.kind)
		return value{}, false
	}
	text, problem := s.expand(e.value.text)
	if problem != "" {
		s.faultAt(v, key, "%s", problem)
		return value{}, false
	}
	v.text = text
	return v, true
}

// close reports the keys that nobody asked for.
func (s *section) close() {
	for _, e := range s.node.entries {
		if slices.Contains(s.known, e.key) {
			continue
		}
		hint := didYouMean(e.key, s.known)
		if hint == "" {
			hint = "; allowed: " + strings.Join(visible(s.known), ", ")
		}
		s.loader.fault(e.line, join(s.path, e.key), "unknown key"+hint)
	}
}

// visible leaves the _file twins out, which would only make a list longer.
func visible(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return strings.HasSuffix(k, fileSuffix) })
}

// read gives the key's value its type; fallback where it is missing or faulty. parse's error tells what is wrong
// with a value and what is allowed, without the value.
func read[T any](s *section, key string, fallback T, parse func(string) (T, error)) T {
	v, ok := s.value(key)
	if !ok {
		return fallback
	}
	return typed(s, key, v, fallback, parse)
}

func typed[T any](s *section, key string, v value, fallback T, parse func(string) (T, error)) T {
	t, err := parse(v.text)
	if err != nil {
		s.faultAt(v, key, "%s %s", v.shown, err)
		return fallback
	}
	return t
}

// show makes a value fit for a fault: quoted unless it is a plain word or number, cut where it is long.
func show(text string) string {
	const longest = 64
	if text == "" {
		return "an empty value"
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	for _, r := range text {
		if !strings.ContainsRune("0123456789.-+", r) {
			return strconv.Quote(text)
		}
	}
	return text
}
