package job

import (
	"bytes"
	"slices"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads a job's JSON, strictly, checks it and normalises it: To becomes E.164, the times UTC. Region is that of phones
// without a country code, as in ISO 3166 (RU); empty where there is none, and such phones are an error.
//
// Unknown, misspelt and repeated fields, nulls, wrong types, invalid UTF-8, anything after the object and more than [MaxBytes] are
// errors, always of type *[Error]: invalid_job, or invalid_recipient, invalid_sender or invalid_content where a well-formed job
// can't be sent so.
//
// The job is never nil. With an error it holds what could be read and is valid by itself (ID, Channel and Metadata, nothing
// else), so that an event can name the job that is refused. Decode keeps nothing of data and doesn't change it.
func Decode(data []byte, region string) (*Job, error) {
	j := new(Job)
	return j, j.DecodeInPlace(bytes.Clone(data), region)
}

// DecodeInPlace is [Decode] into j without a copy: the job's strings lie in data, which nobody may change from then on.
func (j *Job) DecodeInPlace(data []byte, region string) error {
	if len(data) > MaxBytes {
		*j = salvage(data[:MaxBytes])
		return malformed("", "is larger than 64 KiB")
	}
	d, flat := readFlat(j, unsafe.String(unsafe.SliceData(data), len(data)))
	var err error
	if !flat {
		d, err = readAny(j, data)
	}
	if err == nil {
		err = d.check(region)
	}
	if err != nil {
		*j = salvage(data)
		return explain(err)
	}
	return nil
}

// readAny reads a job in any form, or tells what is wrong with it.
func readAny(j *Job, data []byte) (draft, error) {
	*j = Job{}
	d := draft{job: j}
	err := json.Unmarshal(data, &d)
	return d, err
}

// fieldNames are the fields of a job; their index is their place in a draft's given.
//
//nolint:gochecknoglobals // a table that nobody writes to
var fieldNames = [...]string{"id", "channel", "to", "audience", "sender", "text", "push", "send_at", "expires_at", "metadata"}

const (
	givenID = 1 << iota
	givenChannel
	givenTo
	givenAudience
	givenSender
	givenText
	givenPush
	givenSendAt
	givenExpiresAt
	givenMetadata
)

// draft is a job while it is read: with what was given, even where its value is empty, and what is checked only once the
// channel is known.
type draft struct {
	job   *Job
	given uint16
	push  jsontext.Value
}

// UnmarshalJSONFrom reads a job member by member, which tells an absent field from an empty one and names the field that is wrong.
func (d *draft) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return readObject(dec, "", func(name string) error { return d.member(dec, name) })
}

func (d *draft) member(dec *jsontext.Decoder, name string) (err error) {
	j := d.job
	switch name {
	case "id":
		d.given |= givenID
		j.ID, err = readString(dec, name)
	case "channel":
		d.given |= givenChannel
		var words string
		words, err = readString(dec, name)
		j.Channel = Channel(words)
	case "to":
		d.given |= givenTo
		j.To, err = readString(dec, name)
	case "audience":
		d.given |= givenAudience
		j.Audience, err = readAudience(dec)
	case "sender":
		d.given |= givenSender
		j.Sender, err = readString(dec, name)
	case "text":
		d.given |= givenText
		j.Text, err = readString(dec, name)
	case "push":
		d.given |= givenPush
		d.push, err = readRaw(dec)
	case "send_at":
		d.given |= givenSendAt
		j.SendAt, err = readTime(dec, name)
	case "expires_at":
		d.given |= givenExpiresAt
		j.ExpiresAt, err = readTime(dec, name)
	case "metadata":
		d.given |= givenMetadata
		j.Metadata, err = readMetadata(dec)
	default:
		return unknown("", name, fieldNames[:])
	}
	return err
}

// unknown is the error about a field that isn't of the contract; where only the case is wrong it says so.
func unknown(field, name string, known []string) error {
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	if i >= 0 {
		return malformed(path(field, name), "unknown field, did you mean "+known[i]+"?")
	}
	return malformed(path(field, name), "unknown field")
}
