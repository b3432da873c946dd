package observe

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// logged is a layer and what it writes, without times.
func logged() (*Logs, *bytes.Buffer) {
	var out bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder,
		EncodeDuration: func(_ time.Duration, enc zapcore.PrimitiveArrayEncoder) { enc.AppendString("some time") }}), zapcore.AddSync(&out), zap.DebugLevel)
	return NewLogs(zap.New(core)), &out
}

// A job that goes as it should has no line, every other has one, with its id and without what it says.
func TestJobLines(t *testing.T) {
	l, out := logged()
	f := &fake{}
	ports := l.Ports(dispatch.Ports{Outlet: f})
	var events []dispatch.Event
	for _, s := range job.States() {
		events = append(events, dispatch.Event{Event: job.Event{Job: "ord-1", Tenant: "shop", Route: "otp", Lane: job.Urgent, State: s, Account: "main", Attempt: 2,
			Provider: "prostor", ProviderID: "id-of-the-provider", Error: &job.Reason{Code: job.Unavailable, Message: "words"}, Metadata: map[string]string{"name": "metadata"}}})
	}
	events = append(events, dispatch.Event{Event: job.Event{Job: "odd", Tenant: "shop", Route: "otp", Lane: job.Bulk, State: job.Expired}})
	f.err = errors.New("not stored")
	require.Error(t, ports.Outlet.Publish(t.Context(), events))
	require.Empty(t, out)
	f.err = nil
	require.NoError(t, ports.Outlet.Publish(t.Context(), events))
	const rest = `"tenant":"shop","job":"ord-1","route":"otp","lane":"urgent","state":"`
	const end = `","code":"unavailable","account":"main","attempt":2}`
	require.Equal(t, []string{
		`{"level":"info","msg":"job waits for an account",` + rest + "waiting" + end,
		`{"level":"info","msg":"job is tried again later",` + rest + "retrying" + end,
		`{"level":"info","msg":"job rejected",` + rest + "rejected" + end,
		`{"level":"info","msg":"job expired",` + rest + "expired" + end,
		`{"level":"warn","msg":"job failed",` + rest + "failed" + end,
		`{"level":"warn","msg":"job may or may not have been sent",` + rest + "unknown" + end,
		`{"level":"info","msg":"job expired","tenant":"shop","job":"odd","route":"otp","lane":"bulk","state":"expired"}`,
	}, strings.Split(strings.TrimSpace(out.String()), "\n"))
}

func TestPacketLines(t *testing.T) {
	l, out := logged()
	f := &fake{results: []providers.Result{{Outcome: providers.Submitted}, {Outcome: providers.Submitted}, {Outcome: providers.Unavailable}}}
	p := l.Provider("main", f)
	require.Equal(t, f.results, p.Send(t.Context(), []providers.Message{{To: "+79612242243", Text: "secret"}, {}, {}}))
	for _, part := range []string{`"msg":"packet sent","account":"main","messages":3,"outcomes":{"`, `"submitted":2`, `"unavailable":1`, `},"took":"some time"}`} {
		require.Contains(t, out.String(), part)
	}
	require.NotContains(t, out.String(), "secret")
	f.results = []providers.Result{{Outcome: providers.Rejected, Code: providers.InvalidSender}}
	out.Reset()
	p.Send(t.Context(), make([]providers.Message, 1))
	require.Contains(t, out.String(), `"outcomes":{"invalid_sender":1}`)
}
