package scorocode

import (
	"encoding/json"
	"slices"

	"github.com/gonets/gonets/pkg/providers"
)

// The API's two methods, below the account's URL.
const (
	pushPath = "api/v1/sendpush"
	smsPath  = "api/v1/sendsms"
)

// request is the body of both methods, which differ in msg only.
type request struct {
	App     string          `json:"app"`
	Client  string          `json:"cli"`
	Access  string          `json:"acc"`
	Session string          `json:"sess,omitempty"`
	Coll    string          `json:"coll"`
	Query   json.RawMessage `json:"query,omitempty"` // left out: everyone in the collection
	Msg     content         `json:"msg"`
}

// content holds the data of a push, or the text of an sms.
type content struct {
	Data *data  `json:"data,omitempty"`
	Text string `json:"text,omitempty"`
}

// data is passed on as the job gives it.
type data struct {
	GCM  json.RawMessage `json:"gcm,omitempty"`
	APNS json.RawMessage `json:"apns,omitempty"`
}

// build makes the message's request and the path it goes to, or tells why it is not asked for.
func build(s *Settings, m providers.Message) (path string, r request, refusal *providers.Result) {
	refuse := func(code providers.Code, why string) (string, request, *providers.Result) {
		return "", request{}, &providers.Result{Outcome: providers.Rejected, Code: code, Message: why}
	}
	var collections []string // where the document lets the channel look for recipients
	switch m.Channel {
	case providers.Push:
		path, collections = pushPath, []string{"users", "roles", "devices"}
	case providers.SMS:
		path, collections = smsPath, []string{"users", "roles"}
	default:
		return refuse(providers.InvalidContent, "this provider carries push and sms only")
	}
	msg, fault := newContent(m)
	if fault != "" {
		return refuse(providers.InvalidContent, fault)
	}
	a := m.Audience
	if a == nil {
		return refuse(providers.InvalidRecipient, "this provider addresses by query: the message needs an audience, not a phone")
	}
	asked, _ := members(a.Query)
	switch {
	case !slices.Contains(collections, a.Collection):
		return refuse(providers.InvalidRecipient, "this provider can't address that collection on this channel")
	case a.Everyone && a.Query != nil:
		return refuse(providers.InvalidRecipient, "the audience is both everyone and a query")
	case !a.Everyone && asked == 0:
		// An absent or empty query means everyone to Scorocode. It must never come to that by omission.
		return refuse(providers.InvalidRecipient, "the audience's query is missing, empty or no JSON object")
	}
	return path, request{App: s.App, Client: string(s.ClientKey), Access: string(s.AccessKey), Session: string(s.Session),
		Coll: a.Collection, Query: a.Query, Msg: msg}, nil
}

// newContent is the message's content, or what is wrong with it.
func newContent(m providers.Message) (c content, fault string) {
	if m.Channel == providers.SMS {
		if m.Text == "" {
			return content{}, "the text is missing"
		}
		return content{Text: m.Text}, ""
	}
	if len(m.GCM) == 0 && len(m.APNS) == 0 {
		return content{}, "a push needs gcm or apns"
	}
	if _, ok := members(m.GCM); len(m.GCM) > 0 && !ok {
		return content{}, "gcm is no JSON object"
	}
	if _, ok := members(m.APNS); len(m.APNS) > 0 && !ok {
		return content{}, "apns is no JSON object"
	}
	return content{Data: &data{GCM: m.GCM, APNS: m.APNS}}, ""
}

// members counts the members of a JSON object; ok is false for anything else.
func members(b []byte) (n int, ok bool) {
	var m map[string]json.RawMessage
	err := json.Unmarshal(b, &m)
	return len(m), err == nil && m != nil
}
