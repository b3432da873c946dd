package observe

import (
	"slices"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/providers"
)

// Layer is one way of watching: it wraps what a pipeline works through, without changing what it does.
type Layer interface {
	Ports(dispatch.Ports) dispatch.Ports
	// Provider wraps the provider of an account. Of its abilities only sending is left.
	Provider(account string, p providers.Provider) providers.Provider
}

// Wrap puts the layers around ports and the accounts' providers, the first one innermost. The accounts given stay as they are: what else their
// providers can do is to be looked for there.
func Wrap(ports dispatch.Ports, accounts []dispatch.Account, layers ...Layer) (dispatch.Ports, []dispatch.Account) {
	accounts = slices.Clone(accounts)
	for _, l := range layers {
		ports = l.Ports(ports)
		for i := range accounts {
			accounts[i].Provider = l.Provider(accounts[i].Name, accounts[i].Provider)
		}
	}
	return ports, accounts
}
