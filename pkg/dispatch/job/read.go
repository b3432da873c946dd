package job

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// readObject reads a JSON object and calls member for each of its names, to read the value that follows.
func readObject(dec *jsontext.Decoder, field string, member func(name string) error) error {
	if kind := dec.PeekKind(); kind != '{' && kind > 0 && kind != '}' && kind != ']' {
		if field == "" {
			return malformed("", "must be a JSON object")
		}
		return malformed(field, "must be an object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name, err := unquote(raw)
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// readString reads a string. Null is no string: a producer whose send_at came out null must not send now.
func readString(dec *jsontext.Decoder, field string) (string, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return "", err
	}
	if raw.Kind() != '"' {
		return "", malformed(field, "must be a string")
	}
	return unquote(raw)
}

// unquote is short for strings without escapes, which nearly all are.
func unquote(raw jsontext.Value) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	plain, err := jsontext.AppendUnquote(nil, raw)
	return string(plain), err
}

func readBool(dec *jsontext.Decoder, field string) (bool, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return false, err
	}
	if kind := raw.Kind(); kind != 't' && kind != 'f' {
		return false, malformed(field, "must be true or false")
	}
	return raw.Kind() == 't', nil
}

// readRaw reads any value and copies it.
func readRaw(dec *jsontext.Decoder) ([]byte, error) {
	raw, err := dec.ReadValue()
	return bytes.Clone(raw), err
}

// readTime reads a time in strict RFC 3339 and gives it in UTC. The year 1, which languages with a zero time write for "none",
// is refused rather than taken for a time long past.
func readTime(dec *jsontext.Decoder, field string) (time.Time, error) {
	words, err := readString(dec, field)
	if err != nil {
		return time.Time{}, err
	}
	t, ok := parseTime(words)
	if !ok {
		return time.Time{}, malformed(field, "must be a time in RFC 3339, such as 2026-11-22T20:00:00Z")
	}
	return t, nil
}

// parseTime is strict where the time package isn't: two digits for the hour, a dot before the fraction, an offset that exists.
func parseTime(words string) (time.Time, bool) {
	if len(words) < len("2006-01-02T15:04:05Z") || words[len("2006-01-02T15")] != ':' || strings.Contains(words, ",") {
		return time.Time{}, false
	}
	if zone := words[len(words)-len("+00:00"):]; !strings.HasSuffix(words, "Z") && (zone[1:3] > "23" || zone[4:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, words)
	t = t.UTC()
	return t, err == nil && t.Year() > 1 && t.Year() <= 9999
}

func readMetadata(dec *jsontext.Decoder) (map[string]string, error) {
	var pairs map[string]string
	err := readObject(dec, "metadata", func(name string) error {
		value, err := readString(dec, path("metadata", name))
		if err != nil {
			return err
		}
		if len(pairs) == MaxMetadata {
			return malformed("metadata", "has more than 16 pairs")
		}
		if pairs == nil {
			pairs = make(map[string]string)
		}
		pairs[name] = value
		return nil
	})
	return pairs, err
}
