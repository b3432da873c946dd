package dispatch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// only makes an account that sends under some names, as long as they are in the map.
func only(names map[string]bool) func(context.Context, string) string {
	return func(_ context.Context, sender string) string {
		if names[sender] {
			return ""
		}
		return fmt.Sprintf("sender %q isn't in the list", sender)
	}
}

func from(id, sender string) string {
	return fmt.Sprintf(`{"id":%q,"channel":"sms","to":"+79612242243","text":"t","sender":%q}`, id, sender)
}

// A job goes to the first account that has its sender; where none has, it is refused before any provider is asked, and its id stays free.
func TestSenderIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		cfg := testConfig(w, "a", "b")
		a, b := map[string]bool{"Shop": true}, map[string]bool{"Shop": true, "Other": true, "": true}
		cfg.Accounts[0].SenderFault, cfg.Accounts[1].SenderFault = only(a), only(b)
		stop := start(t, cfg, worker{world: w})
		w.publish(job.Normal, "otp", "shop", from("first", "Shop"))
		w.publish(job.Normal, "otp", "shop", from("second", "Other"))
		w.publish(job.Normal, "otp", "shop", sms("default"))
		pub := w.publish(job.Normal, "otp", "shop", from("none", "Nobody"))
		time.Sleep(time.Second)
		require.Equal(t, "a", w.last("first").Account)
		require.Equal(t, "b", w.last("second").Account)
		require.Equal(t, "b", w.last("default").Account)
		e := w.last("none")
		require.Equal(t, job.Rejected, e.State)
		require.True(t, e.Final)
		require.Zero(t, e.Sequence)
		require.Equal(t, pub, e.Event.Publication)
		require.Equal(t, &job.Reason{Code: job.InvalidSender, Message: `sender: account a: sender "Nobody" isn't in the list`}, e.Error)
		require.Len(t, w.accounts["a"].copies, 1)
		require.Len(t, w.accounts["b"].copies, 2)
		w.publish(job.Normal, "otp", "shop", from("none", "Shop"))
		time.Sleep(time.Second)
		require.Equal(t, job.Submitted, w.last("none").State, "the id was free")
		require.NoError(t, stop())
		require.Zero(t, w.left())
	})
}

// A job that was admitted before, and whose sender is withdrawn meanwhile, ends under its claim: as rejected, or where it may have been sent as unknown.
// One that was sent stays so.
func TestSenderIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		names := map[string]bool{"Shop": true}
		mood := providers.Result{Outcome: providers.Unavailable, Code: providers.CodeUnavailable, Message: "refused"}
		w.accounts["a"] = &fakeProvider{dedupes: true, answer: func(m providers.Message) (providers.Result, bool) {
			if m.Text == "ambiguous" {
				return silence, false
			}
			return mood, false
		}}
		cfg := testConfig(w, "a")
		cfg.Accounts[0].SenderFault = only(names)
		cfg.Routes[0].Retry = Retry{Attempts: 5, Initial: 10 * time.Second, Max: 10 * time.Second}
		stop := start(t, cfg, worker{world: w})
		w.publish(job.Normal, "otp", "shop", from("unsent", "Shop"))
		w.publish(job.Urgent, "otp", "shop", `{"id":"maybe","channel":"sms","to":"+79612242243","text":"ambiguous","sender":"Shop"}`)
		due := time.Now().Add(time.Hour).Format(time.RFC3339)
		w.publish(job.Bulk, "otp", "shop", fmt.Sprintf(`{"id":"later","channel":"sms","to":"+79612242243","text":"t","sender":"Shop","send_at":%q}`, due))
		synctest.Wait()
		require.NoError(t, stop())
		delete(names, "Shop")
		stop = start(t, cfg, worker{world: w})
		time.Sleep(2 * time.Hour)
		require.NoError(t, stop())
		require.Zero(t, w.left())
		for id, states := range map[string][]job.State{
			"unsent": {job.Retrying, job.Rejected},
			"maybe":  {job.Retrying, job.Unknown},
			"later":  {job.Scheduled, job.Rejected},
		} {
			require.Equal(t, states, w.states(id), id)
			require.Positive(t, w.last(id).Sequence)
		}
		require.Equal(t, job.InvalidSender, w.last("later").Error.Code)
		require.Empty(t, w.last("later").Account)
	})
}
