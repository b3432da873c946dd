package providers

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxWords is how many bytes of a provider's words a [Result] keeps at most.
const MaxWords = 500

const (
	masked        = "***"
	minMasked     = 5 // digits from which on a run may be a phone
	maxSeparators = 3 // between two digits of one phone
)

// Redact makes a provider's words fit to be kept: without the given secrets (credentials, and texts of messages), as
// they stand or as a URL or JSON would write them; with every run of five or more digits masked, also where it is broken
// by spaces, dashes, dots, slashes or brackets, since it may be a phone; without control characters or bytes that aren't
// UTF-8; and at most [MaxWords] bytes, cut between two runes.
func Redact(words string, secrets ...Secret) string {
	words = clean(words)
	for _, s := range spellings(secrets) {
		words = strings.ReplaceAll(words, s, redacted)
	}
	words = maskDigits(words)
	if len(words) <= MaxWords {
		return words
	}
	cut := MaxWords
	for !utf8.RuneStart(words[cut]) {
		cut--
	}
	return strings.TrimSpace(words[:cut])
}

// spellings are the secrets as they may stand in clean words, the longest first, so that one within another leaves
// no rest.
func spellings(secrets []Secret) []string {
	var all []string
	for _, secret := range secrets {
		s := clean(string(secret))
		if s == "" {
			continue
		}
		all = append(all, s)
		for _, other := range []string{url.QueryEscape(s), url.PathEscape(s), escapeJSON(s)} {
			if other != s {
				all = append(all, other)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

func escapeJSON(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `/`, `\/`).Replace(s)
}

// clean makes one line of valid UTF-8: control characters become spaces, invisible ones and broken bytes vanish, and
// spaces at the ends or in a row are dropped.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// maskDigits replaces each run of minMasked or more digits, and the separators within it.
func maskDigits(s string) string {
	var out strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); {
		end, digits := digitRun(runes[i:])
		switch {
		case digits >= minMasked:
			out.WriteString(masked)
			i += end
		case digits > 0:
			out.WriteString(string(runes[i : i+end]))
			i += end
		default:
			out.WriteRune(runes[i])
			i++
		}
	}
	return out.String()
}

// digitRun measures the run of digits, with separators between them, that rs begins with.
func digitRun(rs []rune) (end, digits int) {
	gap := 0
	for i, r := range rs {
		switch {
		case unicode.IsDigit(r):
			digits++
			gap, end = 0, i+1
		case digits > 0 && gap < maxSeparators && separates(r):
			gap++
		default:
			return end, digits
		}
	}
	return end, digits
}

func separates(r rune) bool {
	return strings.ContainsRune(" .()/+", r) || unicode.Is(unicode.Pd, r) || r == '−'
}
