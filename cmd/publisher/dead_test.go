package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// dying is a dead letter as a worker writes it.
func dying(tenant, route, id string, code job.Code, account string) dispatch.DeadLetter {
	return dispatch.DeadLetter{
		Delivery: dispatch.Delivery{
			Address: job.Address{Lane: job.Urgent, Route: route, Tenant: tenant}, Publication: "DISPATCH_JOBS_URGENT:7",
			Data: fmt.Appendf(nil, `{"id":%q,"channel":"sms","to":"8 (961) 224-22-43","text":"Code 1234","sender":"MyShop","metadata":{"order":"42"}}`, id),
			Hop:  3, Trace: job.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=b"}, Stored: time.Now().Add(-time.Minute),
		},
		JobID: id, Reason: code, Attempts: 5, Account: account, Words: "no route to +7 961 224-22-43", At: time.Now(),
	}
}

// bury stores dead letters.
func (h *house) bury(t *testing.T, letters ...dispatch.DeadLetter) {
	t.Helper()
	nc, _ := h.Connect(t)
	o, err := natsq.NewOutlet(nc, "dispatch")
	require.NoError(t, err)
	for _, l := range letters { // one after the other, so that their numbers are known
		require.NoError(t, o.Bury(t.Context(), []dispatch.DeadLetter{l}))
	}
}

func (h *house) dead(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	got, stdout, stderr := publisher(t, h.URL(), "", append([]string{"dead"}, args...)...)
	require.Equal(t, code, got, stderr)
	return stdout, stderr
}

// listed are the ids of the jobs that a list gives.
func (h *house) listed(t *testing.T, filters ...string) (ids []string) {
	t.Helper()
	stdout, _ := h.dead(t, exitDone, append([]string{"list", "--output", "json"}, filters...)...)
	var all []letterView
	require.NoError(t, json.Unmarshal([]byte(stdout), &all), stdout)
	for _, v := range all {
		ids = append(ids, v.Job)
	}
	return ids
}

func TestDeadFilters(t *testing.T) {
	h := newHouse(t)
	require.Empty(t, h.listed(t))
	stdout, _ := h.dead(t, exitDone, "list")
	require.Regexp(t, `^LETTER +TIME .*\n$`, stdout)
	h.bury(t,
		dying("shop", "otp", "a", job.Unavailable, "prostor-main"),
		dying("shop", "news", "b", job.Ambiguous, "mysmpp-main"),
		dying("other", "otp", "c", job.Unavailable, "mysmpp-main"))
	first := h.stored(t, "DISPATCH_DEAD")
	var middle time.Time
	require.Eventually(t, func() bool { // the server's clock moves on
		middle = time.Now()
		return middle.After(first[2].Time.Add(time.Millisecond))
	}, time.Minute, time.Millisecond)
	again := dying("shop", "otp", "a", job.Misconfigured, "prostor-main")
	again.Delivery.Epoch = 1
	h.bury(t, dying("shop", "otp", "3", job.Unavailable, ""), again)
	since := middle.Format(time.RFC3339Nano)
	for _, c := range []struct {
		filters string
		want    string
	}{
		{"", "a b c 3 a"},
		{"--tenant shop", "a b 3 a"},
		{"--route otp --tenant shop", "a 3 a"},
		{"--code ambiguous", "b"},
		{"--account mysmpp-main", "b c"},
		{"--account mysmpp-main --route otp", "c"},
		{"--job a", "a a"},
		{"--job 3", "3"},
		{"--since 1h", "a b c 3 a"},
		{"--since " + since, "3 a"},
		{"--since " + since + " --account prostor-main", "a"},
		{"--since " + since + " --code ambiguous", ""},
		{"--since " + time.Now().Add(time.Hour).Format(time.RFC3339), ""},
		{"--limit 2", "a b"},
		{"--limit 1 --account mysmpp-main", "b"},
		{"--limit 9", "a b c 3 a"},
	} {
		require.Equal(t, c.want, strings.Join(h.listed(t, strings.Fields(c.filters)...), " "), c.filters)
	}
	for _, c := range []struct{ which, want string }{
		{"2", "b"}, {"1 3", "a c"}, {"a", "a a"}, {"3 a", "a c a"}, {"a --limit 1", "a"}, {"4 --tenant shop", "3"}, {"5 4 --since " + since, "3 a"},
	} {
		stdout, _ := h.dead(t, exitDone, append([]string{"show", "--output", "json"}, strings.Fields(c.which)...)...)
		var all []fullLetter
		require.NoError(t, json.Unmarshal([]byte(stdout), &all), stdout)
		var ids []string
		for _, v := range all {
			ids = append(ids, v.Job)
		}
		require.Equal(t, strings.Fields(c.want), ids, c.which)
	}
	for _, which := range []string{"6", "nope", "3 --tenant shop", "1 --since " + since} {
		_, stderr := h.dead(t, exitFailed, append([]string{"show"}, strings.Fields(which)...)...)
		require.Contains(t, stderr, "no dead letter, as far as the other filters go: "+strings.Fields(which)[0])
	}
	stdout, _ = h.dead(t, exitDone, "list", "--job", "a", "--limit", "1")
	rows := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Regexp(t, `^1 +\S+Z +shop/a +otp +urgent +failed +unavailable +prostor-main +5 +- +- +no route to \*\*\*$`, rows[1])
}

func TestDeadShowHidesWhatIsPersonal(t *testing.T) {
	h := newHouse(t)
	push := dying("shop", "otp", "p", job.Unavailable, "scorocode-main")
	push.Delivery.Data = []byte(`{"id":"p","channel":"push","audience":{"collection":"users","query":{"phone":"79612242243"}},"push":{"gcm":{"data":{"secret":"Code 1234"}}}}`)
	broken := dying("shop", "otp", "x", job.Unavailable, "")
	broken.Delivery.Data = []byte(`9612242243`)
	h.bury(t, dying("shop", "otp", "a", job.Unavailable, "prostor-main"), push, broken)
	for _, format := range []string{"table", "json"} {
		stdout, stderr := h.dead(t, exitDone, "show", "--output", format)
		for _, private := range []string{"(961)", "224-22-43", "9612242243", "Code 1234"} {
			require.NotContains(t, stdout+stderr, private)
		}
		require.Contains(t, stderr, "letter 3 holds no job in JSON")
		require.Contains(t, stdout, "(hidden, 9 characters)")
		require.Contains(t, stdout, `"order"`)
		require.Contains(t, stdout, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		stdout, _ = h.dead(t, exitDone, "show", "a", "p", "--reveal", "--output", format)
		require.Contains(t, stdout, "8 (961) 224-22-43")
		require.Contains(t, stdout, "Code 1234")
		require.Contains(t, stdout, "79612242243")
		require.Contains(t, stdout, "no route to ***", "the provider's words stay masked")
	}
}

func TestDeadReplayLeavesWhatCannotBeSent(t *testing.T) {
	h := newHouse(t)
	late := dying("shop", "otp", "late", job.Unavailable, "prostor-main")
	late.Delivery.Data = []byte(`{"id":"late","channel":"sms","to":"+79612242243","text":"x","expires_at":"2020-01-01T00:00:00Z"}`)
	soon := dying("shop", "otp", "soon", job.Unavailable, "prostor-main")
	soon.Delivery.Data = fmt.Appendf(nil, `{"id":"soon","channel":"sms","to":"+79612242243","text":"x","expires_at":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	h.bury(t, late, dying("shop", "gone", "g", job.Unavailable, ""), soon)
	_, err := h.js.PublishMsg(t.Context(), &nats.Msg{Subject: "dispatch.dead.shop.otp.unavailable", Data: []byte("no letter")})
	require.NoError(t, err)

	dry, stderr := h.dead(t, exitDone, "replay", "--dry-run")
	require.Contains(t, dry, "1 replayed, 1 expired, 1 unserved (dry run")
	require.Contains(t, stderr, "letter 4: not a dead letter")
	require.Len(t, h.stored(t, "DISPATCH_DEAD"), 4)
	require.Empty(t, h.stored(t, "DISPATCH_LATER"))

	stdout, stderr := h.dead(t, exitFailed, "replay", "--output", "json")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 4)
	require.JSONEq(t, `{"letter":1,"job":"late","tenant":"shop","route":"otp","code":"unavailable","outcome":"expired"}`, lines[0])
	require.JSONEq(t, `{"letter":2,"job":"g","tenant":"shop","route":"gone","code":"unavailable","outcome":"unserved"}`, lines[1])
	require.JSONEq(t, `{"letter":3,"job":"soon","tenant":"shop","route":"otp","code":"unavailable","outcome":"replayed"}`, lines[2])
	require.JSONEq(t, `{"replayed":1,"expired":1,"unserved":1,"dry_run":false}`, lines[3])
	require.Contains(t, stderr, "letters not replayed: 2")
	require.Equal(t, []string{"late", "g"}, h.listed(t))
	require.Len(t, h.stored(t, "DISPATCH_LATER"), 1)

	stdout, _ = h.dead(t, exitDone, "list")
	require.Regexp(t, `(?m)^1 .* shop/late .* yes +no route`, stdout)
	stdout, _ = h.dead(t, exitDone, "show", "1")
	require.Contains(t, stdout, "2020-01-01T00:00:00.000Z, has passed")
}

func TestDeadReplayKeepsItsRateAndItsEnd(t *testing.T) {
	h := newHouse(t)
	var letters []dispatch.DeadLetter
	for i := range 12 {
		letters = append(letters, dying("shop", "otp", fmt.Sprintf("j%d", i), job.Unavailable, ""))
	}
	h.bury(t, letters...)
	began := time.Now()
	stdout, _ := h.dead(t, exitDone, "replay", "--rate", "20", "--limit", "10")
	require.GreaterOrEqual(t, time.Since(began), 400*time.Millisecond, "two at once, eight more at 20 a second")
	require.Contains(t, stdout, "10 replayed")
	require.Equal(t, []string{"j10", "j11"}, h.listed(t))

	s := start(t.Context(), h.URL(), nil, "dead", "replay", "--rate", "1")
	s.stdout.waitFor(t, "replayed")
	h.bury(t, dying("shop", "otp", "new", job.Unavailable, ""))
	require.Equal(t, exitDone, s.wait(), s.stderr)
	require.Equal(t, []string{"new"}, h.listed(t), "what comes meanwhile is left")
}

// A replay that is told to stop finishes what it began, says how far it got, and goes on where it was when it is run again.
func TestDeadReplayStops(t *testing.T) {
	h := newHouse(t)
	const many = 20 // at one a second
	for i := range many {
		h.bury(t, dying("shop", "otp", fmt.Sprintf("j%d", i), job.Unavailable, ""))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := start(ctx, h.URL(), nil, "dead", "replay", "--rate", "1")
	s.stdout.waitFor(t, "shop/j0")
	stop()
	require.Equal(t, exitFailed, s.wait())
	require.Contains(t, s.stderr.String(), "stopped: ")
	left := h.listed(t)
	require.NotEmpty(t, left)
	require.Len(t, h.stored(t, "DISPATCH_LATER"), many-len(left))
	stdout, _ := h.dead(t, exitDone, "replay")
	require.Contains(t, stdout, fmt.Sprintf("%d replayed", len(left)))
	require.Len(t, h.stored(t, "DISPATCH_LATER"), many)
}

// A replay whose jobs can't be stored deletes no letter.
func TestDeadReplayThatIsNotStored(t *testing.T) {
	h := newHouse(t)
	h.bury(t, dying("shop", "otp", "a", job.Unavailable, ""))
	later, err := h.js.Stream(t.Context(), "DISPATCH_LATER")
	require.NoError(t, err)
	config := later.CachedInfo().Config
	config.MaxMsgSize = 1
	_, err = h.js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	stdout, stderr := h.dead(t, exitFailed, "replay")
	require.Contains(t, stdout, "0 replayed")
	require.Contains(t, stderr, "1 of 1 held jobs not stored")
	require.Equal(t, []string{"a"}, h.listed(t))
}

func TestDeadPurge(t *testing.T) {
	h := newHouse(t)
	h.bury(t, dying("shop", "otp", "a", job.Unavailable, ""), dying("shop", "otp", "b", job.InvalidSender, ""), dying("shop", "news", "c", job.Unavailable, ""),
		dying("other", "news", "d", job.Unavailable, ""))
	for _, args := range []string{"purge", "purge --limit 1", "purge --all --tenant shop", "purge --all 1"} {
		_, stderr := h.dead(t, exitUsage, strings.Fields(args)...)
		require.Contains(t, stderr, "--all", args)
	}
	stdout, _ := h.dead(t, exitDone, "purge", "--dry-run")
	require.Contains(t, stdout, "4 purged (dry run: nothing was changed)")
	require.Len(t, h.listed(t), 4)
	stdout, _ = h.dead(t, exitDone, "purge", "--code", "invalid_sender")
	require.Contains(t, stdout, "1 purged\n")
	require.Equal(t, []string{"a", "c", "d"}, h.listed(t))
	stdout, _ = h.dead(t, exitDone, "purge", "3", "--output", "json")
	require.Contains(t, stdout, `{"purged":1,"dry_run":false}`)
	_, stderr := h.dead(t, exitFailed, "purge", "3")
	require.Contains(t, stderr, "no dead letter")
	h.dead(t, exitDone, "purge", "--all")
	require.Empty(t, h.listed(t))
	require.Empty(t, h.stored(t, "DISPATCH_LATER"))
}

// More letters than one page, read and replayed with a bounded part of them in memory.
func TestDeadManyLetters(t *testing.T) {
	h := newHouse(t)
	nc, _ := h.Connect(t)
	o, err := natsq.NewOutlet(nc, "dispatch")
	require.NoError(t, err)
	const many = 3 * maxPage
	letters := make([]dispatch.DeadLetter, many)
	for i := range letters {
		letters[i] = dying("shop", "otp", fmt.Sprintf("j%d", i), job.Unavailable, fmt.Sprintf("a%d", i%2))
	}
	require.NoError(t, o.Bury(t.Context(), letters))
	require.Len(t, h.listed(t), many)
	stdout, _ := h.dead(t, exitDone, "replay", "--account", "a1")
	require.Contains(t, stdout, fmt.Sprintf("%d replayed", many/2))
	require.Len(t, h.stored(t, "DISPATCH_LATER"), many/2)
	stdout, _ = h.dead(t, exitDone, "purge", "--account", "a0")
	require.Contains(t, stdout, fmt.Sprintf("%d purged", many/2))
	require.Empty(t, h.listed(t))
}

// The permissions that package natsq documents are enough for an operator; without those of a replay nothing is changed.
func TestDeadPermissions(t *testing.T) {
	user := func(name string, publish ...string) *server.User {
		return &server.User{Username: name, Password: "hush", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: publish},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_" + name + ".>"}},
		}}
	}
	reads := []string{"$JS.API.STREAM.INFO.DISPATCH_DEAD", "$JS.API.STREAM.MSG.GET.DISPATCH_DEAD", "$JS.API.CONSUMER.CREATE.DISPATCH_DEAD.>",
		"$JS.API.CONSUMER.MSG.NEXT.DISPATCH_DEAD.>", "$JS.API.CONSUMER.DELETE.DISPATCH_DEAD.>"}
	h := newHouse(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "all", Password: "all"},
			user("reader", reads...),
			user("operator", append(reads, "$JS.API.STREAM.MSG.DELETE.DISPATCH_DEAD", "$JS.API.CONSUMER.INFO.DISPATCH_LATER.*", "dispatch.later.due.>")...),
		}
		o.NoAuthUser = "all"
	})
	as := func(name string, code int, args ...string) (stdout, stderr string) {
		t.Helper()
		url := strings.Replace(h.URL(), "nats://", "nats://"+name+":hush@", 1)
		got, stdout, stderr := publisher(t, url, "", append(args, "--inbox-prefix", "_INBOX_"+name)...)
		require.Equal(t, code, got, stderr)
		require.NotContains(t, stderr, "hush")
		return stdout, stderr
	}
	h.bury(t, dying("shop", "otp", "a", job.Unavailable, ""), dying("shop", "otp", "b", job.Unavailable, ""))
	stdout, _ := as("reader", exitDone, "dead", "list")
	require.Contains(t, stdout, "shop/a")
	for _, args := range [][]string{{"dead", "replay"}, {"dead", "purge", "--all"}} {
		_, stderr := as("reader", exitFailed, args...)
		require.Contains(t, stderr, "Permissions Violation")
	}
	require.Len(t, h.listed(t), 2)
	require.Empty(t, h.stored(t, "DISPATCH_LATER"))
	as("operator", exitDone, "dead", "replay", "1")
	as("operator", exitDone, "dead", "purge", "2")
	require.Empty(t, h.listed(t))
}
