package sim

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The API's methods, as paths.
const (
	scorocodePush = "/api/v1/sendpush"
	scorocodeSMS  = "/api/v1/sendsms"
)

// Scorocode is the application that a simulator of Scorocode serves.
type Scorocode struct {
	App, ClientKey string
	MessageKey     string // an access key; needs Session
	MasterKey      string // an access key for everything; empty: there is none
	Session        string

	// Collections are the rows to look for recipients in, by collection, each with its recipient as `_id`. Nil: any query
	// finds Count recipients, who get one copy between them, to the query's own text ("everyone" where there is none).
	Collections map[string][]map[string]string
	Count       int
}

// NewScorocode makes a simulator of Scorocode: sendpush and sendsms. The id of a copy is the message's msg, as
// canonical JSON, since the API has no other. A verdict of [Server.Verdict] is an error for a whole request that finds its
// recipient: the words of errMsg, after an errCode where they begin with one ("402 payment required"), else 400.
func NewScorocode(app Scorocode) *Server {
	s := &scorocode{app: app}
	s.server = New(s)
	return s.server
}

type scorocode struct {
	app    Scorocode
	server *Server
}

func (s *scorocode) Answer(r Request) Answer {
	method := r.URL.Path
	if method != scorocodePush && method != scorocodeSMS || r.URL.RawQuery != "" {
		s.server.Violate("scorocode: %s is no path of the API", method)
		return scorocodeError(http.StatusNotFound, "Not found")
	}
	if r.Method != http.MethodPost {
		s.server.Violate("scorocode: %s, not POST", r.Method)
		return scorocodeError(http.StatusMethodNotAllowed, "Method not allowed")
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		s.server.Violate("scorocode: the content type is %q, not application/json", r.Header.Get("Content-Type"))
		return scorocodeError(http.StatusBadRequest, "Invalid content type")
	}
	req, err := decodeScorocode(method, r.Body)
	if err != nil {
		s.server.Violate("scorocode: %v", err)
		return scorocodeError(http.StatusBadRequest, "Invalid request")
	}
	if why := s.app.admits(req); why != "" {
		return scorocodeError(http.StatusUnauthorized, why)
	}
	copies, count, err := s.app.find(req)
	if err != nil {
		return scorocodeError(http.StatusBadRequest, "Invalid query: "+err.Error())
	}
	for _, c := range copies {
		if words, scripted := s.server.Scripted(c.To); scripted {
			return scorocodeError(splitCode(words))
		}
	}
	return scorocodeAnswer(http.StatusOK, map[string]any{"error": false, "count": count}, copies)
}

// admits tells what is wrong with the request's keys; empty where nothing is.
func (a Scorocode) admits(r scorocodeRequest) string {
	switch {
	case r.App != a.App || r.Client != a.ClientKey:
		return "Invalid application or client key"
	case a.MasterKey != "" && r.Access == a.MasterKey:
		return ""
	case a.MessageKey == "" || r.Access != a.MessageKey:
		return "Invalid access key"
	case value(r.Session) != a.Session || a.Session == "":
		return "Invalid session"
	}
	return ""
}

// find gives the copies that a request's recipients get, and their count.
func (a Scorocode) find(r scorocodeRequest) (copies []Copy, count int, err error) {
	id, err := canonical(r.Msg)
	if err != nil {
		return nil, 0, err
	}
	if a.Collections == nil {
		to := "everyone"
		if r.Query != nil {
			if to, err = canonical(r.Query); err != nil {
				return nil, 0, err
			}
		}
		if a.Count == 0 {
			return nil, 0, nil
		}
		return []Copy{{To: to, ID: id}}, a.Count, nil
	}
	query, err := r.Query.compile()
	if err != nil {
		return nil, 0, err
	}
	for _, row := range a.Collections[r.Coll] {
		if query.match(row) {
			copies = append(copies, Copy{To: row["_id"], ID: id})
		}
	}
	return copies, len(copies), nil
}

// canonical is a value as JSON with sorted names and no spaces.
func canonical(v any) (string, error) {
	b, err := jsonv2.Marshal(v, jsonv2.OmitZeroStructFields(true))
	if err != nil {
		return "", err
	}
	c := jsontext.Value(b)
	if err := c.Canonicalize(); err != nil {
		return "", fmt.Errorf("no canonical JSON: %w", err)
	}
	return string(c), nil
}

// splitCode parts words that begin with an error code.
func splitCode(words string) (int, string) {
	first, rest, _ := strings.Cut(words, " ")
	if code, err := strconv.Atoi(first); err == nil && code >= 400 && code <= 599 {
		return code, rest
	}
	return http.StatusBadRequest, words
}

func scorocodeError(code int, words string) Answer {
	return scorocodeAnswer(code, map[string]any{"error": true, "errCode": code, "errMsg": words}, nil)
}

func scorocodeAnswer(status int, reply map[string]any, took []Copy) Answer {
	body, err := json.Marshal(reply)
	if err != nil {
		return Answer{Status: http.StatusInternalServerError} // can't be: it is made of strings, integers and booleans
	}
	return Answer{Status: status, Body: body, Taken: took}
}
