package prostor_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/prostor"
	"github.com/gonets/gonets/pkg/providers/providertest"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

func TestConformance(t *testing.T) {
	const login, password = "shop-login", "pass/word\"1"
	rejected := func(c providers.Code) providers.Verdict {
		return providers.Verdict{Outcome: providers.Rejected, Code: c}
	}
	providertest.Run(t, providertest.Subject{
		Kind: prostor.Kind(),
		Settings: func() providers.Settings {
			return &prostor.Settings{Login: login, Password: password, StatusQueue: "gonets1"}
		},
		Sim: func() *sim.Server { return sim.NewProstor(login, password).Server },
		Message: func(n int) providers.Message {
			return providers.Message{Key: sha256.Sum256(fmt.Append(nil, n)), Channel: providers.SMS,
				To: fmt.Sprintf("+7900%07d", n), Sender: "Shop", Text: fmt.Sprintf("Your order %d is ready", n)}
		},
		Copy: func(m providers.Message) sim.Copy {
			return sim.Copy{To: m.To[1:], ID: providers.Base32ID(m.Key)}
		},
		Secrets: []string{login, password},
		Refusals: map[string]providers.Verdict{
			"invalid mobile phone":            rejected(providers.InvalidRecipient),
			"sender address invalid":          rejected(providers.InvalidSender),
			"not enough balance":              {Outcome: providers.InsufficientFunds},
			"absent required param: clientId": {Outcome: providers.Misconfigured},
			"Error authorization.":            {Outcome: providers.Unauthorized},
			"words that nobody knows":         {Outcome: providers.Ambiguous},
		},
		States: map[string]providers.ReceiptState{
			"queued":                 providers.Pending,
			"smsc submit":            providers.Pending,
			"delivered":              providers.Delivered,
			"delivery error":         providers.Undelivered,
			"smsc reject":            providers.Undelivered,
			"incorrect id":           providers.Untold,
			"not delivered":          providers.Pending,
			"a word that nobody has": providers.Pending,
		},
		Tell: func(s *sim.Server, id, words string) { s.Answerer().(*sim.Prostor).Deliver(id, words) },
	})
}
