package claim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/ratelimit/redistest"
)

const (
	testLease = time.Hour // leases end by lapse only
	testKeep  = 2 * time.Hour
)

// open returns a client of the server that is closed with the test.
func open(t testing.TB, s *redistest.Server) *redis.Client {
	client := s.Client()
	t.Cleanup(func() { _ = client.Close() }) // it may be closed already
	return client
}

// newStore returns an armed worker.
func newStore(t require.TestingT, client redis.UniversalClient, worker string) *Store {
	return newStoreFor(t, client, worker, testKeep)
}

func newStoreFor(t require.TestingT, client redis.UniversalClient, worker string, window time.Duration) *Store {
	s, err := New(client, Config{Prefix: "t", Worker: worker, Lease: testLease, Window: window})
	require.NoError(t, err)
	arm(t, s)
	return s
}

// arm does what a worker does at its start where there is nothing to rebuild.
func arm(t require.TestingT, s *Store) {
	whole, err := s.Ensure(context.Background())
	require.NoError(t, err)
	if !whole {
		require.NoError(t, s.Rearm(context.Background(), nil))
	}
}

// place is where a job's record is: in which hash, what stands in its field, and, where that is a pointer, its page.
type place struct{ key, field, value, page, sheaf string }

// placeOfJob finds the only place of a job's record; the zero place where there is none.
func placeOfJob(t require.TestingT, s *Store, id string) (found place) {
	ctx := context.Background()
	shard := s.shard("shop", id)
	field := string(appendField(nil, "shop", id))
	for _, key := range keysOf(t, s.client, s.prefix+":claim:{"+fmt.Sprint(shard)+"}:*") {
		value, err := s.client.HGet(ctx, key, field).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		require.NoError(t, err)
		require.Empty(t, found.key, "a record is in two hashes")
		found = place{key: key, field: field, value: value}
		if value[0] == '@' {
			found.page, err = s.client.HGet(ctx, key, value[:len(value)-2]).Result()
			require.NoError(t, err)
			found.sheaf, err = s.client.HGet(ctx, key, value[:strings.IndexByte(value, '.')]).Result()
			require.NoError(t, err)
		}
	}
	return found
}

// keysOf are the keys of all servers that match.
func keysOf(t require.TestingT, client redis.UniversalClient, pattern string) []string {
	if c, ok := client.(*redis.ClusterClient); ok { // of one node
		var all []string
		require.NoError(t, c.ForEachMaster(context.Background(), func(ctx context.Context, node *redis.Client) (err error) {
			all, err = node.Keys(ctx, pattern).Result()
			return err
		}))
		return all
	}
	all, err := client.Keys(context.Background(), pattern).Result()
	require.NoError(t, err)
	return all
}

// split takes a page apart, into heads and whole records.
func split(t require.TestingT, page string) (texts []string) {
	first := ""
	for rest := page; rest != ""; {
		digits, after, ok := strings.Cut(rest, ":")
		require.True(t, ok)
		n, err := strconv.Atoi(digits)
		require.NoError(t, err)
		head, record, ok := strings.Cut(after[:n], ";")
		require.True(t, ok)
		if number, own, _ := strings.Cut(record, " "); strings.Trim(number, "0123456789") == "" {
			shared, err := strconv.Atoi(number)
			require.NoError(t, err)
			record = first[:shared] + own
		}
		if first == "" {
			first = record
		}
		texts, rest = append(texts, head+";"+record), after[n:]
	}
	return texts
}

// text is the whole record.
func (p place) text(t require.TestingT) string {
	if p.page == "" {
		return p.value
	}
	texts := split(t, p.page)
	lease, front, _ := strings.Cut(p.sheaf, " ")
	switch text := texts[p.value[len(p.value)-1]-'0']; text[0] {
	case '@':
		return lease[:leaseDigits] + front + text[1:]
	case ';':
		return noLease + text
	default:
		return text
	}
}

// lapse ends the lease of a job, and of no other; its page stays as it was claimed.
func lapse(t require.TestingT, s *Store, id string) {
	p := placeOfJob(t, s, id)
	field, value := p.field, "0000000000001"+p.text(t)[leaseDigits:]
	if p.page != "" {
		texts := split(t, p.page)
		texts[p.value[len(p.value)-1]-'0'] = value
		field, value = p.value[:len(p.value)-2], ""
		for _, text := range texts {
			value += strconv.Itoa(len(text)) + ":" + text
		}
	}
	require.NoError(t, s.client.HSet(context.Background(), p.key, field, value).Err())
}

// lives is how long a record will live, at least.
func lives(t require.TestingT, s *Store, id string) time.Duration {
	p := placeOfJob(t, s, id)
	require.NotEmpty(t, p.key)
	length := s.term
	if strings.Contains(p.key, "~") {
		length *= coarseTerm
	}
	left, err := s.client.PTTL(context.Background(), p.key).Result()
	require.NoError(t, err)
	return left - length
}

func ask(id string) dispatch.ClaimRequest {
	return dispatch.ClaimRequest{Tenant: "shop", ID: id, Hash: "h", Publication: "J:1", Account: "a", Keep: testKeep}
}

func claimOne(t require.TestingT, s *Store, req dispatch.ClaimRequest) dispatch.Claim {
	got, err := s.Claim(context.Background(), []dispatch.ClaimRequest{req})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func recordOne(t require.TestingT, s *Store, id, token string, r dispatch.Record) bool {
	got, err := s.Record(context.Background(), []dispatch.Update{{Tenant: "shop", ID: id, Token: token, Record: r, Keep: testKeep}})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func stands(t require.TestingT, s *Store, id string) found {
	p := placeOfJob(t, s, id)
	require.NotEmpty(t, p.key, "no record")
	f, err := decode(p.text(t))
	require.NoError(t, err)
	return f
}

func concluded(publication string) dispatch.Record {
	return dispatch.Record{Phase: dispatch.Concluded, Attempts: 1, Sequence: 1, Hash: "h", Publication: publication, Account: "a",
		Last: &job.Event{State: job.Submitted, Sequence: 1, At: time.UnixMilli(1_790_000_000_123).UTC(), Attempt: 1, Account: "a", Provider: "prostor",
			ProviderID: "2592608030", ProviderStatus: "accepted", Segments: 1}}
}

var errAnswerLost net.Error = &net.OpError{Op: "read", Err: errors.New("the answer was lost")}

// deaf loses the answers to scripts: the server does what it is told, and the client doesn't learn it.
type deaf struct {
	left   int // how many answers to lose
	script *script
	lost   int
	then   func() // what happens instead of the answer; nil: nothing
}

func (d *deaf) lose(cmd redis.Cmder) bool {
	args := cmd.Args()
	if d.left == 0 || len(args) < 2 || args[1] != d.script.sha && args[1] != d.script.source || cmd.Err() != nil {
		return false
	}
	d.left--
	d.lost++
	if d.then != nil {
		d.then()
	}
	cmd.SetErr(errAnswerLost)
	return true
}

func (d *deaf) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := next(ctx, cmd); err != nil {
			return err
		}
		d.lose(cmd)
		return cmd.Err()
	}
}

func (d *deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			if d.lose(cmd) {
				err = errAnswerLost
			}
		}
		return err
	}
}
