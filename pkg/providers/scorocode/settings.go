package scorocode

import "github.com/gonets/gonets/pkg/providers"

// Settings is the provider's own part of an account.
type Settings struct {
	App       string           `yaml:"app"`        // application identifier
	ClientKey providers.Secret `yaml:"client_key"` // client key
	AccessKey providers.Secret `yaml:"access_key"` // message key, or master key for full access
	Session   providers.Secret `yaml:"session"`    // session id; not needed where AccessKey is the master key
}

// Validate returns every fault: the keys that are missing. Whether a session is needed only Scorocode knows.
func (s *Settings) Validate() []providers.Fault {
	var faults []providers.Fault
	for _, key := range []struct{ field, value, what string }{
		{"app", s.App, "the application identifier"},
		{"client_key", string(s.ClientKey), "the client key"},
		{"access_key", string(s.AccessKey), "the message key or the master key"},
	} {
		if key.value == "" {
			faults = append(faults, providers.Fault{Field: key.field, Problem: "missing; give " + key.what})
		}
	}
	return faults
}
