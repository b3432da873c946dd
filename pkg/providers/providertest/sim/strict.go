package sim

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decodeStrict reads one JSON value into v: names as they are written in v's tags and no others, none twice, valid
// UTF-8, and no null in the outermost levels of nesting, since a document that doesn't name null doesn't mean it.
func decodeStrict(body []byte, v any, levels int) error {
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("the body is not the document's: %w", err)
	}
	for d := jsontext.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.ReadToken()
		if err != nil {
			return nil // its end: it was read whole before
		}
		if token.Kind() == 'n' && d.StackDepth() <= levels {
			return errors.New("the body is not the document's: it has a null at " + string(d.StackPointer()))
		}
	}
}
