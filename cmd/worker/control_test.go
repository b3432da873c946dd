package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// operate runs `worker account`.
func (h *house) operate(verb string, more ...string) (status int, stdout, stderr string) {
	h.t.Helper()
	return worker(h.t, append([]string{"account", verb, "--config", h.config}, more...)...)
}

// must runs `worker account`, and returns its rows by account.
func (h *house) must(verb string, more ...string) map[string]accountRow {
	h.t.Helper()
	status, stdout, stderr := h.operate(verb, append(more, "--output", "json")...)
	require.Equal(h.t, exitDone, status, stderr)
	var rows []accountRow
	require.NoError(h.t, json.Unmarshal([]byte(stdout), &rows))
	all := map[string]accountRow{}
	for _, r := range rows {
		all[r.Account] = r
	}
	return all
}

// answering waits until a worker answers operators.
func (h *house) answering() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		_, err := h.nc.Request("dispatch.control.account.list", nil, 5*time.Second)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
}

// limitProstor sets the limit of the house's first account.
func (h *house) limitProstor(limit string) {
	text, err := os.ReadFile(h.config)
	require.NoError(h.t, err)
	require.NoError(h.t, os.WriteFile(h.config, []byte(strings.Replace(string(text), "recheck: 1s}", "recheck: 1s, "+limit+"}", 1)), 0o600))
}

func (h *house) text(route, id string) {
	h.t.Helper()
	h.publish("dispatch.jobs.urgent."+route+".shop", fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+79612242243","text":"t"}`, id))
}

// awaitState waits until the metrics of a worker show the account's state.
func (h *house) awaitState(address, account, state string) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		return strings.Contains(page(h.t, address), fmt.Sprintf("gonets_account_state{account=%q,state=%q} 1", account, state))
	}, 30*time.Second, 20*time.Millisecond)
}

// Pausing over two workers: jobs leave by another account or wait and say why, nothing reaches the paused one, a restarted worker knows it; resumed, they go.
func TestAccountPauseAndResume(t *testing.T) {
	h := newHouse(t)
	status, stdout, stderr := h.operate("list")
	require.Equal(t, exitFailed, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "no worker answers")

	listen := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", listen)
	stop, log := h.run()
	h.awaitStreams("otp")
	h.answering()
	row := h.must("pause", "--account", "prostor-main", "--reason", "call +7 961 224-22-43", "--by", "ann")["prostor-main"]
	require.Equal(t, accountRow{Account: "prostor-main", Provider: "prostor", State: "paused", Cause: "unavailable", Words: "paused by an operator: call ***", By: "ann"}, row)
	h.awaitState(listen, "prostor-main", "paused")

	h.text("otp", "over")
	_, e := h.next("over")
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, "mysmpp-main", e.Account)

	require.Equal(t, exitDone, stop())
	require.Contains(t, log.String(), `"by":"ann"`)
	require.NotContains(t, log.String(), "224-22-43")
	other := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", other)
	h.run()
	h.answering()
	require.Equal(t, "ann", h.must("list")["prostor-main"].By, "a restarted worker knows it")
	h.text("alone", "waits")
	h.text("otp", "over2")
	_, e = h.next("over2")
	require.Equal(t, "mysmpp-main", e.Account)
	require.Empty(t, h.prostor.Packets())

	row = h.must("resume", "--account", "prostor-main")["prostor-main"]
	require.EqualValues(t, "closed", row.State)
	for {
		if _, e = h.next("waits"); e.State != job.Waiting {
			break
		}
		require.Equal(t, &job.Reason{Code: job.Unavailable, Message: "paused by an operator: call ***"}, e.Error)
	}
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, "prostor-main", e.Account)
	require.Equal(t, 1, e.Attempt, "waiting burns none")
	h.awaitState(other, "prostor-main", "closed")
	require.Contains(t, page(t, other), `gonets_account_changes_total{account="prostor-main",change="resume"} 1`)
	h.empty()
}

func TestPauseEndsByItself(t *testing.T) {
	h := newHouse(t)
	h.run()
	h.awaitStreams("alone")
	h.answering()
	begun := time.Now()
	row := h.must("pause", "--account", "prostor-main", "--reason", "night", "--for", "4s")["prostor-main"]
	require.WithinDuration(t, begun.Add(4*time.Second), row.Until, 3*time.Second)
	time.Sleep(time.Second) // until the pipeline has looked
	h.text("alone", "a")
	_, e := h.next("a")
	for e.State == job.Waiting {
		_, e = h.next("a")
	}
	require.Equal(t, job.Submitted, e.State)
	require.False(t, e.At.Before(row.Until), "sent in the pause")
	require.EqualValues(t, "closed", h.must("list")["prostor-main"].State)
}

// A limit is changed while workers run, for all of them, and put back.
func TestAccountLimit(t *testing.T) {
	h := newHouse(t)
	h.limitProstor("batch: 5, limit: {messages_per_second: 0.01, burst: 5}")
	first, second := freeAddress(t), freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", first)
	h.run()
	h.awaitStreams("alone")
	h.answering()
	t.Setenv("GONETS_HTTP_LISTEN", second)
	h.run()
	inForce := func(rate string) {
		for _, address := range []string{first, second} {
			require.Eventually(t, func() bool {
				return strings.Contains(page(t, address), `gonets_account_limit_rate{account="prostor-main"} `+rate+"\n")
			}, 30*time.Second, 20*time.Millisecond)
		}
	}
	inForce("0.01")
	const jobs = 200
	for i := range jobs {
		h.publish("dispatch.jobs.bulk.alone.shop", fmt.Sprintf(`{"id":"j%d","channel":"sms","to":"+7961%07d","text":"t"}`, i, i))
	}
	row := h.must("limit", "--account", "prostor-main", "--rate", "1000", "--burst", "50")["prostor-main"]
	require.Equal(t, limit{1000, 50}, row.Limit)
	require.True(t, row.Changed)
	inForce("1000")
	for range jobs { // by the file's limit they'd take hours
		select {
		case m := <-h.events:
			require.Contains(t, m.Subject, ".submitted")
		case <-time.After(30 * time.Second):
			require.FailNow(t, "no more events")
		}
	}
	require.Equal(t, limit{1000, 60}, h.must("limit", "--account", "prostor-main", "--burst", "60")["prostor-main"].Limit, "the rate stays")
	row = h.must("limit", "--account", "prostor-main", "--reset")["prostor-main"]
	require.Equal(t, limit{0.01, 5}, row.Limit)
	require.False(t, row.Changed)
	inForce("0.01")
	_, stdout, _ := h.operate("list")
	require.Regexp(t, `ACCOUNT +PROVIDER +STATE +CAUSE +UNTIL +LIMIT +BURST +WORDS`, stdout)
	require.Regexp(t, `prostor-main +prostor +closed +0.01 +5`, stdout)
}

// What operators see of the service, and what it refuses.
func TestControlService(t *testing.T) {
	h := newHouse(t)
	h.limitProstor("batch: 5, limit: {messages_per_second: 10, burst: 5}")
	h.run()
	h.answering()
	m, err := h.nc.Request("$SRV.INFO.gonets", nil, 10*time.Second)
	require.NoError(t, err)
	var info micro.Info
	require.NoError(t, json.Unmarshal(m.Data, &info))
	var subjects []string
	for _, e := range info.Endpoints {
		subjects = append(subjects, e.Subject)
		require.Equal(t, "gonets", e.QueueGroup)
	}
	require.ElementsMatch(t, []string{"dispatch.control.account.pause", "dispatch.control.account.resume", "dispatch.control.account.limit", "dispatch.control.account.list"}, subjects)
	require.Equal(t, "dispatch", info.Metadata["prefix"])

	for name, c := range map[string]struct{ endpoint, body, words string }{
		"no JSON":          {"pause", `{`, "can't be read"},
		"unknown field":    {"pause", `{"account":"prostor-main","by":"a","reason":"r","untill":"2030-01-01T00:00:00Z"}`, "untill"},
		"unknown account":  {"pause", `{"account":"main","by":"a","reason":"r"}`, `no account is called "main"`},
		"no reason":        {"pause", `{"account":"prostor-main","by":"a"}`, "reason: missing"},
		"nobody":           {"pause", `{"account":"prostor-main","reason":"r"}`, "by: missing"},
		"long":             {"pause", `{"account":"prostor-main","by":"a","reason":"` + strings.Repeat("x", 201) + `"}`, "reason: at most"},
		"past":             {"pause", `{"account":"prostor-main","by":"a","reason":"r","until":"2020-01-01T00:00:00Z"}`, "is past"},
		"resume by nobody": {"resume", `{"account":"prostor-main"}`, "by: missing"},
		"no figures":       {"limit", `{"account":"prostor-main","by":"a"}`, "missing"},
		"below batch":      {"limit", `{"account":"prostor-main","by":"a","burst":4}`, "below the account's batch of 5"},
		"negative":         {"limit", `{"account":"prostor-main","by":"a","messages_per_second":-1}`, "out of range"},
		"both":             {"limit", `{"account":"prostor-main","by":"a","burst":9,"reset":true}`, "give either"},
		"no limit":         {"limit", `{"account":"mysmpp-main","by":"a","messages_per_second":1}`, "has no limit in the configuration"},
		"no limit, reset":  {"limit", `{"account":"mysmpp-main","by":"a","reset":true}`, "has no limit in the configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := h.nc.Request("dispatch.control.account."+c.endpoint, []byte(c.body), 10*time.Second)
			require.NoError(t, err)
			require.Equal(t, "400", m.Header.Get(micro.ErrorCodeHeader))
			require.Contains(t, m.Header.Get(micro.ErrorHeader), c.words)
		})
	}
	kv, err := h.js.KeyValue(t.Context(), "DISPATCH_CONTROL")
	require.NoError(t, err)
	s, err := kv.Status(t.Context())
	require.NoError(t, err)
	require.Zero(t, s.Values(), "nothing was changed")

	h.must("pause", "--account", "mysmpp-main", "--reason", "r")
	_, err = kv.Put(t.Context(), "mysmpp-main", []byte("{")) // by another hand
	require.NoError(t, err)
	require.EqualValues(t, "closed", h.must("resume", "--account", "mysmpp-main")["mysmpp-main"].State, "an order mends an entry")
}

func TestControlUsage(t *testing.T) {
	h := &house{t: t, config: newStreet(t, "").config}
	for name, c := range map[string]struct {
		args  []string
		words string
	}{
		"no account":      {[]string{"pause"}, `required flag(s) "account" not set`},
		"unknown account": {[]string{"resume", "--account", "x"}, `no account is called "x"`},
		"no reason":       {[]string{"pause", "--account", "prostor-main"}, "--reason: missing"},
		"two ends":        {[]string{"pause", "--account", "prostor-main", "--reason", "r", "--for", "1m", "--until", "2030-01-01T00:00:00Z"}, "none of the others can be"},
		"no time ahead":   {[]string{"pause", "--account", "prostor-main", "--reason", "r", "--for", "-1m"}, "is no time ahead"},
		"no time":         {[]string{"pause", "--account", "prostor-main", "--reason", "r", "--until", "tomorrow"}, "is no time"},
		"past":            {[]string{"pause", "--account", "prostor-main", "--reason", "r", "--until", "2020-01-01T00:00:00Z"}, "is past"},
		"no figures":      {[]string{"limit", "--account", "prostor-main"}, "nothing to change"},
		"no rate":         {[]string{"limit", "--account", "prostor-main", "--rate", "0"}, "must be above 0"},
		"both":            {[]string{"limit", "--account", "prostor-main", "--rate", "1", "--reset"}, "none of the others can be"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := h.operate(c.args[0], c.args[1:]...)
			require.Equal(t, exitUsage, status, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.words)
		})
	}
}
