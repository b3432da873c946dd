package job

import "unicode/utf8"

// Encoding is how the characters of an sms are carried.
type Encoding string

// The encodings, as in 3GPP TS 23.038.
const (
	GSM7 Encoding = "GSM-7" // the default alphabet and its extension table
	UCS2 Encoding = "UCS-2" // everything else, in UTF-16 code units
)

// room is the number of units that a message alone, and each of several, can hold: septets or UTF-16 code units. Several share
// six bytes each for the header that puts them together (3GPP TS 23.040).
const (
	roomGSM7, roomGSM7Part = 160, 153
	roomUCS2, roomUCS2Part = 70, 67
)

// Segments returns the number of messages that a text takes as an sms, which is what providers charge for, and its
// encoding. One character outside the GSM alphabet makes all of it UCS-2. Characters of the extension table count two septets, those
// beyond the basic plane (emoji) two code units, and neither are split between segments. An empty text takes none.
func Segments(text string) (n int, enc Encoding) {
	if units, pairs, ok := countSeptets(text); ok {
		return segments(text, units, pairs, roomGSM7, roomGSM7Part, septetsOf), GSM7
	}
	units, pairs := countUnits(text)
	return segments(text, units, pairs, roomUCS2, roomUCS2Part, unitsOf), UCS2
}

// segments is the number of them for a text of so many units, in which so many characters take two.
func segments(text string, units, pairs, room, part int, width func(rune) int) int {
	switch {
	case units == 0:
		return 0
	case units <= room:
		return 1
	case pairs == 0: // nothing that must not be split
		return (units + part - 1) / part
	}
	n, _ := pack(text, part, width)
	return n
}

// countSeptets counts those of a text, and its characters that take two; ok is false where one is outside the alphabet.
func countSeptets(text string) (septets, pairs int, ok bool) {
	for _, r := range text {
		w := septetsOf(r)
		if w == 0 {
			return 0, 0, false
		}
		septets += w
		pairs += w - 1
	}
	return septets, pairs, true
}

// countUnits counts the UTF-16 code units of a text, and its characters that take two.
func countUnits(text string) (units, pairs int) {
	for i := 0; i < len(text); units++ {
		switch c := text[i]; {
		case c < utf8.RuneSelf:
			i++
		case twoBytes(text, i):
			i += 2
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size
			pairs += unitsOf(r) - 1
		}
	}
	return units + pairs, pairs
}

// tooLong tells whether a text takes more than [MaxSegments]. One that has fewer bytes than they hold code units never does: a character takes no
// more units than bytes, or is in an alphabet of which they hold more than twice as many.
func tooLong(text string) bool {
	if len(text) <= MaxSegments*roomUCS2Part {
		return false
	}
	n, _ := Segments(text)
	return n > MaxSegments
}

// Measure is what a text takes as an sms, in detail.
type Measure struct {
	Segments   int
	Encoding   Encoding
	Characters int       // Unicode code points
	Units      int       // that they take: septets in GSM-7, UTF-16 code units in UCS-2
	Left       int       // units that the last segment has room for
	Outside    []Outside // the characters that force it into UCS-2, in the order of their first appearance
}

// Outside is a character outside the GSM alphabet.
type Outside struct {
	Char  rune
	First int // its first position, in characters from 1
	Times int
}

// MeasureText measures a text; its segments are those of [Segments].
func MeasureText(text string) Measure {
	m := Measure{Encoding: GSM7}
	places := make(map[rune]int)
	for _, r := range text {
		m.Characters++
		if septetsOf(r) > 0 {
			continue
		}
		m.Encoding = UCS2
		place, ok := places[r]
		if !ok {
			place = len(m.Outside)
			places[r] = place
			m.Outside = append(m.Outside, Outside{Char: r, First: m.Characters})
		}
		m.Outside[place].Times++
	}
	width, room, part := septetsOf, roomGSM7, roomGSM7Part
	if m.Encoding == UCS2 {
		width, room, part = unitsOf, roomUCS2, roomUCS2Part
	}
	for _, r := range text {
		m.Units += width(r)
	}
	switch {
	case text == "":
	case m.Units <= room:
		m.Segments, m.Left = 1, room-m.Units
	default:
		m.Segments, m.Left = pack(text, part, width)
	}
	return m
}

// pack counts the segments as a phone fills them, and what is left of the last: what doesn't fit as a whole goes to the next.
func pack(text string, room int, width func(rune) int) (n, left int) {
	n, used := 1, 0
	for _, r := range text {
		w := width(r)
		if used+w > room {
			n, used = n+1, 0
		}
		used += w
	}
	return n, room - used
}

func unitsOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// septetsOf is 1 for the default alphabet of 3GPP TS 23.038 section 6.2.1, 2 for its extension table, 0 for all others.
func septetsOf(r rune) int {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', ' ' <= r && r <= '?':
		return 1 // all of ASCII from space to the question mark
	}
	switch r {
	case '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
		'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', 'Æ', 'æ', 'ß', 'É',
		'¤', '¡', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'ä', 'ö', 'ñ', 'ü', 'à':
		return 1
	case '\f', '^', '{', '}', '\\', '[', '~', ']', '|', '€':
		return 2
	}
	return 0
}
