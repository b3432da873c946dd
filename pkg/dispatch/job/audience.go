package job

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

func readAudience(dec *jsontext.Decoder) (*Audience, error) {
	a := new(Audience)
	err := readObject(dec, "audience", func(name string) (err error) {
		switch name {
		case "collection":
			a.Collection, err = readString(dec, "audience.collection")
		case "query":
			a.Query, err = readRaw(dec)
		case "everyone":
			a.Everyone, err = readBool(dec, "audience.everyone")
		default:
			return unknown("audience", name, []string{"collection", "query", "everyone"})
		}
		return err
	})
	return a, err
}

// check refuses above all what would address everybody by mistake: no query, or an empty one, without everyone.
func (a *Audience) check(channel Channel) error {
	switch a.Collection {
	case "users", "roles":
	case "devices":
		if channel == SMS {
			return malformed("audience.collection", "must be users or roles for sms")
		}
	case "":
		return malformed("audience.collection", "is missing")
	default:
		return malformed("audience.collection", "must be users, roles or devices")
	}
	switch {
	case a.Query != nil && a.Everyone:
		return malformed("audience.query", "excludes everyone: give one of them")
	case a.Query == nil && !a.Everyone:
		return malformed("audience.query", "is missing; to address everyone, say everyone: true")
	case a.Query != nil && jsontext.Value(a.Query).Kind() != '{':
		return malformed("audience.query", "must be an object")
	case a.Query != nil && emptyObject(a.Query):
		return malformed("audience.query", "is empty; to address everyone, say everyone: true")
	}
	return nil
}

// emptyObject tells whether a valid JSON object has no members.
func emptyObject(object []byte) bool {
	inside := bytes.TrimSpace(object)
	return len(bytes.TrimSpace(inside[1:len(inside)-1])) == 0
}
