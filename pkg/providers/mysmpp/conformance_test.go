package mysmpp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/mysmpp"
	"github.com/gonets/gonets/pkg/providers/providertest"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

const (
	login    = "shop-login"
	password = "s3cret-passw0rd"
	token    = "s3cret-t0ken"
)

func simulator() *sim.Server {
	return sim.NewMySMPP(sim.MySMPP{Login: login, Password: password, Token: token}).Server
}

func message(n int) providers.Message {
	m := providers.Message{
		Key:     [32]byte{byte(n), byte(n >> 8), byte(n >> 16), 1},
		Channel: providers.SMS,
		To:      fmt.Sprintf("+7961%07d", n),
		Sender:  "MyShop",
		Text:    fmt.Sprintf("Your parcel %d has arrived, see <https://shop.example/%d>", n%3, n%3),
	}
	if n%2 == 1 {
		m.Channel = providers.Viber
	}
	if n%5 == 1 {
		m.ExpiresAt = time.Now().Add(time.Hour)
	}
	return m
}

func copyOf(m providers.Message) sim.Copy {
	return sim.Copy{To: strings.TrimPrefix(m.To, "+"), ID: providers.DecimalID(m.Key)}
}

func subject() providertest.Subject {
	rejected := func(c providers.Code) providers.Verdict {
		return providers.Verdict{Outcome: providers.Rejected, Code: c}
	}
	return providertest.Subject{
		Kind:     mysmpp.Kind(),
		Settings: func() providers.Settings { return &mysmpp.Settings{Login: login, Password: password} },
		Sim:      simulator,
		Message:  message,
		Copy:     copyOf,
		Secrets:  []string{login, password},
		Refusals: map[string]providers.Verdict{
			"Номер телефона присутствует в стоп-листе": rejected(providers.BlockedRecipient),
			"Such a thing was never seen":                              {Outcome: providers.Ambiguous},
			"Данное направление закрыто для вас":                       {Outcome: providers.ClosedDestination},
			"This destination is closed":                               {Outcome: providers.ClosedDestination},
			"У нас закончились SMS. Свяжитесь с менеджером":            {Outcome: providers.Unavailable},
			"Закончились SMS":                                          {Outcome: providers.InsufficientFunds},
			"Недостаточно средств. SMS будет отправлена, как только …": {Outcome: providers.Stalled},
			"Аккаунт заблокирован":                                     {Outcome: providers.Unauthorized},
			"The sender has not been moderated":                        rejected(providers.InvalidSender),
			"Текст SMS отклонен модератором":                           rejected(providers.InvalidContent),
			"Specify phone number":                                     rejected(providers.InvalidRecipient),
			"Попытка отправки более одного одинакового запроса за минуту": {Outcome: providers.Ambiguous, Code: providers.CodeThrottled},
			"Incorrect JSON document format": {Outcome: providers.Misconfigured},
			"Отправитель не прошёл модерацию. Обратитесь к менеджеру, да.": rejected(providers.InvalidSender),
		},
		States: map[string]providers.ReceiptState{
			"send":               providers.Pending,
			"deliver":            providers.Delivered,
			"read":               providers.Delivered,
			"not_deliver":        providers.Undelivered,
			"expired":            providers.Undelivered,
			"partly_deliver":     providers.Untold,
			"Абонент в роуминге": providers.Untold,
		},
		Tell: func(s *sim.Server, id, words string) { s.Answerer().(*sim.MySMPPServer).Deliver(id, words) },
	}
}

func TestConformanceWithLogin(t *testing.T) { providertest.Run(t, subject()) }

func TestConformanceWithToken(t *testing.T) {
	s := subject()
	s.Settings = func() providers.Settings { return &mysmpp.Settings{Token: token, Timezone: "Asia/Vladivostok"} }
	s.Sim = func() *sim.Server {
		return sim.NewMySMPP(sim.MySMPP{Token: token, Zone: must(time.LoadLocation("Asia/Vladivostok"))}).Server
	}
	s.Secrets = []string{token}
	providertest.Run(t, s)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// open makes a provider before a simulator.
func open(t *testing.T, s *sim.Server, settings providers.Settings) providers.Provider {
	t.Helper()
	require.NoError(t, s.Start("127.0.0.1:0"))
	t.Cleanup(s.Close)
	p, err := settings.Open(providers.Endpoint{URL: s.URL(), Timeout: time.Minute})
	require.NoError(t, err)
	return p
}

// What may have been sent is sent again with the same ids, and every recipient gets one copy.
func TestRepeatsReachNobodyTwice(t *testing.T) {
	for _, fault := range []sim.Fault{sim.ResetAfter, sim.Error500, sim.HTML502, sim.Truncated, sim.Garbage, sim.WrongRows, sim.MissingRows} {
		t.Run(fault.String(), func(t *testing.T) {
			s := simulator()
			p := open(t, s, &mysmpp.Settings{Token: token})
			msgs := []providers.Message{message(0), message(1), message(2), message(3)}
			s.Break(fault, 1)
			for _, r := range p.Send(context.Background(), msgs) {
				require.Equal(t, providers.Ambiguous, r.Outcome)
			}
			first := p.Send(context.Background(), msgs)
			again := p.Send(context.Background(), msgs)
			require.Equal(t, first, again)
			for i, m := range msgs {
				require.Equal(t, providers.Submitted, first[i].Outcome)
				require.NotEmpty(t, first[i].ID)
				require.Equal(t, 1, s.Copies(copyOf(m)))
			}
			require.Empty(t, s.Repeats())
			require.Empty(t, s.Violations())
		})
	}
}

func TestWrongCredentials(t *testing.T) {
	for name, settings := range map[string]*mysmpp.Settings{
		"password": {Login: login, Password: "wrong-password"},
		"token":    {Token: "wrong-token"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulator()
			p := open(t, s, settings)
			for _, r := range p.Send(context.Background(), []providers.Message{message(0), message(1)}) {
				require.Equal(t, providers.Unauthorized, r.Outcome)
			}
			require.Zero(t, s.Messages())
			require.Empty(t, s.Violations())
		})
	}
}

func TestOneWithoutSenderKeepsNobodyBack(t *testing.T) {
	s := simulator()
	p := open(t, s, &mysmpp.Settings{Token: token})
	msgs := []providers.Message{message(0), message(1), message(2)}
	msgs[1].Sender = ""
	rs := p.Send(context.Background(), msgs)
	require.Equal(t, []providers.Outcome{providers.Submitted, providers.Rejected, providers.Submitted},
		[]providers.Outcome{rs[0].Outcome, rs[1].Outcome, rs[2].Outcome})
	require.Equal(t, providers.InvalidSender, rs[1].Code)
	require.Equal(t, 2, s.Messages())

	require.Equal(t, providers.Rejected, p.Send(context.Background(), msgs[1:2])[0].Outcome)
	require.Equal(t, 1, s.Requests(), "a request was made for nobody")
	require.Empty(t, s.Violations())
}

func TestOpenRefusesFaults(t *testing.T) {
	_, err := (&mysmpp.Settings{Login: login, Password: password, Token: token}).Open(providers.Endpoint{})
	require.ErrorContains(t, err, "token")
	require.NotContains(t, err.Error(), password)
	_, err = (&mysmpp.Settings{Token: token, Timezone: "nowhere"}).Open(providers.Endpoint{})
	require.ErrorContains(t, err, "timezone")
}
