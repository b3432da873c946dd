package job

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Error says what is wrong with which field of a job. It never holds the value of a phone or a text, so it can be
// logged and published.
type Error struct {
	Code    Code   // invalid_job, invalid_recipient, invalid_sender or invalid_content
	Field   string // a dotted path such as audience.query; empty where the document as a whole is wrong
	Problem string // what is wrong with it
}

// Error returns "field: problem", or the problem alone where the document as a whole is wrong.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// Codes returns all codes that an event's error may give, in the order of the contract.
func Codes() []Code {
	return []Code{
		InvalidJob, IDReused, InvalidRecipient, InvalidSender, InvalidContent, BlockedRecipient, ClosedDestination,
		NoRecipients, CodeExpired, InsufficientFunds, Unauthorized, Misconfigured, Throttled, Unavailable, Ambiguous,
		NoReceipt, Undeliverable,
	}
}

func wrong(code Code, field, problem string) *Error {
	return &Error{Code: code, Field: field, Problem: problem}
}

func malformed(field, problem string) *Error { return wrong(InvalidJob, field, problem) }

// maxPath bounds the names of unknown fields, which a producer chose, in an error.
const maxPath = 128

// path joins a field and the name of a member in it. Names come from outside and may hold anything, a phone too.
func path(field, member string) string {
	if field != "" {
		member = field + "." + member
	}
	return Mask(member, maxPath)
}

// dotted turns a JSON pointer into a path of fields.
func dotted(pointer jsontext.Pointer) string {
	return path("", strings.Join(slices.Collect(pointer.Tokens()), "."))
}

// explain turns an error of the JSON library, whose words may quote the input, into one that doesn't.
func explain(err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		return malformed(dotted(wrong.JSONPointer), "has a value or a type that it can't have")
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return malformed("", "the JSON is empty or ends too soon")
		}
		return malformed("", "is not valid JSON")
	}
	field := dotted(syntax.JSONPointer)
	switch {
	case errors.Is(syntax.Err, jsontext.ErrDuplicateName):
		return malformed(field, "is given twice")
	case errors.Is(syntax.Err, io.ErrUnexpectedEOF):
		return malformed(field, "the JSON ends too soon")
	case errors.Is(syntax.Err, jsontext.ErrNonStringName):
		return malformed(field, "is not valid JSON: a member's name must be a string")
	case syntax.Err != nil && strings.Contains(syntax.Err.Error(), "UTF-8"):
		return malformed(field, "is not valid UTF-8")
	case field == "":
		return malformed("", "is not one valid JSON object")
	}
	return malformed(field, "is not valid JSON")
}
