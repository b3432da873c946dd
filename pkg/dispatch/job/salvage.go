package job

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// salvage reads what it can of a job that was refused, up to where the JSON breaks. What is given twice with two values is
// left out: an event must not name a job that its producer may not have meant.
func salvage(data []byte) (j Job) {
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var id, channel once
	var metadata []byte
	times := 0
	// The error is Decode's affair: it came upon it before.
	_ = readObject(dec, "", func(name string) error {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		switch name {
		case "id":
			id.set(value)
		case "channel":
			channel.set(value)
		case "metadata":
			metadata, times = bytes.Clone(value), times+1
		}
		return nil
	})
	if validID(id.value) {
		j.ID = id.value
	}
	if c := Channel(channel.value); c.known() {
		j.Channel = c
	}
	if times == 1 {
		pairs, err := readMetadata(jsontext.NewDecoder(bytes.NewReader(metadata)))
		if err == nil {
			j.Metadata = pairs
		}
	}
	return j
}

// once is a string that counts only if it never had another value.
type once struct {
	value string
	given bool
}

func (o *once) set(raw jsontext.Value) {
	value := ""
	if raw.Kind() == '"' {
		if plain, err := unquote(raw); err == nil {
			value = plain
		}
	}
	if o.given && o.value != value {
		value = ""
	}
	o.value, o.given = value, true
}
