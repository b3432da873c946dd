package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// street is a configuration of three accounts before their simulators.
type street struct {
	prostor   *sim.Prostor
	mysmpp    *sim.MySMPPServer
	scorocode *sim.Server
	config    string
}

func newStreet(t *testing.T, prostor string) *street {
	t.Helper()
	s := &street{
		prostor:   sim.NewProstor("shop", prostorPassword),
		mysmpp:    sim.NewMySMPP(sim.MySMPP{Token: mysmppToken}),
		scorocode: sim.NewScorocode(sim.Scorocode{App: "app", ClientKey: "client", MasterKey: scorocodeKey, Count: 2}),
		config:    filepath.Join(t.TempDir(), "gonets.yaml"),
	}
	for _, server := range []*sim.Server{s.prostor.Server, s.mysmpp.Server, s.scorocode} {
		require.NoError(t, server.Start("127.0.0.1:0"))
		t.Cleanup(func() {
			server.Close()
			require.Empty(t, server.Violations())
			require.Zero(t, server.Requests(), "a question sent something")
		})
	}
	require.NoError(t, os.WriteFile(s.config, fmt.Appendf(nil, `accounts:
  prostor-main: {provider: prostor, url: "%s", login: shop, password: %s, status_queue: gonets1%s}
  mysmpp-main: {provider: mysmpp, url: "%s", token: %s, sender: MyShop}
  scorocode-main: {provider: scorocode, url: "%s", app: app, client_key: client, access_key: %s}
routes:
  otp: {accounts: [prostor-main, mysmpp-main]}
`, s.prostor.URL(), prostorPassword, prostor, s.mysmpp.URL(), mysmppToken, s.scorocode.URL(), scorocodeKey), 0o600))
	return s
}

// account runs `worker account`, and sees that no secret shows.
func (s *street) account(t *testing.T, question, name string, more ...string) (status int, stdout, stderr string) {
	t.Helper()
	status, stdout, stderr = worker(t, append([]string{"account", question, "--config", s.config, "--account", name}, more...)...)
	for _, secret := range []string{prostorPassword, mysmppToken, scorocodeKey} {
		require.NotContains(t, stdout+stderr, secret)
	}
	return status, stdout, stderr
}

func TestAccountBalance(t *testing.T) {
	s := newStreet(t, "")
	s.prostor.ShowBalance(`[{"credit":0.0,"balance":"0.00","type":"RUB"},{"credit":1000000,"balance":-508784,"type":"SMS"}]`)
	status, stdout, stderr := s.account(t, "balance", "prostor-main")
	require.Equal(t, exitDone, status, stderr)
	require.Equal(t, "AMOUNT   CREDIT   UNIT\n0.00     0.0      RUB\n-508784  1000000  SMS\n", stdout)
	status, stdout, _ = s.account(t, "balance", "mysmpp-main", "--output", "json")
	require.Equal(t, exitDone, status)
	var rows []providers.Balance
	require.NoError(t, json.Unmarshal([]byte(stdout), &rows))
	require.Equal(t, providers.Balance{Amount: "1000000.00", Unit: "RUB"}, rows[0])
}

// What an account can't tell is no fault.
func TestAccountsThatCannotTell(t *testing.T) {
	s := newStreet(t, "")
	for question, words := range map[string]string{"balance": "what is left", "senders": "its senders", "version": "its version", "status": "what becomes of a message"} {
		var ids []string
		if question == "status" {
			ids = []string{"1"}
		}
		status, stdout, stderr := s.account(t, question, "scorocode-main", append(ids, "--output", "json")...)
		require.Equal(t, exitDone, status)
		require.Equal(t, "[]\n", stdout)
		require.Equal(t, "account scorocode-main: scorocode doesn't tell "+words+"\n", stderr)
	}
}

func TestAccountSenders(t *testing.T) {
	s := newStreet(t, ", sender: MyShop")
	s.prostor.ListSenders(sim.ProstorSender{Name: "MyShop", Status: "active"}, sim.ProstorSender{Name: "3132018", Status: "pending", Info: "wait"})
	status, stdout, stderr := s.account(t, "senders", "prostor-main")
	require.Equal(t, exitDone, status)
	require.Empty(t, stderr)
	require.Equal(t, "NAME     STATUS   USABLE  DEFAULT  INFO\nMyShop   active   yes     yes\n3132018  pending  no      no       wait\n", stdout)

	s.prostor.SetSenders("МyShop") // its first letter is Cyrillic
	status, stdout, stderr = s.account(t, "senders", "prostor-main", "--output", "json")
	require.Equal(t, exitDone, status)
	require.Contains(t, stderr, `sender "MyShop" isn't in the account's list; "МyShop" ("\u041cyShop") is, which looks like it`)
	var rows []senderRow
	require.NoError(t, json.Unmarshal([]byte(stdout), &rows))
	require.Equal(t, []senderRow{{Sender: providers.Sender{Name: "МyShop", Status: "active", Usable: true}}}, rows)
}

func TestAccountVersion(t *testing.T) {
	s := newStreet(t, "")
	status, stdout, stderr := s.account(t, "version", "prostor-main")
	require.Equal(t, exitDone, status)
	require.Equal(t, "VERSION  EXPECTED\n2        2\n", stdout)
	require.Empty(t, stderr)
	s.prostor.SetVersion("3")
	status, stdout, stderr = s.account(t, "version", "prostor-main", "--output", "json")
	require.Equal(t, exitDone, status)
	require.JSONEq(t, `[{"version":"3","expected":"2"}]`, stdout)
	require.Contains(t, stderr, "version 3 answers")
}

func TestAccountStatus(t *testing.T) {
	s := newStreet(t, "")
	ids := make([]string, 250) // more than a question may have
	for i := range ids {
		ids[i] = fmt.Sprint(1000 + i)
	}
	status, stdout, stderr := s.account(t, "status", "prostor-main", ids...)
	require.Equal(t, exitDone, status, stderr)
	require.Len(t, strings.Split(stdout, "\n"), 252)
	require.True(t, strings.HasPrefix(stdout, "ID    STATE    STATUS  SEGMENTS  COST  AT\n1000  pending  queued\n"), stdout)
	n, _ := s.prostor.Asked()
	require.Equal(t, 2, n)

	status, stdout, _ = s.account(t, "status", "mysmpp-main", "82216", "x", "--output", "json")
	require.Equal(t, exitDone, status)
	require.JSONEq(t, `[{"id":"82216","state":"unanswered"},{"id":"x","state":"unanswered"}]`, stdout)
}

func TestAccountFaults(t *testing.T) {
	s := newStreet(t, "")
	for name, c := range map[string]struct {
		args   []string
		status int
		words  string
	}{
		"no question":     {[]string{"account"}, exitUsage, "no question given"},
		"another":         {[]string{"account", "money"}, exitUsage, `unknown command "money"`},
		"no account":      {[]string{"account", "balance", "--config", s.config}, exitUsage, `required flag(s) "account" not set`},
		"unknown account": {[]string{"account", "balance", "--config", s.config, "--account", "main"}, exitUsage, `no account is called "main"; the configuration has prostor-main, mysmpp-main, scorocode-main`},
		"no id":           {[]string{"account", "status", "--config", s.config, "--account", "prostor-main"}, exitUsage, "requires at least 1 arg"},
		"stray argument":  {[]string{"account", "balance", "--config", s.config, "--account", "prostor-main", "x"}, exitUsage, "unknown command"},
		"no file":         {[]string{"account", "balance", "--config", s.config + "x", "--account", "prostor-main"}, exitUsage, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := worker(t, c.args...)
			require.Equal(t, c.status, status, stderr)
			require.Contains(t, stderr, c.words)
			require.Empty(t, stdout)
		})
	}
	for _, question := range []string{"balance", "senders", "version", "status"} {
		var ids []string
		if question == "status" {
			ids = []string{"1"}
		}
		s.prostor.BreakQuestions(sim.TooMany, 1)
		status, stdout, stderr := s.account(t, question, "prostor-main", ids...)
		require.Equal(t, exitFailed, status)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "throttled: HTTP 429")
	}
}

func TestCheckAccounts(t *testing.T) {
	s := newStreet(t, ", sender: MyShop, check_sender: true")
	check := func() []finding {
		p := &program{lookup: func(string) (string, bool) { return "", false }, kinds: catalogue()}
		cfg, err := p.load(s.config)
		require.NoError(t, err)
		return checkAccounts(t.Context(), cfg.Accounts)
	}
	s.prostor.SetSenders("MyShop")
	s.prostor.SetBalance(1250)
	require.Equal(t, []finding{
		{"account prostor-main", true, `version 2; balance 12.50 RUB; sender "MyShop" is usable`},
		{"account mysmpp-main", true, "balance 1000000.00 RUB; balance 94339 sms Россия; mysmpp doesn't tell its version, senders"},
		{"account scorocode-main", true, "scorocode doesn't tell its version, balance, senders"},
	}, check())

	s.prostor.SetSenders("Other")
	s.prostor.SetVersion("3")
	found := check()[0]
	require.False(t, found.OK)
	require.Equal(t, `sender "MyShop" isn't in the account's list; warning: version 3, this client is written for 2; balance 12.50 RUB`, found.Words)

	s.prostor.Break(sim.Refused, -1)
	s.mysmpp.BreakQuestions(sim.Error500, -1)
	found = check()[0]
	require.False(t, found.OK)
	require.Equal(t, "unavailable: not sent: connection refused", found.Words)
	require.False(t, check()[1].OK)
}

func TestJudgeSender(t *testing.T) {
	list := []providers.Sender{{Name: "MyShop", Usable: true}, {Name: "МойМагазин", Usable: true}, {Name: "Old", Status: "blocked"}, {Name: "ТОР", Usable: true}}
	for name, want := range map[string]struct {
		usable bool
		words  string
	}{
		"MyShop":     {true, "is usable"},
		"МойМагазин": {true, "is usable"},
		"Old":        {false, `its status is "blocked"`},
		"myshop":     {false, `"MyShop" is, which looks like it`},
		"MyShор":     {false, `("MySh\u043e\u0440") isn't in the account's list; "MyShop" is`},
		"TOP":        {false, `"ТОР" ("\u0422\u041e\u0420") is, which looks like it`},
		"Nobody":     {false, `sender "Nobody" isn't in the account's list`},
		"":           {false, "no sender of its own"},
	} {
		words, usable := judgeSender(name, list)
		require.Equal(t, want.usable, usable, name)
		require.Contains(t, words, want.words, name)
	}
	words, _ := judgeSender("Nobody", list)
	require.NotContains(t, words, "looks like")
}
