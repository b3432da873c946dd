package job

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// readPush checks the push content against the document of the only provider of pushes so far, Scorocode: the members it names
// must have its types; all others pass, since that is where an application's own data goes.
func readPush(raw jsontext.Value) (*PushContent, error) {
	if raw.Kind() != '{' {
		return nil, content("push", "must be an object")
	}
	p := new(PushContent)
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	err := readObject(dec, "push", func(name string) (err error) {
		switch name {
		case "gcm":
			p.GCM, err = readPart(dec, "push.gcm", checkGCM)
		case "apns":
			p.APNS, err = readPart(dec, "push.apns", checkAPNS)
		default:
			return unknown("push", name, []string{"gcm", "apns"})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.GCM == nil && p.APNS == nil {
		return nil, content("push", "must have gcm or apns, or both, and not empty")
	}
	return p, nil
}

func content(field, problem string) *Error { return wrong(InvalidContent, field, problem) }

// readPart reads gcm or apns and checks each of its members. An empty object carries nothing and counts as left out.
func readPart(dec *jsontext.Decoder, field string, check func(name string, value jsontext.Value) string) ([]byte, error) {
	raw, err := readRaw(dec)
	if err != nil {
		return nil, err
	}
	if jsontext.Value(raw).Kind() != '{' {
		return nil, content(field, "must be an object")
	}
	if emptyObject(raw) {
		return nil, nil
	}
	members := jsontext.NewDecoder(bytes.NewReader(raw))
	err = readObject(members, field, func(name string) error {
		value, err := members.ReadValue()
		if err != nil {
			return err
		}
		if problem := check(name, value); problem != "" {
			return content(path(field, name), problem)
		}
		return nil
	})
	return raw, err
}

func checkGCM(name string, value jsontext.Value) string {
	switch name {
	case "protocol":
		if p := plain(value); p != "http" && p != "xmpp" {
			return "must be http or xmpp"
		}
	case "notification", "data":
		return mustBeObject(value)
	}
	return ""
}

func checkAPNS(name string, value jsontext.Value) string {
	switch name {
	case "id":
		if !uuidShaped(plain(value)) {
			return "must be a UUID"
		}
	case "topic", "collapseId":
		if value.Kind() != '"' {
			return "must be a string"
		}
	case "expiration":
		if _, ok := parseTime(plain(value)); !ok {
			return "must be a time in RFC 3339"
		}
	case "priority":
		if p := string(value); p != "5" && p != "10" {
			return "must be 5 or 10"
		}
	case "aps":
		return mustBeObject(value)
	}
	return ""
}

func mustBeObject(value jsontext.Value) string {
	if value.Kind() != '{' {
		return "must be an object"
	}
	return ""
}

// plain is the text of a JSON string, and empty for anything else.
func plain(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	words, err := unquote(value)
	if err != nil {
		return "" // cannot be: the decoder that gave the value checked it
	}
	return words
}

// uuidShaped takes hexadecimal groups of 8, 4, 4, 4 and 12 digits, or 11: the provider's own document shows an id with a digit
// missing, so what its users copy from there must pass.
func uuidShaped(id string) bool {
	if len(id) != 35 && len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}
