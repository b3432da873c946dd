package sim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// scorocodeRequest is the document's request of both methods.
type scorocodeRequest struct {
	App     string           `json:"app"`
	Client  string           `json:"cli"`
	Access  string           `json:"acc"`
	Session *string          `json:"sess"`
	Coll    string           `json:"coll"`
	Query   scorocodeQuery   `json:"query"` // nil: everyone
	Msg     scorocodeContent `json:"msg"`
}

type scorocodeContent struct {
	Data *scorocodeData `json:"data"`
	Text *string        `json:"text"`
}

type scorocodeData struct {
	GCM  *scorocodeGCM             `json:"gcm"`
	APNS map[string]jsontext.Value `json:"apns"`
}

type scorocodeGCM struct {
	Protocol     *string                   `json:"protocol"`
	Notification map[string]jsontext.Value `json:"notification"`
	Data         map[string]jsontext.Value `json:"data"`
}

// decodeScorocode reads a request as the document writes it, and nothing else. An empty query is an error too: it
// would address everyone without saying so.
func decodeScorocode(method string, body []byte) (r scorocodeRequest, err error) {
	if err := decodeStrict(body, &r, 1); err != nil {
		return r, err
	}
	collections := []string{"users", "roles", "devices"}
	if method == scorocodeSMS {
		collections = collections[:2]
	}
	switch {
	case r.App == "" || r.Client == "" || r.Access == "":
		return r, errors.New("app, cli or acc is missing")
	case r.Session != nil && *r.Session == "":
		return r, errors.New("sess is empty")
	case !slices.Contains(collections, r.Coll):
		return r, fmt.Errorf("coll is %q; allowed are %q", r.Coll, collections)
	case r.Query != nil && len(r.Query) == 0:
		return r, errors.New("query is empty, which addresses everyone")
	}
	if method == scorocodeSMS {
		return r, r.Msg.checkSMS()
	}
	return r, r.Msg.checkPush()
}

func (c scorocodeContent) checkSMS() error {
	if c.Data != nil || c.Text == nil || *c.Text == "" {
		return errors.New("msg of an sms holds a text and nothing else")
	}
	return nil
}

func (c scorocodeContent) checkPush() error {
	if c.Text != nil || c.Data == nil || c.Data.GCM == nil && c.Data.APNS == nil {
		return errors.New("msg of a push holds data with gcm, apns or both, and nothing else")
	}
	if g := c.Data.GCM; g != nil && g.Protocol != nil && *g.Protocol != "http" && *g.Protocol != "xmpp" {
		return fmt.Errorf("gcm.protocol is %q; allowed are http and xmpp", *g.Protocol)
	}
	for name, v := range c.Data.APNS {
		if err := checkAPNS(name, v); err != nil {
			return fmt.Errorf("apns.%s: %w", name, err)
		}
	}
	return nil
}

// checkAPNS checks a field of apns. Those that the document doesn't know are the sender's own and may be anything.
func checkAPNS(name string, v jsontext.Value) error {
	switch name {
	case "id":
		return apnsID(v)
	case "topic", "collapseId":
		return apnsString(v)
	case "expiration":
		return apnsTime(v)
	case "priority":
		return apnsPriority(v)
	case "aps":
		return apnsObject(v)
	}
	return nil
}

var uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func apnsID(v jsontext.Value) error {
	var s string
	if err := json.Unmarshal(v, &s); err != nil || !uuid.MatchString(s) {
		return errors.New("no UUID")
	}
	return nil
}

func apnsString(v jsontext.Value) error {
	if v.Kind() != '"' {
		return errors.New("no string")
	}
	return nil
}

func apnsTime(v jsontext.Value) error {
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return errors.New("no string")
	}
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return errors.New("no RFC 3339 time")
	}
	return nil
}

func apnsPriority(v jsontext.Value) error {
	if s := string(v); s != "5" && s != "10" {
		return errors.New("neither 5 nor 10")
	}
	return nil
}

func apnsObject(v jsontext.Value) error {
	if v.Kind() != '{' {
		return errors.New("no object")
	}
	return nil
}
