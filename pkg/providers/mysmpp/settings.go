package mysmpp

import (
	"cmp"
	"fmt"
	"time"
	_ "time/tzdata" // the zones, for an image that has none

	"github.com/gonets/gonets/pkg/providers"
)

// DefaultTimezone is the zone in which validity periods are written where the account names none. The document
// doesn't say which one it means; the service is at home in Moscow.
const DefaultTimezone = "Europe/Moscow"

// Settings is the provider's own part of an account: either Login and Password, or Token.
type Settings struct {
	Login    string           `yaml:"login"`
	Password providers.Secret `yaml:"password"`
	Token    providers.Secret `yaml:"token"`    // given out by the provider's manager, instead of login and password
	Timezone string           `yaml:"timezone"` // IANA name of the account's zone; empty: DefaultTimezone
}

// Validate returns every fault: anything but exactly one way to authenticate, an unknown zone.
func (s *Settings) Validate() []providers.Fault {
	var faults []providers.Fault
	fault := func(field, problem string) {
		faults = append(faults, providers.Fault{Field: field, Problem: problem})
	}
	switch byLogin, byToken := s.Login != "" || s.Password != "", s.Token != ""; {
	case byLogin && byToken:
		fault("token", "given beside login and password; give one of the two")
	case !byLogin && !byToken:
		fault("login", "missing; give login and password, or a token")
	case byLogin && s.Login == "":
		fault("login", "missing; it is needed with a password")
	case byLogin && s.Password == "":
		fault("password", "missing; it is needed with a login")
	}
	if _, err := s.location(); err != nil {
		fault("timezone", fmt.Sprintf("%q is no zone; give an IANA name such as %s", s.Timezone, DefaultTimezone))
	}
	return faults
}

func (s *Settings) location() (*time.Location, error) {
	if s.Timezone == "Local" { // would differ from machine to machine
		return nil, fmt.Errorf("timezone: %q depends on the machine", s.Timezone)
	}
	return time.LoadLocation(cmp.Or(s.Timezone, DefaultTimezone))
}
