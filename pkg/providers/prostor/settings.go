package prostor

import (
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// Settings is the provider's own part of an account.
type Settings struct {
	Login    string           `yaml:"login"`
	Password providers.Secret `yaml:"password"`
	// StatusQueue is the queue at the provider that collects the states of this account's messages, 3 to 16 letters
	// and digits. Empty: states are asked for.
	StatusQueue string `yaml:"status_queue"`
}

// Validate returns every fault: missing credentials, a queue's name that the provider would refuse.
func (s *Settings) Validate() []providers.Fault {
	var faults []providers.Fault
	if s.Login == "" {
		faults = append(faults, providers.Fault{Field: "login", Problem: "missing; give the account's login"})
	}
	if s.Password == "" {
		faults = append(faults, providers.Fault{Field: "password", Problem: "missing; give the account's password"})
	}
	if s.StatusQueue != "" && !queueName(s.StatusQueue) {
		faults = append(faults, providers.Fault{Field: "status_queue", Problem: "not a queue's name; give 3 to 16 Latin letters and digits, such as gonets1"})
	}
	return faults
}

// Open makes the provider of one account. It is a [providers.ReceiptQueue] only where the account has a status queue.
func (s *Settings) Open(e providers.Endpoint) (providers.Provider, error) {
	p := &provider{endpoint: e.WithDefaults(), settings: *s, phrases: dictionary(), states: states()}
	if s.StatusQueue == "" {
		return p, nil
	}
	return queueProvider{p}, nil
}

func queueName(s string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(s) >= 3 && len(s) <= 16 && strings.Trim(s, allowed) == ""
}
