package natsq_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
	"github.com/gonets/gonets/pkg/dispatch/natsq/natstest"
)

// The server itself can spread tenants over systems, as docs/scaling.md has it: producers publish as ever, each tenant's jobs are always stored by the
// same system, and a route that nobody serves is refused.
func TestPartitionsBySubjectMapping(t *testing.T) {
	const systems = 3
	mapped := server.NewAccount("$G")
	require.NoError(t, mapped.AddMapping("dispatch.jobs.*.*.*", fmt.Sprintf("part.{{partition(%d,3)}}.jobs.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}", systems)))
	s := natstest.Start(t, func(o *server.Options) { o.Accounts = []*server.Account{mapped} })
	_, js := s.Connect(t)
	for i := range systems {
		l := layoutOf("otp")
		l.Prefix = fmt.Sprintf("part.%d", i)
		_, err := natsq.Provision(t.Context(), js, l)
		require.NoError(t, err)
	}
	home, used := map[string]string{}, map[string]bool{}
	for i := range 120 {
		tenant := fmt.Sprintf("tenant-%d", i%60)
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "dispatch.jobs.normal.otp." + tenant, Data: []byte("{}")})
		require.NoError(t, err)
		if i >= 60 {
			require.Equal(t, home[tenant], ack.Stream)
		}
		home[tenant], used[ack.Stream] = ack.Stream, true
	}
	require.Len(t, used, systems)
	require.Contains(t, used, "PART_0_JOBS_NORMAL")
	_, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "dispatch.jobs.normal.nosuch.tenant-1", Data: []byte("{}")})
	require.ErrorContains(t, err, "no response from stream")
}
