package main

import (
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/mysmpp"
	"github.com/gonets/gonets/pkg/providers/prostor"
	"github.com/gonets/gonets/pkg/providers/scorocode"
)

// catalogue is every provider that an account may name. A new one is one line here.
func catalogue() []providers.Kind {
	return []providers.Kind{
		prostor.Kind(),
		mysmpp.Kind(),
		scorocode.Kind(),
	}
}
