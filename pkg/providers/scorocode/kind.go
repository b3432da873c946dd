package scorocode

import (
	"errors"

	"github.com/gonets/gonets/pkg/providers"
)

// Kind is this provider's entry of the catalogue.
func Kind() providers.Kind {
	return providers.Kind{
		Name: "scorocode",
		Traits: providers.Traits{
			Channels:        []providers.Channel{providers.Push, providers.SMS},
			ByQuery:         true,
			MaxBatch:        1,
			DefaultBatch:    1,
			DefaultInFlight: 4,
		},
		Settings: func() providers.Settings { return new(Settings) },
	}
}

// Open makes the provider of one account.
func (s *Settings) Open(e providers.Endpoint) (providers.Provider, error) {
	var faults []error
	for _, f := range s.Validate() {
		faults = append(faults, f)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &provider{endpoint: e.WithDefaults(), settings: *s}, nil
}
