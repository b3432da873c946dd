package mysmpp

import (
	"errors"

	"github.com/gonets/gonets/pkg/providers"
)

const maxAsk = 100

// Kind is this provider's entry of the catalogue. The document names no limit of a packet's size: MaxBatch is
// ours, and keeps a packet of the longest texts, all different, below 2 MB; so is MaxAsk. That an account may make five requests at
// a time is known from a sibling brand of the platform.
func Kind() providers.Kind {
	return providers.Kind{
		Name: "mysmpp",
		Traits: providers.Traits{
			Channels:        []providers.Channel{providers.SMS, providers.Viber},
			MaxBatch:        1000,
			DefaultBatch:    100,
			DefaultInFlight: 5,
			InFlightTotal:   5,
			Dedupes:         true,
			ReportsDelivery: true,
			MaxAsk:          maxAsk,
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
	zone, err := s.location()
	if err != nil {
		return nil, err
	}
	return &provider{
		endpoint: e.WithDefaults(),
		settings: *s,
		zone:     zone,
		reader: reader{
			meanings: dictionary(),
			repeats:  repeats(),
			states:   states(),
			secrets:  []providers.Secret{providers.Secret(s.Login), s.Password, s.Token},
		},
	}, nil
}
