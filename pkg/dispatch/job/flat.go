package job

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// flat reads jobs in the form in which nearly all come: one flat object of known fields whose values are strings, perhaps with
// metadata. What is in any other form, or wrong in any way, it leaves to the JSON library, which alone knows how to refuse. A
// test holds it to that one, field by field. An sms takes 0.08 µs, and no memory for its strings.
type flat struct {
	text string
	at   int
}

// readFlat reads a job, whose strings are parts of the text; false: it is to be read in the other way, from the beginning.
func readFlat(j *Job, text string) (d draft, ok bool) {
	*j = Job{}
	d.job = j
	f := flat{text: text}
	done := f.object(d.flatMember, func(name string) bool {
		if name != "metadata" || d.given&givenMetadata != 0 {
			return false
		}
		d.given |= givenMetadata
		return f.object(d.flatPair, nil)
	})
	return d, done && f.next() == 0 && f.at == len(f.text)
}

// flatMember sets a field from its string.
func (d *draft) flatMember(name, value string) bool {
	j := d.job
	given, ok := uint16(0), true
	switch name {
	case "id":
		given, j.ID = givenID, value
	case "channel":
		given, j.Channel = givenChannel, Channel(value)
	case "to":
		given, j.To = givenTo, value
	case "sender":
		given, j.Sender = givenSender, value
	case "text":
		given, j.Text = givenText, value
	case "send_at":
		given = givenSendAt
		j.SendAt, ok = parseTime(value)
	case "expires_at":
		given = givenExpiresAt
		j.ExpiresAt, ok = parseTime(value)
	}
	twice := d.given&given != 0
	d.given |= given
	return ok && given != 0 && !twice
}

// flatPair sets a pair of metadata.
func (d *draft) flatPair(name, value string) bool {
	if d.job.Metadata == nil {
		d.job.Metadata = make(map[string]string)
	}
	_, twice := d.job.Metadata[name]
	d.job.Metadata[name] = value
	return !twice && len(d.job.Metadata) <= MaxMetadata
}

// object reads an object whose values are strings, which it hands to member; other values are nested's to read, if there is one.
func (f *flat) object(member func(name, value string) bool, nested func(name string) bool) bool {
	if !f.skip('{') {
		return false
	}
	if f.skip('}') {
		return true
	}
	for {
		name, ok := f.string()
		if !ok || !f.skip(':') {
			return false
		}
		switch {
		case f.next() == '"':
			value, ok := f.string()
			if !ok || !member(name, value) {
				return false
			}
		case nested == nil || !nested(name):
			return false
		}
		if !f.skip(',') {
			return f.skip('}')
		}
	}
}

// next is the next character that isn't white space; 0: there is none.
func (f *flat) next() byte {
	for ; f.at < len(f.text); f.at++ {
		switch c := f.text[f.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// skip passes over the character if it is next.
func (f *flat) skip(c byte) bool {
	if f.next() != c {
		return false
	}
	f.at++
	return true
}

// string reads a string, which is a part of the whole where it has no escapes.
func (f *flat) string() (string, bool) {
	if !f.skip('"') {
		return "", false
	}
	rest := f.text[f.at:]
	for i := 0; i < len(rest); {
		switch c := rest[i]; {
		case c == '"':
			f.at += i + 1
			return rest[:i], true
		case c == '\\':
			return f.escaped()
		case c < ' ':
			return "", false
		case c < utf8.RuneSelf:
			i++
		case twoBytes(rest, i):
			i += 2
		default:
			r, size := utf8.DecodeRuneInString(rest[i:])
			if r == utf8.RuneError && size == 1 {
				return "", false
			}
			i += size
		}
	}
	return "", false
}

// twoBytes tells whether a character of two bytes, which Cyrillic is made of, begins at text[i]. To read those by hand takes a third of the time.
func twoBytes(text string, i int) bool {
	c := text[i]
	return 0xc2 <= c && c <= 0xdf && i+1 < len(text) && text[i+1]&0xc0 == 0x80
}

// escaped reads a string that has escapes, from behind its first quotation mark.
func (f *flat) escaped() (string, bool) {
	for i := f.at; i < len(f.text); i++ {
		switch f.text[i] {
		case '"':
			text, err := jsontext.AppendUnquote(nil, f.text[f.at-1:i+1])
			f.at = i + 1
			return string(text), err == nil
		case '\\':
			i++ // what follows is no end
		}
	}
	return "", false
}
