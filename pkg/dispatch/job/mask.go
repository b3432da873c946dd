package job

import (
	"unicode"
	"unicode/utf8"
)

// masked stands for a run of digits.
const masked = "***"

// maskFrom is the number of digits from which on a run may tell a phone.
const maskFrom = 5

// Mask makes words from outside fit for an event or a log: runs of 5 or more digits, also with spaces, dashes, dots and
// parentheses between them and a plus before them as phones are written, become ***; line breaks become spaces, other control characters and
// invisible ones vanish; what is left is cut to limit bytes at a character's boundary. Dates, addresses and amounts of that many digits
// are masked too: better a date lost than a phone told. Mask of masked words changes nothing.
func Mask(words string, limit int) string {
	if limit <= 0 {
		return ""
	}
	if clean(words, limit) {
		return words
	}
	out := make([]byte, 0, min(len(words), limit))
	start, end, digits := -1, 0, 0 // the run: where it begins in out, where its last digit ends
	for _, r := range words {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			continue
		}
		switch {
		case unicode.IsDigit(r):
			if start < 0 {
				for start = len(out); start > 0 && (out[start-1] == '+' || out[start-1] == '('); start-- {
				}
			}
			out = utf8.AppendRune(out, r)
			end, digits = len(out), digits+1
			continue
		case start >= 0 && between(r):
		default:
			out = maskRun(out, start, end, digits)
			start, digits = -1, 0
			if len(out) >= limit {
				return cut(out, limit)
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return cut(maskRun(out, start, end, digits), limit)
}

// clean tells words that need no masking, as nearly all are: short ASCII with few digits.
func clean(words string, limit int) bool {
	digits := 0
	for i := range len(words) {
		c := words[i]
		if c < ' ' || c >= 0x7f {
			return false
		}
		if '0' <= c && c <= '9' {
			digits++
		}
	}
	return digits < maskFrom && len(words) <= limit
}

// maskRun replaces the run out[start:end], if there is one and it is long enough; what follows it stays.
func maskRun(out []byte, start, end, digits int) []byte {
	if start < 0 || digits < maskFrom {
		return out
	}
	n := start + copy(out[start:], masked)
	return out[:n+copy(out[n:], out[end:])]
}

func cut(out []byte, limit int) string {
	if len(out) > limit {
		n := limit
		for n > 0 && !utf8.RuneStart(out[n]) {
			n--
		}
		out = out[:n]
	}
	return string(out)
}
