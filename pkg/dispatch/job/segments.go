package job

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
	if text == "" {
		return 0, GSM7
	}
	septets, gsm := 0, true
	for _, r := range text {
		w := septetsOf(r)
		if w == 0 {
			gsm = false
			break
		}
		septets += w
	}
	if gsm {
		if septets <= roomGSM7 {
			return 1, GSM7
		}
		n, _ := pack(text, roomGSM7Part, septetsOf)
		return n, GSM7
	}
	units := 0
	for _, r := range text {
		units += unitsOf(r)
	}
	if units <= roomUCS2 {
		return 1, UCS2
	}
	n, _ = pack(text, roomUCS2Part, unitsOf)
	return n, UCS2
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
