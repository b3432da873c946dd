package providers

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Scalar is a JSON value that a provider writes now as a string and now as a number: its exact text. Anything else
// than a string or a number (null, true, a list, an object) reads as empty, without an error, so that an odd field
// beside the verdict never makes the verdict unreadable.
type Scalar string

// UnmarshalJSON keeps the text as it stands; a number is never rounded.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	*s = ""
	if len(b) == 0 {
		return nil
	}
	switch c := b[0]; {
	case c == '"' && plainText(b):
		*s = Scalar(b[1 : len(b)-1])
	case c == '"':
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		*s = Scalar(text)
	case c == '-' || c >= '0' && c <= '9':
		*s = Scalar(b)
	}
	return nil
}

// plainText tells whether a JSON string stands for itself: neither escapes nor anything beyond ASCII. Nearly all do.
func plainText(quoted []byte) bool {
	n := len(quoted) - 1
	if n < 1 || quoted[n] != '"' {
		return false
	}
	for _, c := range quoted[1:n] {
		if c < ' ' || c > '~' || c == '\\' || c == '"' {
			return false
		}
	}
	return true
}

// Amount is the scalar as decimal text, such as "2.35" or "-508784", with the digits given and no rounding; a decimal
// comma becomes a point. It is empty for anything that isn't a plain decimal of at most 30 characters.
func (s Scalar) Amount() string {
	text := strings.Replace(strings.TrimSpace(string(s)), ",", ".", 1)
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if len(text) > 30 || !digits(whole) || point && !digits(fraction) {
		return ""
	}
	return text
}

// Count is the scalar as a number of things, such as segments; 0 for anything that isn't one below a million.
func (s Scalar) Count() int {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(string(s)), ".")
	n, err := strconv.Atoi(whole)
	if err != nil || n < 0 || n >= 1_000_000 || strings.Trim(fraction, "0") != "" {
		return 0
	}
	return n
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
