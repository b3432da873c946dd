package job

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxID and maxSender bound a job's id, in bytes, and its sender, in characters.
const (
	maxID     = 64
	maxSender = 64
)

// check applies the contract's rules to a job that was read whole, and normalises it. What makes a job malformed
// comes before what makes it unsendable.
func (d *draft) check(region string) error {
	j := d.job
	has := func(field uint16) bool { return d.given&field != 0 }
	switch {
	case !has(givenID):
		return malformed("id", "is missing")
	case !validID(j.ID):
		return malformed("id", "must be 1 to 64 of the characters A-Z a-z 0-9 _ . : -")
	case !has(givenChannel):
		return malformed("channel", "is missing")
	case !j.Channel.known():
		return malformed("channel", "must be sms, viber or push")
	case has(givenTo) && has(givenAudience):
		return malformed("audience", "excludes to: give one of them")
	case !has(givenTo) && !has(givenAudience):
		return malformed("to", "is missing, and so is audience")
	case j.Channel == Push && has(givenText):
		return malformed("text", "is not for push")
	case j.Channel == Push && !has(givenPush):
		return malformed("push", "is missing")
	case j.Channel != Push && has(givenPush):
		return malformed("push", "is for the channel push only")
	case j.Channel != Push && !has(givenText):
		return malformed("text", "is missing")
	case has(givenSendAt) && has(givenExpiresAt) && j.ExpiresAt.Before(j.SendAt):
		return malformed("expires_at", "is before send_at")
	}
	if has(givenAudience) {
		if err := j.Audience.check(j.Channel); err != nil {
			return err
		}
	}
	if has(givenPush) {
		content, err := readPush(d.push)
		if err != nil {
			return err
		}
		j.Push = content
	}
	if has(givenTo) {
		phone, err := NormalizePhone(j.To, region)
		if err != nil {
			return err
		}
		j.To = phone
	}
	if err := checkSender(j.Sender); err != nil {
		return err
	}
	return j.checkText()
}

func (j *Job) checkText() error {
	if j.Channel == Push {
		return nil
	}
	if strings.TrimSpace(j.Text) == "" {
		return wrong(InvalidContent, "text", "is empty")
	}
	if j.Channel == SMS && tooLong(j.Text) {
		return wrong(InvalidContent, "text", "is longer than 10 segments")
	}
	return nil
}

func checkSender(sender string) error {
	if utf8.RuneCountInString(sender) > maxSender {
		return wrong(InvalidSender, "sender", "is longer than 64 characters")
	}
	if strings.ContainsFunc(sender, unicode.IsControl) {
		return wrong(InvalidSender, "sender", "has control characters")
	}
	return nil
}

func (c Channel) known() bool { return c == SMS || c == Viber || c == Push }

// Channels returns all channels.
func Channels() []Channel { return []Channel{SMS, Viber, Push} }

func validID(id string) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}
