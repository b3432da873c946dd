package sim

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// mysmppPacket is the document's request, with pointers where a field may be absent.
type mysmppPacket struct {
	Login    *string       `json:"login"`
	Password *string       `json:"password"`
	Token    *string       `json:"token"`
	Message  []mysmppGroup `json:"message"`
}

type mysmppGroup struct {
	Type   string        `json:"type_send_1"`
	Sender *string       `json:"sender"`
	Text   *string       `json:"text"`
	Phones []mysmppPhone `json:"phones"`
}

type mysmppPhone struct {
	Phone    *string `json:"phone"`
	ClientID *string `json:"client_id_sms"`
	Validity *string `json:"validity_period"`
}

// decodeMySMPP reads a packet as the document writes it, and nothing else: no unknown, misspelt or repeated names, no
// other types, quoted digits, exactly one way to authenticate, no validity in the past.
func decodeMySMPP(body []byte, zone *time.Location, now time.Time) (p mysmppPacket, err error) {
	if err := decodeStrict(body, &p, math.MaxInt); err != nil {
		return p, err
	}
	if err := (mysmppCredentials{p.Login, p.Password, p.Token}).check(); err != nil {
		return p, err
	}
	if len(p.Message) == 0 {
		return p, errors.New("message is missing or empty")
	}
	for i, g := range p.Message {
		if err := g.check(zone, now); err != nil {
			return p, fmt.Errorf("message[%d]: %w", i, err)
		}
	}
	return p, nil
}

func (g mysmppGroup) check(zone *time.Location, now time.Time) error {
	switch {
	case g.Type != "sms" && g.Type != "viber":
		return fmt.Errorf("type_send_1 is %q; allowed are sms and viber", g.Type)
	case g.Sender == nil || *g.Sender == "":
		return errors.New("sender is missing")
	case g.Text == nil:
		return errors.New("text is missing")
	case len(g.Phones) == 0:
		return errors.New("phones is missing or empty")
	}
	for i, p := range g.Phones {
		if err := p.check(zone, now); err != nil {
			return fmt.Errorf("phones[%d]: %w", i, err)
		}
	}
	return nil
}

func (p mysmppPhone) check(zone *time.Location, now time.Time) error {
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	switch {
	case p.Phone == nil || !digits(*p.Phone):
		return errors.New("phone is missing or has other characters than digits")
	case p.ClientID != nil && (!digits(*p.ClientID) || len(*p.ClientID) > 18):
		return errors.New("client_id_sms is no integer of at most 18 digits")
	case p.Validity == nil:
		return nil
	}
	until, err := time.ParseInLocation(time.DateTime, *p.Validity, zone)
	switch {
	case err != nil || until.Format(time.DateTime) != *p.Validity:
		return errors.New("validity_period is not YYYY-MM-DD HH:MM:SS")
	case until.Before(now):
		return errors.New("validity_period is in the past")
	}
	return nil
}
