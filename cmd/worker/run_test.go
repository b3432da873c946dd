package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// What a plain client publishes comes back as the documented events, from each provider.
func TestMainJob(t *testing.T) {
	h := newHouse(t)
	stop, log := h.run()
	h.awaitStreams("push")

	m := nats.NewMsg("dispatch.jobs.urgent.otp.shop")
	m.Data = []byte(`{"id":"ord-42","channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 4711","metadata":{"order":"42"}}`)
	m.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	_, err := h.js.PublishMsg(t.Context(), m)
	require.NoError(t, err)
	msg, _ := h.next("ord-42")
	require.Equal(t, "dispatch.status.shop.otp.submitted", msg.Subject)
	require.Equal(t, "1.0", msg.Header.Get("ce-specversion"))
	require.Equal(t, "gonets.message.submitted", msg.Header["ce-type"][0])
	require.Equal(t, "/gonets/otp", msg.Header["ce-source"][0])
	require.Equal(t, "ord-42", msg.Header["ce-subject"][0])
	require.Equal(t, "application/json", msg.Header["content-type"][0])
	require.Equal(t, msg.Header["ce-id"][0], msg.Header.Get(nats.MsgIdHdr))
	require.Equal(t, m.Header.Get("traceparent"), msg.Header["traceparent"][0])
	var data map[string]any
	require.NoError(t, json.Unmarshal(msg.Data, &data))
	require.Regexp(t, regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`), data["at"])
	require.NotEmpty(t, data["provider_id"])
	delete(data, "at")
	delete(data, "provider_id")
	require.Equal(t, map[string]any{"job": "ord-42", "tenant": "shop", "route": "otp", "lane": "urgent", "channel": "sms",
		"state": "submitted", "final": false, "sequence": 1.0, "attempt": 1.0, "account": "prostor-main", "provider": "prostor",
		"provider_status": "accepted", "segments": 1.0, "cost": "2.35", "currency": "RUB", "metadata": map[string]any{"order": "42"}}, data)

	h.publish("dispatch.jobs.normal.promo.shop", `{"id":"v1","channel":"viber","to":"+79612242244","text":"Скидка"}`)
	_, e := h.next("v1")
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, "mysmpp-main", e.Account)

	h.publish("dispatch.jobs.bulk.push.shop", `{"id":"p1","channel":"push","audience":{"collection":"devices","query":{"userId":{"$exists":true}}},
		"push":{"gcm":{"notification":{"title":"Goal"}},"apns":{"aps":{"alert":"Goal"}}}}`)
	_, e = h.next("p1")
	require.Equal(t, job.Submitted, e.State)
	require.True(t, e.Final)
	require.Equal(t, 2, e.Recipients)

	// A second publication of a spent id, with the same content and with another.
	again := h.publish("dispatch.jobs.urgent.otp.shop", `{"id":"ord-42","channel":"sms","to":"+79612242243","text":"Your code is 4711"}`)
	_, e = h.next("ord-42")
	require.Equal(t, job.Duplicate, e.State)
	require.Equal(t, again, e.Publication)
	require.Zero(t, e.Sequence)
	require.Nil(t, e.Error)
	h.publish("dispatch.jobs.urgent.otp.shop", `{"id":"ord-42","channel":"sms","to":"+79612242243","text":"another"}`)
	_, e = h.next("ord-42")
	require.Equal(t, job.Duplicate, e.State)
	require.Equal(t, job.IDReused, e.Error.Code)

	// A route that nobody serves is refused to its producer.
	_, err = h.js.Publish(t.Context(), "dispatch.jobs.urgent.nowhere.shop", []byte(`{}`))
	require.Error(t, err)

	h.empty()
	require.Equal(t, exitDone, stop(), log.String())
	for _, s := range []*sim.Server{h.prostor.Server, h.mysmpp.Server, h.scorocode} {
		require.Empty(t, s.Violations())
		require.Empty(t, s.Repeats())
		require.Equal(t, 1, s.Messages())
	}
	for _, secret := range []string{prostorPassword, mysmppToken, scorocodeKey, "9612242243", "Your code", "Скидка", "Goal"} {
		require.NotContains(t, log.String(), secret)
	}
}

// Any bytes as a job give one rejected event, and the consumer goes on.
func TestAnyBytes(t *testing.T) {
	h := newHouse(t)
	h.run()
	h.awaitStreams("otp")
	random := rand.New(rand.NewPCG(1, 2))
	bodies := []string{"", "{", "null", "[]", `"x"`, "\x00\xff\xfe", `{"id":"bad-1","channel":"sms","to":"+79612242243","text":"t","sendat":"2030-01-01T00:00:00Z"}`,
		`{"id":"bad-2","channel":"sms","to":"12","text":"t"}`, `{"id":"bad-3","channel":"sms","to":"+79612242243","text":""}`}
	for range 200 {
		b := make([]byte, random.IntN(200))
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		bodies = append(bodies, string(b))
	}
	want := map[string]job.Code{"bad-1": job.InvalidJob, "bad-2": job.InvalidRecipient, "bad-3": job.InvalidContent}
	for _, body := range bodies {
		id := h.publish("dispatch.jobs.normal.otp.shop", body)
		var named struct{ ID string }
		if json.Unmarshal([]byte(body), &named) == nil && named.ID != "" {
			id = named.ID
		}
		_, e := h.next(id)
		require.Equal(t, job.Rejected, e.State)
		require.True(t, e.Final)
		require.Zero(t, e.Sequence)
		require.NotEmpty(t, e.Publication)
		code := job.InvalidJob
		if c, ok := want[id]; ok {
			code = c
		}
		require.Equal(t, code, e.Error.Code, "%q", body)
	}
	// An id that was refused is free.
	h.publish("dispatch.jobs.normal.otp.shop", `{"id":"bad-2","channel":"sms","to":"+79612242243","text":"t"}`)
	_, e := h.next("bad-2")
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, 1, e.Sequence)
	h.empty()
}

// Each way in which a provider fails ends as its nature demands, and what a recipient got is never called unsent.
func TestProviderFaults(t *testing.T) {
	h := newHouse(t)
	h.breakAfter(1000, time.Second) // each fault is looked at by itself
	h.run()
	h.awaitStreams("alone")
	// A 429 comes last: what was throttled comes again by itself.
	faults := append(slices.DeleteFunc(sim.Faults(), func(f sim.Fault) bool { return f == sim.TooMany }), sim.TooMany)
	for i, f := range faults {
		if f == sim.Hang || f == sim.Slow {
			continue // they end with the account's timeout, as a reset does; the providers' own tests have them
		}
		t.Run(f.String(), func(t *testing.T) {
			times := 1
			if f == sim.Refused {
				times = -1
			}
			h.prostor.Break(f, times)
			id := fmt.Sprint("fault-", i)
			h.publish("dispatch.jobs.normal.alone.shop", fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+7961224%04d","text":"t"}`, id, i))
			_, e := h.next(id)
			switch f {
			case sim.Refused: // surely not sent: tried again, and failed at last
				require.Equal(t, job.Retrying, e.State)
				require.False(t, e.RetryAt.IsZero())
				_, e = h.next(id)
				require.Equal(t, job.Failed, e.State)
				require.Equal(t, job.Unavailable, e.Error.Code)
				require.Equal(t, 2, e.Attempt)
				h.prostor.Break(sim.None, 0)
			case sim.TooMany:
				require.Equal(t, job.Retrying, e.State)
				require.Equal(t, job.Throttled, e.Error.Code)
				require.WithinDuration(t, time.Now().Add(sim.RetryAfter*time.Second), e.RetryAt, 5*time.Second)
			case sim.Redirect: // our fault, so it waits
				require.Equal(t, job.Waiting, e.State)
				require.Equal(t, job.Misconfigured, e.Error.Code)
				_, e = h.next(id)
				require.Equal(t, job.Submitted, e.State, "%+v %+v", e, e.Error)
			case sim.WrongRows, sim.Huge: // the row that counts is there; or nothing can be read
				require.Contains(t, []job.State{job.Submitted, job.Unknown}, e.State)
			default:
				require.Equal(t, job.Unknown, e.State)
				require.Equal(t, job.Ambiguous, e.Error.Code)
				require.True(t, e.Final)
			}
		})
	}
	require.Empty(t, h.prostor.Repeats())
	require.Empty(t, h.prostor.Violations())
}

// NATS and Redis may come later; /readyz tells which is missing, /livez doesn't mind.
func TestStartsBeforeItsServers(t *testing.T) {
	h := newHouse(t)
	listen := freeAddress(t)
	t.Setenv("GONETS_HTTP_LISTEN", listen)
	h.nats.Stop()
	h.redis.Stop()
	stop, log := h.run()
	ready := func() (int, map[string]any) { return get(t, "http://"+listen+"/readyz") }
	require.Eventually(t, func() bool { status, _ := ready(); return status == 503 }, 30*time.Second, 10*time.Millisecond)
	_, body := ready()
	checks := body["checks"].(map[string]any)
	require.NotEqual(t, "ok", checks["nats"])
	require.NotEqual(t, "ok", checks["redis"])
	status, _ := get(t, "http://"+listen+"/livez")
	require.Equal(t, 200, status)
	h.redis.Restart()
	h.nats.Restart()
	require.Eventually(t, func() bool { status, _ := ready(); return status == 200 }, 60*time.Second, 20*time.Millisecond)
	require.Equal(t, exitDone, stop(), log.String())
}

// A job for later is held, and sent when it is due and not before; one that is too late is not sent.
func TestTimes(t *testing.T) {
	h := newHouse(t)
	h.run()
	h.awaitStreams("otp")
	due := time.Now().Add(1500 * time.Millisecond).UTC()
	h.publish("dispatch.jobs.normal.otp.shop", fmt.Sprintf(`{"id":"later","channel":"sms","to":"+79612242243","text":"t","send_at":%q}`, due.Format(time.RFC3339Nano)))
	_, e := h.next("later")
	require.Equal(t, job.Scheduled, e.State)
	require.Equal(t, 1, e.Sequence)
	_, e = h.next("later")
	require.Equal(t, job.Submitted, e.State)
	require.Equal(t, 2, e.Sequence)
	require.False(t, e.At.Before(due.Truncate(time.Millisecond)), "sent at %s, before %s", e.At, due)

	h.publish("dispatch.jobs.normal.otp.shop", `{"id":"late","channel":"sms","to":"+79612242243","text":"t","expires_at":"2001-01-01T00:00:00Z"}`)
	_, e = h.next("late")
	require.Equal(t, job.Expired, e.State)
	require.True(t, e.Final)
	require.Equal(t, job.CodeExpired, e.Error.Code)
	h.empty()
}
