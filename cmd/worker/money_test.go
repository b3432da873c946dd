package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// set gives the house's first account more settings.
func (h *house) set(more string) {
	text, err := os.ReadFile(h.config)
	require.NoError(h.t, err)
	changed := strings.Replace(string(text), "recheck: 1s}", "recheck: 1s, "+more+"}", 1)
	require.NotEqual(h.t, string(text), changed)
	require.NoError(h.t, os.WriteFile(h.config, []byte(changed), 0o600))
	h.t.Setenv("GONETS_HTTP_LISTEN", "127.0.0.1:0")
}

// send publishes a job of the lane and route.
func (h *house) send(lane, route, id, more string) string {
	return h.publish("dispatch.jobs."+lane+"."+route+".shop", fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+79612242243","text":"t"%s}`, id, more))
}

// submittedBy is the account that took the job, whose events so far may say that it waited for funds.
func (h *house) submittedBy(id string) (account string) {
	h.t.Helper()
	for {
		_, e := h.next(id)
		if e.State == job.Submitted {
			return e.Account
		}
		require.Equal(h.t, job.Waiting, e.State)
		require.Equal(h.t, job.InsufficientFunds, e.Error.Code)
	}
}

// Below min_balance bulk waits, or goes through the next account, and other lanes go on; of two workers both know. It resumes by itself.
func TestBelowMinBalance(t *testing.T) {
	h := newHouse(t)
	h.prostor.SetBalance(99_99)
	h.set(`min_balance: "100"`)
	h.run()
	h.run()
	h.awaitStreams("otp")
	h.awaitStreams("alone")
	h.send("urgent", "alone", "first", "")
	require.Equal(t, "prostor-main", h.submittedBy("first"))
	h.send("bulk", "otp", "moved", "")
	require.Equal(t, "mysmpp-main", h.submittedBy("moved"))
	h.send("bulk", "alone", "bulk", "")
	h.send("normal", "alone", "normal", "")
	require.Equal(t, "prostor-main", h.submittedBy("normal"))
	h.send("urgent", "alone", "urgent", "")
	require.Equal(t, "prostor-main", h.submittedBy("urgent"))
	for i := range 20 { // whichever worker gets it
		id := fmt.Sprint("moved", i)
		h.send("bulk", "otp", id, "")
		require.Equal(t, "mysmpp-main", h.submittedBy(id))
	}
	require.Eventually(t, func() bool {
		s, err := h.js.Stream(t.Context(), "DISPATCH_JOBS_BULK")
		return err == nil && s.CachedInfo().State.Msgs == 1
	}, 30*time.Second, 10*time.Millisecond, "the one job of the route that has no other account")
	h.prostor.SetBalance(100_000_00)
	require.Equal(t, "prostor-main", h.submittedBy("bulk"))
	h.empty()
}

// At zero everything waits; it goes when money comes, before the account's balance would be asked for in the ordinary course.
func TestNothingLeft(t *testing.T) {
	h := newHouse(t)
	h.prostor.SetBalance(0)
	h.set(`min_balance: "100"`)
	h.run()
	h.run()
	h.awaitStreams("alone")
	h.awaitStreams("otp")
	h.send("urgent", "otp", "moved", "")
	require.Equal(t, "mysmpp-main", h.submittedBy("moved"))
	require.Zero(t, h.prostor.Requests(), "nothing was sent to find that out")
	h.send("urgent", "alone", "urgent", "")
	time.Sleep(4 * time.Second) // several times recheck
	require.Zero(t, h.prostor.Requests(), "no probe while nothing is left")
	h.prostor.SetBalance(1_000_00)
	require.Equal(t, "prostor-main", h.submittedBy("urgent"))
	h.empty()
}

// An account that runs out while it works: what is in hand waits and says why, and all of it goes when money comes.
func TestFundsRunOut(t *testing.T) {
	h := newHouse(t)
	h.prostor.SetBalance(10 * sim.ProstorMsgCost)
	h.set(`min_balance: "0"`)
	h.run()
	h.awaitStreams("alone")
	const jobs = 300
	for i := range jobs {
		h.send("normal", "alone", fmt.Sprint("j", i), "")
	}
	m, e := h.next("j299")
	require.Equal(t, job.Waiting, e.State, string(m.Data))
	require.Equal(t, job.InsufficientFunds, e.Error.Code)
	h.prostor.SetBalance(100_000_00)
	require.Equal(t, "prostor-main", h.submittedBy("j299"))
	h.empty()
}

// A sender that isn't in the account's list is refused before the provider is asked; one that is entered there later is known at once, and where the list isn't to
// be had the provider has the last word.
func TestSendersAreChecked(t *testing.T) {
	h := newHouse(t)
	h.prostor.ListSenders(sim.ProstorSender{Name: "MyShop", Status: "active"}, sim.ProstorSender{Name: "Old", Status: "blocked"}, sim.ProstorSender{Name: "TEST", Status: "default"})
	h.set("check_sender: true")
	h.run()
	h.awaitStreams("alone")
	for i, sender := range []string{"MyShop", "TEST"} {
		id := fmt.Sprint("good", i)
		h.send("normal", "alone", id, fmt.Sprintf(`,"sender":%q`, sender))
		require.Equal(t, "prostor-main", h.submittedBy(id))
	}
	h.send("normal", "alone", "default", "")
	require.Equal(t, "prostor-main", h.submittedBy("default"))
	sent := h.prostor.Requests()
	for i, sender := range []string{"Old", "Nobody", "МyShop", "myshop"} { // the third is Cyrillic in part
		id := fmt.Sprint("bad", i)
		pub := h.send("normal", "alone", id, fmt.Sprintf(`,"sender":%q`, sender))
		_, e := h.next(id)
		require.Equal(t, job.Rejected, e.State)
		require.True(t, e.Final)
		require.Zero(t, e.Sequence)
		require.Equal(t, pub, e.Publication)
		require.Equal(t, job.InvalidSender, e.Error.Code)
		require.Contains(t, e.Error.Message, "sender")
	}
	require.Equal(t, sent, h.prostor.Requests(), "the provider wasn't asked")
	h.empty()
}

func TestSendersThatCannotBeHad(t *testing.T) {
	h := newHouse(t)
	h.prostor.SetSenders("MyShop")
	h.prostor.BreakQuestions(sim.Error500, -1)
	h.set("check_sender: true")
	h.run()
	h.awaitStreams("alone")
	h.send("normal", "alone", "good", "")
	require.Equal(t, "prostor-main", h.submittedBy("good"))
	h.send("normal", "alone", "bad", `,"sender":"Nobody"`)
	_, e := h.next("bad")
	require.Equal(t, job.Rejected, e.State)
	require.Equal(t, job.InvalidSender, e.Error.Code)
	require.Equal(t, "prostor-main", e.Account, "the provider's own word")
}

// Another version than the client is written for warns, and is no reason not to work.
func TestUnexpectedVersion(t *testing.T) {
	h := newHouse(t)
	h.prostor.SetVersion("3")
	address := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", address)
	_, log := h.run()
	h.awaitStreams("alone")
	var checks map[string]any
	require.Eventually(t, func() bool {
		status, body := get(t, "http://"+address+"/readyz")
		checks, _ = body["checks"].(map[string]any)
		return status == 200 && checks["account prostor-main"] != nil
	}, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, "ok (warning: version 3 of the API answers, this client is written for 2)", checks["account prostor-main"])
	require.NotContains(t, checks, "account mysmpp-main")
	require.Contains(t, log.String(), `"expected":"2"`)
	h.send("normal", "alone", "j", "")
	require.Equal(t, "prostor-main", h.submittedBy("j"))
}
