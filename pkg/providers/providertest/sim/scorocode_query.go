package sim

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// scorocodeQuery is a query by field: the text to equal, or an object of operators that must all hold.
type scorocodeQuery map[string]jsontext.Value

// condition is what one operator asks of a field.
type condition struct {
	field string
	holds func(value string, exists bool) bool
}

// conditions hold together. None of them: everything fits.
type conditions []condition

func (cs conditions) match(row map[string]string) bool {
	for _, c := range cs {
		value, exists := row[c.field]
		if !c.holds(value, exists) {
			return false
		}
	}
	return true
}

// compile reads the query; the error names an operator or operand that isn't one.
func (q scorocodeQuery) compile() (conditions, error) {
	var cs conditions
	for field, want := range q {
		ops := map[string]jsontext.Value{"$eq": want}
		if want.Kind() == '{' {
			ops = nil
			if err := json.Unmarshal(want, &ops); err != nil {
				return nil, err
			}
		}
		for op, operand := range ops {
			holds, err := operator(op, operand)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", field, err)
			}
			cs = append(cs, condition{field, holds})
		}
	}
	return cs, nil
}

func operator(op string, operand jsontext.Value) (func(string, bool) bool, error) {
	switch op {
	case "$exists":
		var want bool
		err := json.Unmarshal(operand, &want)
		return func(_ string, exists bool) bool { return exists == want }, err
	case "$eq":
		var want string
		err := json.Unmarshal(operand, &want)
		return func(value string, exists bool) bool { return exists && value == want }, err
	case "$ne":
		var other string
		err := json.Unmarshal(operand, &other)
		return func(value string, exists bool) bool { return !exists || value != other }, err
	case "$in":
		var many []string
		err := json.Unmarshal(operand, &many)
		return func(value string, exists bool) bool { return exists && slices.Contains(many, value) }, err
	}
	return nil, fmt.Errorf("%q is no operator; known are $exists, $eq, $ne and $in", op)
}
