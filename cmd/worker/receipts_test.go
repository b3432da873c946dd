package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

const (
	hookSecret = "hook-secret-0123456789"
	// quick are receipts at a pace for tests: a message is asked about a while after its row should have come.
	quick = "receipts: {every: 50ms, idle: 200ms, ask_after: 1h, give_up: 2h}"
)

// receiptsConfig writes a configuration with one route an account, and the ways of receipts: a queue, questions, a webhook.
func (h *house) receiptsConfig(listen, prostor, mysmpp string) string {
	path := filepath.Join(h.t.TempDir(), "gonets.yaml")
	text := fmt.Sprintf(`nats: {url: %q, ack_wait: 4s}
redis: {url: "redis://%s/0"}
http: {listen: %q}
log: {level: debug}
accounts:
  prostor-main: {provider: prostor, url: "%s", login: shop, password: %s, sender: MyShop, recheck: 1s, %s}
  mysmpp-main: {provider: mysmpp, url: "%s", token: %s, sender: MyShop, %s}
  scorocode-main: {provider: scorocode, url: "%s", app: app, client_key: client, access_key: %s}
routes:
  alone: {accounts: [prostor-main], retry: {attempts: 2, initial: 20ms, max: 50ms}}
  promo: {accounts: [mysmpp-main], retry: {attempts: 3, initial: 20ms, max: 50ms}}
  push: {accounts: [scorocode-main]}
`, h.nats.URL(), h.redis.Addr, listen, h.prostor.URL(), prostorPassword, prostor, h.mysmpp.URL(), mysmppToken, mysmpp, h.scorocode.URL(), scorocodeKey)
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// keyOf is the key of a job that h.sms publishes.
func keyOf(t *testing.T, id string, n int) [sha256.Size]byte {
	j, err := job.Decode(fmt.Appendf(nil, `{"id":%q,"channel":"sms","to":"+7961%07d","text":"t"}`, id, n), "RU")
	require.NoError(t, err)
	return j.Key("shop")
}

// settledReceipts waits until no receipt is under way.
func (h *house) settledReceipts() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		s, err := h.js.Stream(h.t.Context(), "DISPATCH_RECEIPTS")
		if err != nil {
			return false
		}
		c, err := s.Consumer(h.t.Context(), "match")
		return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
	}, 30*time.Second, 20*time.Millisecond)
}

// Each of Prostor's final states comes out of its queue as the documented event; a late delivered is told after undelivered.
func TestReceiptsFromTheQueue(t *testing.T) {
	h := newHouse(t)
	h.config = h.receiptsConfig(freeAddress(t), "status_queue: gonets1, "+quick, quick)
	stop, log := h.run()
	h.awaitStreams("push")
	body := `{"id":"ord-42","channel":"sms","to":"+79612242243","text":"Your code is 4711","metadata":{"order":"42"}}`
	h.publish("dispatch.jobs.urgent.alone.shop", body)
	m, submitted := h.next("ord-42")
	require.Equal(t, job.Submitted, submitted.State)
	require.False(t, submitted.Final)
	require.True(t, h.prostor.Deliver(submitted.ProviderID, "smsc submit"))
	require.True(t, h.prostor.Deliver(submitted.ProviderID, "delivered"))
	require.True(t, h.prostor.Deliver(submitted.ProviderID, "delivered"), "once more")
	msg, e := h.next("ord-42")
	require.Equal(t, "dispatch.status.shop.alone.delivered", msg.Subject)
	require.Equal(t, m.Header["ce-source"], msg.Header["ce-source"])
	require.NotEqual(t, m.Header["ce-id"], msg.Header["ce-id"])
	require.Equal(t, e.ID(), msg.Header.Get("Nats-Msg-Id"))
	var data map[string]any
	require.NoError(t, json.Unmarshal(msg.Data, &data))
	delete(data, "at")
	require.Equal(t, map[string]any{"job": "ord-42", "tenant": "shop", "route": "alone", "lane": "urgent", "channel": "sms",
		"state": "delivered", "final": true, "sequence": 2.0, "attempt": 1.0, "account": "prostor-main", "provider": "prostor",
		"provider_id": submitted.ProviderID, "provider_status": "delivered", "segments": 1.0, "cost": "2.35", "currency": "RUB",
		"metadata": map[string]any{"order": "42"}}, data)

	for i, words := range []string{"delivery error", "smsc reject", "incorrect id"} {
		id := fmt.Sprint("j", i)
		h.sms("alone", id, i)
		_, submitted := h.next(id)
		require.True(t, h.prostor.Deliver(submitted.ProviderID, words))
		_, e := h.next(id)
		require.True(t, e.Final)
		require.Equal(t, 2, e.Sequence)
		require.Equal(t, words, e.ProviderStatus)
		want := &job.Reason{Code: job.Undeliverable, Message: words}
		if words == "incorrect id" {
			want.Code = job.NoReceipt
			require.Equal(t, job.Unknown, e.State)
		} else {
			require.Equal(t, job.Undelivered, e.State)
		}
		require.Equal(t, want, e.Error)
		require.True(t, h.prostor.Deliver(submitted.ProviderID, "delivered"), "after all")
		_, e = h.next(id)
		require.Equal(t, job.Delivered, e.State)
		require.Equal(t, 3, e.Sequence)
		require.Nil(t, e.Error)
		require.True(t, h.prostor.Deliver(submitted.ProviderID, "delivery error"), "states only move forward")
	}
	// Another publication of a delivered job is a duplicate, and tells nothing of its own.
	h.publish("dispatch.jobs.urgent.alone.shop", body)
	_, e = h.next("ord-42")
	require.Equal(t, job.Duplicate, e.State)

	h.settledReceipts()
	h.empty()
	require.Equal(t, exitDone, stop(), log.String())
	require.Empty(t, h.events, "nothing was told twice")
	require.Empty(t, h.prostor.Violations())
	for _, secret := range []string{prostorPassword, mysmppToken, "9612242243", "Your code"} {
		require.NotContains(t, log.String(), secret)
	}
}

// A row that names a message nobody knows waits for it. A message that may have been sent is known by our own id: its row resolves it, and a replay of
// its dead letter would send nothing.
func TestReceiptsBeforeTheirMessage(t *testing.T) {
	h := newHouse(t)
	h.config = h.receiptsConfig(freeAddress(t), "status_queue: gonets1, "+quick, quick)
	_, log := h.run()
	h.awaitStreams("push")
	h.prostor.Enqueue("gonets1", sim.StatusRow{ID: "ABC123", Status: "delivered"}, // for ever
		sim.StatusRow{ID: firstID, Status: "delivery error"}, sim.StatusRow{ID: firstID, Status: "delivered"}, sim.StatusRow{ID: firstID, Status: "smsc reject"})
	h.awaitParked(firstID)
	h.sms("alone", "early", 1)
	_, e := h.next("early")
	require.Equal(t, job.Submitted, e.State, log.String())
	require.Equal(t, firstID, e.ProviderID)
	_, e = h.next("early")
	require.Equal(t, job.Delivered, e.State)
	require.Equal(t, 2, e.Sequence)

	h.prostor.Break(sim.ResetAfter, 1) // taken, and the answer lost
	h.sms("alone", "maybe", 2)
	_, e = h.next("maybe")
	require.Equal(t, job.Unknown, e.State)
	require.Equal(t, job.Ambiguous, e.Error.Code)
	client := providers.Base32ID(keyOf(t, "maybe", 2))
	id := h.prostor.IDOf(client)
	require.NotEmpty(t, id)
	h.prostor.Enqueue("gonets1", sim.StatusRow{ID: id, ClientID: client, Status: "delivered"},
		sim.StatusRow{ID: id, ClientID: client, Status: "delivered"}, sim.StatusRow{ID: id, ClientID: client, Status: "delivered"}) // one of three has no client id
	_, e = h.next("maybe")
	require.Equal(t, job.Delivered, e.State)
	require.Equal(t, 2, e.Sequence)
	require.Equal(t, id, e.ProviderID)
	require.Nil(t, e.Error)
	h.settledReceipts()
	require.Empty(t, h.events)
}

// Accounts without a queue are asked; a message without a receipt is given up at last, and a later one resolves it.
func TestReceiptsByAsking(t *testing.T) {
	h := newHouse(t)
	h.config = h.receiptsConfig(freeAddress(t), "receipts: {every: 50ms, idle: 100ms, give_up: 4s}", "receipts: {every: 50ms, idle: 100ms, give_up: 1h}")
	h.run()
	h.awaitStreams("push")
	h.prostor.DeliverAfter(500*time.Millisecond, func(to string) string {
		if strings.HasSuffix(to, "1") {
			return "delivered"
		}
		return "queued"
	})
	h.mysmpp.DeliverAfter(200*time.Millisecond, nil)
	for id, route := range map[string]string{"p1": "alone", "m1": "promo"} {
		h.sms(route, id, 1)
		_, e := h.next(id)
		require.Equal(t, job.Submitted, e.State)
		_, e = h.next(id)
		require.Equal(t, job.Delivered, e.State)
		require.Equal(t, 2, e.Sequence)
	}
	h.sms("alone", "p2", 2)
	_, submitted := h.next("p2")
	_, e := h.next("p2")
	require.Equal(t, job.Unknown, e.State)
	require.Equal(t, job.NoReceipt, e.Error.Code)
	require.True(t, e.Final)
	require.Equal(t, submitted.ProviderID, e.ProviderID)
	require.False(t, e.At.Before(submitted.At.Add(4*time.Second)))
	h.settledReceipts()
	require.Empty(t, h.events)
}

// What MySMPP posts is answered by its ids once it is stored, however often it comes; nobody else is answered.
func TestReceiptsByWebhook(t *testing.T) {
	h := newHouse(t)
	listen := freeAddress(t)
	h.config = h.receiptsConfig(listen, quick, "webhook_secret: "+hookSecret+", "+quick)
	stop, log := h.run()
	h.awaitStreams("push")
	h.mysmpp.Hook()
	h.mysmpp.DeliverAfter(0, nil)
	const n = 250
	for i := range n {
		h.sms("promo", fmt.Sprint("m", i), i)
	}
	url := "http://" + listen + "/webhooks/mysmpp-main/"
	told := map[string]job.State{}
	posted := 0
	for len(told) < n {
		echoed, left, err := h.mysmpp.Post(t.Context(), url+hookSecret)
		require.NoError(t, err)
		require.Zero(t, left)
		posted += echoed
		for waiting := true; waiting; {
			select {
			case m := <-h.events:
				e, err := job.DecodeEvent(m.Data)
				require.NoError(t, err)
				if e.State == job.Delivered {
					require.NotContains(t, told, e.Job)
					told[e.Job] = e.State
				}
			case <-time.After(50 * time.Millisecond):
				waiting = false
			}
		}
	}
	require.Equal(t, n, posted)
	post := func(path, body string) int {
		res, err := http.Post(path, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	require.Equal(t, 404, post(url+"hook-secret-012345678x", "[]"))
	require.Equal(t, 404, post("http://"+listen+"/webhooks/prostor-main/"+hookSecret, "[]"))
	require.Equal(t, 400, post(url+hookSecret, "nonsense"))
	require.Equal(t, 413, post(url+hookSecret, strings.Repeat("x", 2<<20)))
	require.Equal(t, exitDone, stop(), log.String())
	require.NotContains(t, log.String(), hookSecret)
	require.Empty(t, h.mysmpp.Violations())
}

// Redis loses everything while rows are read: what waits is known again from the status stream, what was parked from the stream of receipts, and each
// job is told of once.
func TestReceiptsOverALossOfRedis(t *testing.T) {
	h := newHouse(t)
	h.config = h.receiptsConfig(freeAddress(t), "status_queue: gonets1, "+quick, quick)
	_, log := h.run()
	h.awaitStreams("push")
	const n = 400
	ids := map[string]string{}
	sequence := map[string]int{}
	for i := range n {
		h.sms("alone", fmt.Sprint("j", i), i)
	}
	for len(ids) < n {
		e, err := job.DecodeEvent((<-h.events).Data)
		require.NoError(t, err)
		require.Equal(t, job.Submitted, e.State)
		ids[e.Job], sequence[e.Job] = e.ProviderID, e.Sequence
	}
	next, err := strconv.Atoi(slices.Max(slices.Collect(maps.Values(ids))))
	require.NoError(t, err)
	parked := strconv.Itoa(next + 1)
	h.prostor.Enqueue("gonets1", sim.StatusRow{ID: parked, Status: "delivered"})
	h.awaitParked(parked)
	h.lose()
	i := 0
	for _, id := range ids {
		require.True(t, h.prostor.Deliver(id, "delivered"))
		if i++; i%100 == 50 {
			time.Sleep(100 * time.Millisecond) // some are read and on their way
			h.lose()
		}
	}
	h.sms("alone", "parked", n)
	done := map[string]bool{}
	seen := map[string]bool{} // a loss between an event and what is noted of it has the event published again, with the same id
	timeout := time.After(time.Minute)
	for len(done) < n+1 {
		select {
		case m := <-h.events:
			e, err := job.DecodeEvent(m.Data)
			require.NoError(t, err)
			if seen[m.Header.Get("ce-id")] {
				continue
			}
			seen[m.Header.Get("ce-id")] = true
			sequence[e.Job]++
			require.Equal(t, sequence[e.Job], e.Sequence, e.Job)
			require.False(t, done[e.Job], "%s: %+v", e.Job, e)
			done[e.Job] = e.State == job.Delivered
			if !done[e.Job] {
				require.Equal(t, "parked", e.Job)
				delete(done, e.Job)
			}
		case <-timeout:
			require.FailNow(t, "receipts are lost", "%d of %d told\n%s", len(done), n+1, log.String())
		}
	}
	h.settledReceipts()
	for len(h.events) > 0 {
		require.True(t, seen[(<-h.events).Header.Get("ce-id")], "a repeat at most")
	}
}

// A Redis that comes back without what it was told last: what the index forgot with it is known again, too.
func TestReceiptsOverARestartThatForgets(t *testing.T) {
	h := newHouse(t)
	h.config = h.receiptsConfig(freeAddress(t), "status_queue: gonets1, "+quick, quick)
	_, log := h.run()
	h.awaitStreams("push")
	h.sms("alone", "j", 1)
	_, e := h.next("j")
	require.Equal(t, job.Submitted, e.State)
	db := h.redis.Client()
	t.Cleanup(func() { _ = db.Close() }) // a test's connection
	require.Eventually(t, func() bool {
		for _, generation := range db.Keys(t.Context(), "dispatch:receipts:{prostor-main}:d[0-9]*").Val() {
			if db.HDel(t.Context(), generation, "i"+e.ProviderID).Val() == 1 {
				return true
			}
		}
		return false
	}, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, db.Del(t.Context(), "dispatch:guard:{0}").Err()) // the guard of another run counts as none
	require.True(t, h.prostor.Deliver(e.ProviderID, "delivered"))
	_, e = h.next("j")
	require.Equal(t, job.Delivered, e.State, log.String())
	require.Equal(t, 2, e.Sequence)
}

// firstID is the first id that Prostor's simulator gives.
const firstID = "2592608031"

// awaitParked waits until a receipt about that id is parked.
func (h *house) awaitParked(id string) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		s, err := h.js.Stream(h.t.Context(), "DISPATCH_RECEIPTS")
		require.NoError(h.t, err)
		m, err := s.GetLastMsgForSubject(h.t.Context(), "dispatch.receipts.parked.prostor-main")
		return err == nil && strings.Contains(string(m.Data), id)
	}, 30*time.Second, 20*time.Millisecond)
}
